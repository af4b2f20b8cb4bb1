//! What is to be deployed, as the requests that make it.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::operation::create_endpoint::builders::CreateEndpointInputBuilder;
use aws_sdk_sagemaker::operation::create_endpoint_config::builders::CreateEndpointConfigInputBuilder;
use aws_sdk_sagemaker::operation::create_model::builders::CreateModelInputBuilder;
use aws_sdk_sagemaker::types::{ContainerDefinition, ProductionVariant};

use super::control_plane::{Config, Model};
use super::model_data::ModelData;
use super::names::ENDPOINT_TAG;
use crate::infra_defaults::EndpointDefaults;
use crate::instance_type::has_gpu;
use crate::sagemaker::tag;

/// The one variant of an endpoint, as the stacks name it.
pub const VARIANT: &str = "AllTraffic";

/// An endpoint as it is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub endpoint: String,
    /// The model server's image in ECR.
    pub image: String,
    /// The checkpoint.
    pub data: ModelData,
    /// The container's environment.
    pub environment: BTreeMap<String, String>,
    /// The ARN of the role that fetches image and checkpoint.
    pub role: String,
    /// SageMaker's type of instance.
    pub instance_type: String,
    /// How many of them.
    pub instances: i32,
    /// What else an endpoint has.
    pub defaults: EndpointDefaults,
}

impl Wanted {
    /// The request for the model.
    #[must_use]
    pub fn model(&self, name: &str) -> CreateModelInputBuilder {
        let environment = self.environment.clone().into_iter().collect();
        let container = ContainerDefinition::builder()
            .image(&self.image)
            .model_data_source(self.data.source())
            .set_environment(Some(environment))
            .build();
        CreateModelInputBuilder::default()
            .model_name(name)
            .execution_role_arn(&self.role)
            .primary_container(container)
            // The model server calls nobody; SageMaker itself fetches the checkpoint and
            // takes the logs.
            .enable_network_isolation(true)
            .tags(tag(ENDPOINT_TAG, &self.endpoint))
    }

    /// The request for the configuration with that model.
    #[must_use]
    pub fn config(&self, name: &str, model: &str) -> CreateEndpointConfigInputBuilder {
        let mut variant = ProductionVariant::builder()
            .variant_name(VARIANT)
            .model_name(model)
            .instance_type(self.instance_type.as_str().into())
            .initial_instance_count(self.instances)
            .initial_variant_weight(1.0)
            .container_startup_health_check_timeout_in_seconds(
                self.defaults.startup_timeout_seconds,
            )
            .model_data_download_timeout_in_seconds(self.defaults.download_timeout_seconds);
        if let Some(image) = &self.defaults.inference_ami_version
            && has_gpu(&self.instance_type)
        {
            variant = variant.inference_ami_version(image.as_str().into());
        }
        CreateEndpointConfigInputBuilder::default()
            .endpoint_config_name(name)
            .production_variants(variant.build())
            .tags(tag(ENDPOINT_TAG, &self.endpoint))
    }

    /// The request for the endpoint with that configuration.
    #[must_use]
    pub fn endpoint(&self, config: &str) -> CreateEndpointInputBuilder {
        CreateEndpointInputBuilder::default()
            .endpoint_name(&self.endpoint)
            .endpoint_config_name(config)
            .tags(tag(ENDPOINT_TAG, &self.endpoint))
    }

    /// Whether a configuration and its model are what these requests made.
    #[must_use]
    pub fn is(&self, config: &Config, model: &Model) -> bool {
        let [variant] = &config.variants[..] else {
            return false;
        };
        variant.instance_type.as_deref() == Some(self.instance_type.as_str())
            && variant.instances == Some(self.instances)
            && model.image.as_deref() == Some(self.image.as_str())
            && model.data.as_deref() == Some(self.data.uri())
            && model.role.as_deref() == Some(self.role.as_str())
            && model.environment == self.environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::control_plane::Variant;

    /// One like those that are deployed.
    fn wanted() -> Wanted {
        Wanted {
            endpoint: "shirts".to_owned(),
            image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/model-server:1".to_owned(),
            data: "s3://bucket/models/a/".parse().unwrap(),
            environment: BTreeMap::from([("RUST_LOG".to_owned(), "debug".to_owned())]),
            role: "arn:aws:iam::111122223333:role/lookbook".to_owned(),
            instance_type: "ml.g5.2xlarge".to_owned(),
            instances: 1,
            defaults: crate::infra_defaults::InfraDefaults::built_in()
                .unwrap()
                .endpoint,
        }
    }

    #[test]
    fn the_requests_are_what_the_stacks_make() {
        let wanted = wanted();
        let model = wanted.model("m").build().unwrap();
        assert_eq!(model.model_name(), Some("m"));
        assert_eq!(model.enable_network_isolation(), Some(true));
        let container = model.primary_container().unwrap();
        assert_eq!(container.image(), Some(wanted.image.as_str()));
        assert!(container.model_data_url().is_none());
        assert_eq!(container.environment().unwrap()["RUST_LOG"], "debug");
        let owner = [tag("lookbook:endpoint", "shirts")];
        assert_eq!(model.tags(), owner);

        let config = wanted.config("c", "m").build().unwrap();
        assert_eq!(config.tags(), owner);
        let [variant] = config.production_variants() else {
            panic!("{config:?}");
        };
        assert_eq!(variant.model_name(), Some("m"));
        assert_eq!(variant.instance_type().unwrap().as_str(), "ml.g5.2xlarge");
        let system = variant.inference_ami_version().unwrap();
        let expected = wanted.defaults.inference_ami_version.as_deref();
        assert_eq!(Some(system.as_str()), expected);

        let endpoint = wanted.endpoint("c").build().unwrap();
        assert_eq!(endpoint.endpoint_name(), Some("shirts"));
        assert_eq!(endpoint.endpoint_config_name(), Some("c"));
        assert_eq!(endpoint.tags(), owner);
    }

    #[test]
    fn an_instance_without_a_gpu_has_sagemakers_own_system() {
        let wanted = Wanted {
            instance_type: "ml.m5.xlarge".to_owned(),
            ..wanted()
        };
        let config = wanted.config("c", "m").build().unwrap();
        assert!(
            config.production_variants()[0]
                .inference_ami_version()
                .is_none()
        );
    }

    #[test]
    fn what_is_being_made_is_known_again() {
        let wanted = wanted();
        let model = Model {
            image: Some(wanted.image.clone()),
            data: Some("s3://bucket/models/a/".to_owned()),
            environment: wanted.environment.clone(),
            role: Some(wanted.role.clone()),
            ..Model::default()
        };
        let variant = Variant {
            instance_type: Some("ml.g5.2xlarge".to_owned()),
            instances: Some(1),
            ..Variant::default()
        };
        let config = Config {
            variants: vec![variant],
            ..Config::default()
        };
        assert!(wanted.is(&config, &model));
        let other = Model {
            data: Some("s3://bucket/models/b/".to_owned()),
            ..model.clone()
        };
        assert!(!wanted.is(&config, &other));
        let other = Wanted {
            instances: 2,
            ..wanted.clone()
        };
        assert!(!other.is(&config, &model));
        assert!(!wanted.is(&Config::default(), &model));
    }
}

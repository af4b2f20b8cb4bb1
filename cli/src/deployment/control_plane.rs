//! What SageMaker says of endpoints, their configurations and their models, in structs
//! that need no AWS.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::describe_endpoint::DescribeEndpointOutput;
use aws_sdk_sagemaker::operation::describe_model::DescribeModelOutput;
use aws_sdk_sagemaker::types::{ProductionVariant, ProductionVariantSummary};
use serde::Serialize;

use crate::aws_error::failure;
use crate::clock::to_the_second;
use crate::failure::Outcome;
use crate::sagemaker::found;

/// An endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// Its ARN.
    #[serde(skip)]
    pub arn: String,
    /// SageMaker's word for its state.
    pub status: String,
    /// The configuration that it has.
    pub config: Option<String>,
    /// The one that it is being given.
    pub pending_config: Option<String>,
    /// Why it is, or went back to, what it is.
    pub failure_reason: Option<String>,
    /// What runs.
    pub variants: Vec<Variant>,
    /// When it was made, in UTC.
    pub created: Option<String>,
    /// When it was last changed, in UTC.
    pub changed: Option<String>,
}

/// A variant of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The model that it serves, as the configuration says.
    pub model: Option<String>,
    /// SageMaker's type of instance, as the configuration says.
    pub instance_type: Option<String>,
    /// How many instances there are; of a configuration, at first.
    pub instances: Option<i32>,
    /// How many there are to be.
    pub desired_instances: Option<i32>,
    /// Its share of the traffic, relative to the others'.
    pub weight: Option<f32>,
}

/// An endpoint configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its ARN.
    #[serde(skip)]
    pub arn: String,
    /// What it says is to run.
    pub variants: Vec<Variant>,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its ARN.
    #[serde(skip)]
    pub arn: String,
    /// Its container's image.
    pub image: Option<String>,
    /// Where its checkpoint lies in S3.
    pub data: Option<String>,
    /// Its container's environment.
    pub environment: BTreeMap<String, String>,
    /// The role that it runs as.
    pub role: Option<String>,
}

/// What can be asked for and removed.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// The client, for what is created.
    pub client: Client,
}

impl ControlPlane {
    /// The endpoint of a name, if there is one.
    ///
    /// # Errors
    /// Those of DescribeEndpoint.
    pub async fn endpoint(&self, name: &str) -> Outcome<Option<Endpoint>> {
        let sent = self.client.describe_endpoint().endpoint_name(name);
        let output = found(&format!("DescribeEndpoint {name}"), sent.send().await)?;
        Ok(output.map(endpoint))
    }

    /// The configuration of a name, if there is one.
    ///
    /// # Errors
    /// Those of DescribeEndpointConfig.
    pub async fn config(&self, name: &str) -> Outcome<Option<Config>> {
        let sent = self.client.describe_endpoint_config();
        let sent = sent.endpoint_config_name(name).send().await;
        let output = found(&format!("DescribeEndpointConfig {name}"), sent)?;
        Ok(output.map(|output| Config {
            variants: output.production_variants().iter().map(planned).collect(),
            name: output.endpoint_config_name.unwrap_or_default(),
            arn: output.endpoint_config_arn.unwrap_or_default(),
        }))
    }

    /// The model of a name, if there is one.
    ///
    /// # Errors
    /// Those of DescribeModel.
    pub async fn model(&self, name: &str) -> Outcome<Option<Model>> {
        let sent = self.client.describe_model().model_name(name).send().await;
        let output = found(&format!("DescribeModel {name}"), sent)?;
        Ok(output.map(model))
    }

    /// The names of configurations that contain a text.
    ///
    /// # Errors
    /// Those of ListEndpointConfigs.
    pub async fn config_names(&self, contains: &str) -> Outcome<Vec<String>> {
        let pages = self.client.list_endpoint_configs().name_contains(contains);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(|error| failure("ListEndpointConfigs", &error))?;
        let names = listed
            .into_iter()
            .filter_map(|one| one.endpoint_config_name);
        // Who stands in for AWS may not filter.
        Ok(names.filter(|name| name.contains(contains)).collect())
    }

    /// The names of models that contain a text.
    ///
    /// # Errors
    /// Those of ListModels.
    pub async fn model_names(&self, contains: &str) -> Outcome<Vec<String>> {
        let pages = self.client.list_models().name_contains(contains);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(|error| failure("ListModels", &error))?;
        let names = listed.into_iter().filter_map(|one| one.model_name);
        Ok(names.filter(|name| name.contains(contains)).collect())
    }

    /// The value of a tag, if what the ARN names has it.
    ///
    /// # Errors
    /// Those of ListTags.
    pub async fn tag(&self, arn: &str, key: &str) -> Outcome<Option<String>> {
        let pages = self.client.list_tags().resource_arn(arn);
        let listed = pages.into_paginator().items().send().try_collect().await;
        let tags = listed.map_err(|error| failure(&format!("ListTags {arn}"), &error))?;
        let tag = tags.into_iter().find(|tag| tag.key() == Some(key));
        Ok(tag.and_then(|tag| tag.value))
    }

    /// Removes an endpoint; false where there is none. It is gone some time later.
    ///
    /// # Errors
    /// Those of DeleteEndpoint.
    pub async fn delete_endpoint(&self, name: &str) -> Outcome<bool> {
        let sent = self.client.delete_endpoint().endpoint_name(name);
        let sent = sent.send().await;
        Ok(found(&format!("DeleteEndpoint {name}"), sent)?.is_some())
    }

    /// Removes a configuration; false where there is none.
    ///
    /// # Errors
    /// Those of DeleteEndpointConfig.
    pub async fn delete_config(&self, name: &str) -> Outcome<bool> {
        let sent = self.client.delete_endpoint_config();
        let sent = sent.endpoint_config_name(name).send().await;
        Ok(found(&format!("DeleteEndpointConfig {name}"), sent)?.is_some())
    }

    /// Removes a model; false where there is none. Its checkpoint stays.
    ///
    /// # Errors
    /// Those of DeleteModel.
    pub async fn delete_model(&self, name: &str) -> Outcome<bool> {
        let sent = self.client.delete_model().model_name(name).send().await;
        Ok(found(&format!("DeleteModel {name}"), sent)?.is_some())
    }
}

fn endpoint(output: DescribeEndpointOutput) -> Endpoint {
    let status = output.endpoint_status.as_ref();
    let pending = output.pending_deployment_summary;
    Endpoint {
        status: status.map_or_else(String::new, |status| status.as_str().to_owned()),
        variants: output
            .production_variants
            .unwrap_or_default()
            .into_iter()
            .map(running)
            .collect(),
        created: output.creation_time.as_ref().map(to_the_second),
        changed: output.last_modified_time.as_ref().map(to_the_second),
        name: output.endpoint_name.unwrap_or_default(),
        arn: output.endpoint_arn.unwrap_or_default(),
        config: output.endpoint_config_name,
        pending_config: pending.and_then(|pending| pending.endpoint_config_name),
        failure_reason: output.failure_reason,
    }
}

fn running(variant: ProductionVariantSummary) -> Variant {
    Variant {
        name: variant.variant_name.unwrap_or_default(),
        model: None,
        instance_type: None,
        instances: variant.current_instance_count,
        desired_instances: variant.desired_instance_count,
        weight: variant.current_weight,
    }
}

fn planned(variant: &ProductionVariant) -> Variant {
    let instance_type = variant.instance_type.as_ref();
    Variant {
        name: variant.variant_name.clone().unwrap_or_default(),
        model: variant.model_name.clone(),
        instance_type: instance_type.map(|one| one.as_str().to_owned()),
        instances: variant.initial_instance_count,
        desired_instances: None,
        weight: variant.initial_variant_weight,
    }
}

fn model(output: DescribeModelOutput) -> Model {
    let container = output.primary_container.unwrap_or_else(|| {
        let containers = output.containers.unwrap_or_default();
        let empty = || aws_sdk_sagemaker::types::ContainerDefinition::builder().build();
        containers.into_iter().next().unwrap_or_else(empty)
    });
    let source = container
        .model_data_source
        .and_then(|source| source.s3_data_source);
    Model {
        name: output.model_name.unwrap_or_default(),
        arn: output.model_arn.unwrap_or_default(),
        image: container.image,
        data: source
            .and_then(|source| source.s3_uri)
            .or(container.model_data_url),
        environment: container
            .environment
            .unwrap_or_default()
            .into_iter()
            .collect(),
        role: output.execution_role_arn,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::{
        ContainerDefinition, EndpointStatus, ModelDataSource, PendingDeploymentSummary,
        S3ModelDataSource,
    };

    use super::*;

    #[test]
    fn an_endpoint_is_read_with_what_it_is_being_given() {
        let pending = PendingDeploymentSummary::builder().endpoint_config_name("b");
        let variant = ProductionVariantSummary::builder()
            .variant_name("AllTraffic")
            .current_instance_count(1)
            .desired_instance_count(2);
        let output = DescribeEndpointOutput::builder()
            .endpoint_name("shirts")
            .endpoint_arn("arn")
            .endpoint_config_name("a")
            .endpoint_status(EndpointStatus::Updating)
            .pending_deployment_summary(pending.build())
            .production_variants(variant.build())
            .failure_reason("because")
            .build();
        let read = endpoint(output);
        assert_eq!(read.status, "Updating");
        assert_eq!(read.config.as_deref(), Some("a"));
        assert_eq!(read.pending_config.as_deref(), Some("b"));
        assert_eq!(read.failure_reason.as_deref(), Some("because"));
        assert_eq!(read.variants[0].desired_instances, Some(2));
    }

    #[test]
    fn a_checkpoint_is_found_in_both_of_its_places() {
        let source = S3ModelDataSource::builder().s3_uri("s3://bucket/new/");
        let source = ModelDataSource::builder().s3_data_source(source.build());
        let new = ContainerDefinition::builder().model_data_source(source.build());
        let old = ContainerDefinition::builder().model_data_url("s3://bucket/old.tar.gz");
        let described = DescribeModelOutput::builder().model_name("m");
        let read = model(described.clone().primary_container(new.build()).build());
        assert_eq!(read.data.as_deref(), Some("s3://bucket/new/"));
        let read = model(described.clone().containers(old.build()).build());
        assert_eq!(read.data.as_deref(), Some("s3://bucket/old.tar.gz"));
        assert_eq!(model(described.build()).data, None);
    }
}

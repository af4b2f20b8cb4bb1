//! `lookbook deploy`: a checkpoint to an endpoint.

use std::time::Duration;

use clap::Args;
use describe_product::settings::ENDPOINT_NAME;

use crate::clock::duration;
use crate::context::Context;
use crate::deployment::control_plane::ControlPlane;
use crate::deployment::deploying::{Deployed, Deployment};
use crate::deployment::model_data::ModelData;
use crate::deployment::rollout::Rollout;
use crate::deployment::wanted::Wanted;
use crate::failure::{Failure, Outcome};
use crate::infra_defaults::InfraDefaults;
use crate::name_value::{NameValue, collected};
use crate::polling::Polling;
use crate::sagemaker::{check_name, check_role, client};
use crate::training::job::artifacts;

/// What is to serve, and how.
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The endpoint
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    endpoint: String,
    /// The model server's image in ECR
    #[arg(long, value_name = "URI")]
    image: String,
    /// The checkpoint: s3://bucket/prefix/ with its files, or s3://bucket/….tar.gz
    #[arg(
        long,
        value_name = "S3URI",
        required_unless_present = "training_job",
        conflicts_with = "training_job"
    )]
    model_data: Option<ModelData>,
    /// The training job whose model is served
    #[arg(long, value_name = "NAME")]
    training_job: Option<String>,
    /// The role that fetches image and checkpoint
    #[arg(long, value_name = "ARN")]
    role: String,
    /// SageMaker's type of instance [default: that of the stacks, ml.g5.2xlarge]
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// How many instances [default: that of the stacks, 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    instances: Option<i32>,
    /// A variable of the container's environment; several may be given
    #[arg(long, value_name = "NAME=VALUE")]
    environment: Vec<NameValue>,
    #[command(flatten)]
    rollout: Rollout,
    /// Leave the configuration and the model that served before in the account
    #[arg(long)]
    keep_previous: bool,
    /// Do not wait until it serves; what comes to nothing is not taken back then
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    polling: Polling,
}

/// Deploys.
///
/// # Errors
/// Why the endpoint does not serve the checkpoint; nothing of it is left then, or the
/// failure says what is.
pub async fn run(args: DeployArgs, context: &Context) -> Outcome {
    check_name("--endpoint", &args.endpoint)?;
    check_role(&args.role)?;
    let defaults = InfraDefaults::built_in()?.endpoint;
    let environment = collected("--environment", &args.environment)?;
    let plane = ControlPlane {
        client: client(context).await,
    };
    let data = match (args.model_data, &args.training_job) {
        (Some(data), _) => data,
        (None, Some(job)) => {
            let uri = context
                .interrupt
                .or(artifacts(&plane.client, job))
                .await??;
            uri.parse::<ModelData>().map_err(|reason| {
                Failure::usage(format!("--training-job {job}: its model: {reason}"))
            })?
        }
        (None, None) => return Err(Failure::usage("--model-data or --training-job is needed")),
    };
    let wanted = Wanted {
        endpoint: args.endpoint,
        image: args.image,
        data,
        environment,
        role: args.role,
        instance_type: args
            .instance_type
            .unwrap_or_else(|| defaults.instance_type.clone()),
        instances: args.instances.unwrap_or(defaults.instance_count),
        defaults,
    };
    let deployment = Deployment {
        plane,
        wanted,
        rollout: args.rollout,
        waits: !args.no_wait,
        keeps_previous: args.keep_previous,
        polling: args.polling,
        context,
    };
    let deployed = deployment.deploy().await?;
    context.terminal.result(&deployed, || text(&deployed))
}

fn text(deployed: &Deployed) -> String {
    let Deployed {
        endpoint,
        status,
        model_data,
        ..
    } = deployed;
    match deployed.waited_seconds {
        Some(seconds) => format!(
            "endpoint {endpoint} is {status} with {model_data}, after {}",
            duration(Duration::from_secs(seconds))
        ),
        None => format!(
            "endpoint {endpoint} is {status} with {model_data}: `lookbook status --endpoint \
             {endpoint} --wait` waits for it"
        ),
    }
}

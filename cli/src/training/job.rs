//! A training job on SageMaker: the request that creates it, and what is asked about one.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::create_training_job::builders::CreateTrainingJobInputBuilder;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, Channel, CheckpointConfig, DataSource, MetricDefinition,
    OutputCompressionType, OutputDataConfig, ResourceConfig, S3DataDistribution, S3DataSource,
    S3DataType, StoppingCondition, TrainingInputMode, TrainingJobStatus,
};
use trainer::train::metric_definitions::METRIC_DEFINITIONS;

use crate::aws_error::failure;
use crate::failure::{Exit, Failure, Outcome};
use crate::sagemaker::{found, tag};

/// The tag of every job that is created here.
pub const JOB_TAG: &str = "lookbook:command";

/// Where the trainer keeps its checkpoints, which SageMaker copies to S3 as they come.
const CHECKPOINTS: &str = "/opt/ml/checkpoints";

/// What a job learns from: a folder for each channel of the training contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// The photographs.
    pub images: String,
    /// The questions and answers.
    pub input_file: String,
    /// The checkpoint.
    pub model: String,
}

impl Channels {
    /// Each by the name that the trainer knows it by.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &str); 3] {
        [
            ("images", &self.images),
            ("input_file", &self.input_file),
            ("model", &self.model),
        ]
    }
}

/// How long a spot job may wait for its machine and run, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// In seconds; no less than it may run.
    pub max_wait_seconds: i32,
}

/// A job as it is to be created.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// The trainer's image in ECR.
    pub image: String,
    /// The ARN of the role that it runs as.
    pub role: String,
    /// What it learns from, in S3.
    pub channels: Channels,
    /// The prefix in S3 under which its results go, in a folder of its name.
    pub output: String,
    /// Where its checkpoints go.
    pub checkpoints: Option<String>,
    /// Hyperparameters, those that are not the default.
    pub hyperparameters: BTreeMap<String, String>,
    /// SageMaker's type of instance.
    pub instance_type: String,
    /// Room on its disk, in GiB.
    pub volume_gib: i32,
    /// After so many seconds SageMaker stops it.
    pub max_run_seconds: i32,
    /// Whether it takes machines that nobody else wants now, and may lose them.
    pub spot: Option<Spot>,
    /// Whether the model becomes one archive in place of files.
    pub archive: bool,
}

impl Job {
    /// The request.
    #[must_use]
    pub fn request(&self) -> CreateTrainingJobInputBuilder {
        let mut algorithm = AlgorithmSpecification::builder()
            .training_image(&self.image)
            .training_input_mode(TrainingInputMode::File);
        for definition in METRIC_DEFINITIONS {
            let metric = MetricDefinition::builder()
                .name(definition.name)
                .regex(definition.regex());
            algorithm = algorithm.metric_definitions(metric.build());
        }
        let compression = match self.archive {
            true => OutputCompressionType::Gzip,
            false => OutputCompressionType::None,
        };
        let output = OutputDataConfig::builder()
            .s3_output_path(&self.output)
            .compression_type(compression);
        let resources = ResourceConfig::builder()
            .instance_type(self.instance_type.as_str().into())
            .instance_count(1)
            .volume_size_in_gb(self.volume_gib);
        let stopping = StoppingCondition::builder()
            .max_runtime_in_seconds(self.max_run_seconds)
            .set_max_wait_time_in_seconds(self.spot.map(|spot| spot.max_wait_seconds));
        let checkpoints = self.checkpoints.as_ref().map(|uri| {
            let checkpoints = CheckpointConfig::builder().s3_uri(uri);
            checkpoints.local_path(CHECKPOINTS).build()
        });
        let channels = self.channels.named();
        CreateTrainingJobInputBuilder::default()
            .training_job_name(&self.name)
            .algorithm_specification(algorithm.build())
            .role_arn(&self.role)
            .set_input_data_config(Some(channels.map(|(name, uri)| channel(name, uri)).into()))
            .output_data_config(output.build())
            .resource_config(resources.build())
            .stopping_condition(stopping.build())
            .set_checkpoint_config(checkpoints)
            .enable_managed_spot_training(self.spot.is_some())
            // The trainer calls nobody; SageMaker itself copies from and to S3.
            .enable_network_isolation(true)
            .set_hyper_parameters(Some(self.hyperparameters.clone().into_iter().collect()))
            .tags(tag(JOB_TAG, "train"))
    }

    /// Creates it.
    ///
    /// # Errors
    /// Those of CreateTrainingJob.
    pub async fn create(&self, client: &Client) -> Outcome {
        let sent = self.request().send_with(client).await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = failure(&format!("CreateTrainingJob {}", self.name), &error);
                Err(match failure.exit {
                    // Somebody has to look whether AWS followed it.
                    Exit::Unavailable => {
                        let next = format!(
                            "look whether it began: `lookbook train --follow {}`; else run the \
                             same command again",
                            self.name
                        );
                        failure.next(next)
                    }
                    _ => failure,
                })
            }
        }
    }
}

fn channel(name: &str, uri: &str) -> Channel {
    let source = S3DataSource::builder()
        .s3_data_type(S3DataType::S3Prefix)
        .s3_data_distribution_type(S3DataDistribution::FullyReplicated)
        .s3_uri(uri);
    let source = DataSource::builder().s3_data_source(source.build());
    Channel::builder()
        .channel_name(name)
        .data_source(source.build())
        .build()
}

/// What SageMaker says of a job.
///
/// # Errors
/// When there is none of that name, or SageMaker refuses.
pub async fn describe(client: &Client, name: &str) -> Outcome<DescribeTrainingJobOutput> {
    let sent = client.describe_training_job().training_job_name(name);
    let described = found(&format!("DescribeTrainingJob {name}"), sent.send().await)?;
    described.ok_or_else(|| {
        Failure::new(Exit::NotFound, format!("there is no training job {name}"))
            .next("`lookbook status` lists those that run")
    })
}

/// Tells a job to stop. It saves where it is first.
///
/// # Errors
/// When there is none of that name, it has ended, or SageMaker refuses.
pub async fn stop(client: &Client, name: &str) -> Outcome {
    let described = describe(client, name).await?;
    let status = described.training_job_status();
    if !matches!(
        status,
        Some(TrainingJobStatus::InProgress | TrainingJobStatus::Stopping)
    ) {
        let status = status.map_or("over", |status| status.as_str());
        return Err(Failure::usage(format!(
            "training job {name} does not run: it is {status}"
        )));
    }
    let sent = client.stop_training_job().training_job_name(name);
    let sent = sent.send().await;
    sent.map_err(|error| failure(&format!("StopTrainingJob {name}"), &error))?;
    Ok(())
}

/// Where the model of a job that has completed lies.
///
/// # Errors
/// When it has not.
pub async fn artifacts(client: &Client, name: &str) -> Outcome<String> {
    let described = describe(client, name).await?;
    let status = described.training_job_status();
    if status != Some(&TrainingJobStatus::Completed) {
        let status = status.map_or("in no state", |status| status.as_str());
        return Err(Failure::usage(format!(
            "training job {name} is {status}, not Completed: it has no model to deploy"
        ))
        .next(format!(
            "`lookbook train --follow {name}` shows how far it is"
        )));
    }
    model_of(&described)
        .ok_or_else(|| Failure::usage(format!("SageMaker names no model of training job {name}")))
}

/// The address of the model that a job left, as an endpoint takes it: the one of files
/// ends with a slash.
#[must_use]
pub fn model_of(described: &DescribeTrainingJobOutput) -> Option<String> {
    let uri = described.model_artifacts()?.s3_model_artifacts()?;
    Some(match uri.ends_with(".tar.gz") || uri.ends_with('/') {
        true => uri.to_owned(),
        false => format!("{uri}/"),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::ModelArtifacts;

    use super::*;

    fn job() -> Job {
        Job {
            name: "lookbook-20261129-115312".to_owned(),
            image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/trainer:1".to_owned(),
            role: "arn:aws:iam::111122223333:role/lookbook".to_owned(),
            channels: Channels {
                images: "s3://bucket/images/".to_owned(),
                input_file: "s3://bucket/questions/".to_owned(),
                model: "s3://bucket/models/base/".to_owned(),
            },
            output: "s3://bucket/jobs/".to_owned(),
            checkpoints: None,
            hyperparameters: BTreeMap::from([("epochs".to_owned(), "3".to_owned())]),
            instance_type: "ml.g5.2xlarge".to_owned(),
            volume_gib: 100,
            max_run_seconds: 3600,
            spot: None,
            archive: false,
        }
    }

    #[test]
    fn the_request_is_the_training_contract() {
        let request = job().request().build().unwrap();
        let algorithm = request.algorithm_specification().unwrap();
        let metrics: Vec<_> = algorithm
            .metric_definitions()
            .iter()
            .map(|metric| (metric.name().unwrap(), metric.regex().unwrap()))
            .collect();
        assert_eq!(metrics[0], ("batch_loss", r"Loss: ([0-9\.]+)"));
        assert_eq!(metrics[1], ("epoch_loss", r"Epoch Loss: ([0-9\.]+)"));
        let channels: Vec<_> = request
            .input_data_config()
            .iter()
            .map(|channel| {
                let source = channel.data_source().unwrap().s3_data_source().unwrap();
                (channel.channel_name().unwrap(), source.s3_uri().unwrap())
            })
            .collect();
        assert_eq!(
            channels,
            [
                ("images", "s3://bucket/images/"),
                ("input_file", "s3://bucket/questions/"),
                ("model", "s3://bucket/models/base/"),
            ]
        );
        assert_eq!(request.hyper_parameters().unwrap()["epochs"], "3");
        assert_eq!(request.enable_managed_spot_training(), Some(false));
        assert!(request.checkpoint_config().is_none());
        let stopping = request.stopping_condition().unwrap();
        assert_eq!(stopping.max_wait_time_in_seconds(), None);
        let output = request.output_data_config().unwrap();
        assert_eq!(
            output.compression_type(),
            Some(&OutputCompressionType::None)
        );
    }

    #[test]
    fn a_spot_job_waits_and_keeps_its_checkpoints() {
        let job = Job {
            spot: Some(Spot {
                max_wait_seconds: 7200,
            }),
            checkpoints: Some("s3://bucket/checkpoints/".to_owned()),
            ..job()
        };
        let request = job.request().build().unwrap();
        assert_eq!(request.enable_managed_spot_training(), Some(true));
        let stopping = request.stopping_condition().unwrap();
        assert_eq!(stopping.max_wait_time_in_seconds(), Some(7200));
        let checkpoints = request.checkpoint_config().unwrap();
        assert_eq!(checkpoints.s3_uri(), Some("s3://bucket/checkpoints/"));
        assert_eq!(checkpoints.local_path(), Some("/opt/ml/checkpoints"));
    }

    #[test]
    fn a_model_of_files_is_a_folder() {
        for (said, taken) in [
            (
                "s3://b/j/output/model.tar.gz",
                "s3://b/j/output/model.tar.gz",
            ),
            ("s3://b/j/output/model", "s3://b/j/output/model/"),
            ("s3://b/j/output/model/", "s3://b/j/output/model/"),
        ] {
            let artifacts = ModelArtifacts::builder().s3_model_artifacts(said).build();
            let described = DescribeTrainingJobOutput::builder()
                .model_artifacts(artifacts)
                .build();
            assert_eq!(model_of(&described).as_deref(), Some(taken));
        }
    }
}

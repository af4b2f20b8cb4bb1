//! `lookbook train`: fine-tuning on SageMaker, watched; or on this machine.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use describe_product::domain::ObjectAddress;
use serde::Serialize;

use crate::clock::stamp;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::infra_defaults::InfraDefaults;
use crate::name_value::NameValue;
use crate::polling::Polling;
use crate::sagemaker::{check_name, check_role, client};
use crate::training::follow::{Followed, follow};
use crate::training::hyperparameters::checked;
use crate::training::job::{Channels, Job, Spot, stop};
use crate::training::local::LocalJob;

/// A day.
const MAX_RUN_SECONDS: i32 = 86_400;

/// What is trained, on what and where.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Train on this machine: the channels and --output are folders then
    #[arg(long, conflicts_with_all = ["follow", "stop"])]
    local: bool,
    /// Follow a job that was created before
    #[arg(long, value_name = "JOB", conflicts_with = "stop")]
    follow: Option<String>,
    /// Tell a job to stop: it saves a checkpoint first
    #[arg(long, value_name = "JOB")]
    stop: Option<String>,
    /// The photographs, <id>.jpg
    #[arg(long, value_name = "S3URI|DIR", required_unless_present_any = ["follow", "stop"])]
    images: Option<String>,
    /// The questions and answers, as `lookbook prepare` leaves them
    #[arg(long, value_name = "S3URI|DIR", required_unless_present_any = ["follow", "stop"])]
    input_file: Option<String>,
    /// The checkpoint to fine-tune
    #[arg(long, value_name = "S3URI|DIR", required_unless_present_any = ["follow", "stop"])]
    model: Option<String>,
    /// Where the results go; on SageMaker into a folder of the job's name
    #[arg(long, value_name = "S3URI|DIR", required_unless_present_any = ["follow", "stop"])]
    output: Option<String>,
    /// The trainer's image in ECR
    #[arg(long, value_name = "URI", required_unless_present_any = ["local", "follow", "stop"])]
    image: Option<String>,
    /// The role that the job runs as
    #[arg(long, value_name = "ARN", required_unless_present_any = ["local", "follow", "stop"])]
    role: Option<String>,
    /// The job's name [default: lookbook- and the time]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A hyperparameter of the trainer; several may be given
    #[arg(short = 'H', long = "hyperparameter", value_name = "NAME=VALUE")]
    hyperparameters: Vec<NameValue>,
    /// SageMaker's type of instance [default: that of the stacks, ml.g5.2xlarge]
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// Room on the instance's disk, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=16_384))]
    volume_gib: i32,
    /// SageMaker stops the job after so many seconds of training
    #[arg(long, value_name = "N", default_value_t = MAX_RUN_SECONDS, value_parser = clap::value_parser!(i32).range(1..=2_419_200))]
    max_run_seconds: i32,
    /// Take an instance that nobody else wants now: cheaper, and taken away at times, after
    /// which the job goes on from its last checkpoint
    #[arg(long)]
    spot: bool,
    /// With --spot: how long waiting and training may take in all [default: twice
    /// --max-run-seconds]
    #[arg(long, value_name = "N", requires = "spot", value_parser = clap::value_parser!(i32).range(1..))]
    max_wait_seconds: Option<i32>,
    /// Where checkpoints go [default: with --spot, checkpoints/ in the job's folder]
    #[arg(long, value_name = "S3URI")]
    checkpoints: Option<String>,
    /// Leave the model as one archive, model.tar.gz, in place of files
    #[arg(long)]
    archive: bool,
    /// Do not follow the job
    #[arg(long, conflicts_with_all = ["local", "follow", "stop"])]
    no_wait: bool,
    /// With --local: cpu, cuda or cuda:INDEX
    #[arg(long, requires = "local")]
    device: Option<String>,
    /// With --local: threads of a CPU
    #[arg(long, value_name = "N", requires = "local")]
    threads: Option<usize>,
    /// With --local: where image features are kept
    #[arg(long, value_name = "DIR", requires = "local")]
    feature_store: Option<PathBuf>,
    #[command(flatten)]
    polling: Polling,
}

/// A job that runs or ends without anybody who waits for it.
#[derive(Serialize)]
struct Unwatched {
    name: String,
    status: &'static str,
}

/// Creates and follows a job, follows one, stops one, or trains here.
///
/// # Errors
/// What is wrong before anything is sent; why the job failed; that nobody follows it any
/// more.
pub async fn run(args: TrainArgs, context: &Context) -> Outcome {
    if let Some(name) = &args.stop {
        return stop_job(name, context).await;
    }
    let followed = match &args.follow {
        Some(name) => {
            check_name("--follow", name)?;
            let client = client(context).await;
            context
                .terminal
                .say(format!("following training job {name}"));
            follow(name, &client, args.polling, context).await?
        }
        None if args.local => local_job(&args)?.train(context).await?,
        None => match create(&args, context).await? {
            Some(followed) => followed,
            None => return Ok(()),
        },
    };
    context.terminal.result(&followed, || text(&followed))
}

async fn stop_job(name: &str, context: &Context) -> Outcome {
    check_name("--stop", name)?;
    let client = client(context).await;
    context.interrupt.or(stop(&client, name)).await??;
    let stopping = Unwatched {
        name: name.to_owned(),
        status: "Stopping",
    };
    context.terminal.result(&stopping, || {
        format!(
            "training job {name} saves where it is and stops: `lookbook train --follow {name}` \
             follows it"
        )
    })
}

/// Creates a job and follows it, if that is wanted.
async fn create(args: &TrainArgs, context: &Context) -> Outcome<Option<Followed>> {
    let job = job(args)?;
    let client = client(context).await;
    // Not interrupted: nobody would know then whether there is a job.
    job.create(&client).await?;
    let Job {
        name,
        instance_type,
        output,
        ..
    } = &job;
    let spot = if args.spot { ", spot" } else { "" };
    context.terminal.say(format!(
        "created: training job {name} on {instance_type}{spot}; its results go to {output}{name}/"
    ));
    if args.no_wait {
        let created = Unwatched {
            name: name.clone(),
            status: "InProgress",
        };
        context.terminal.result(&created, || {
            format!("`lookbook train --follow {name}` follows training job {name}")
        })?;
        return Ok(None);
    }
    follow(name, &client, args.polling, context).await.map(Some)
}

/// The job that the arguments ask for, looked at before anything is sent.
fn job(args: &TrainArgs) -> Outcome<Job> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => format!("lookbook-{}", stamp(SystemTime::now())),
    };
    check_name("--name", &name)?;
    let role = given("--role", args.role.as_ref())?;
    check_role(&role)?;
    let channels = channels(args)?;
    for (channel, uri) in channels.named() {
        let option = format!("--{}", channel.replace('_', "-"));
        check_prefix(&option, uri)?;
    }
    let output = given("--output", args.output.as_ref())?;
    check_prefix("--output", &output)?;
    let output = format!("{}/", output.trim_end_matches('/'));
    if let Some(uri) = &args.checkpoints {
        check_prefix("--checkpoints", uri)?;
    }
    let spot = args.spot.then(|| Spot {
        max_wait_seconds: args
            .max_wait_seconds
            .unwrap_or(args.max_run_seconds.saturating_mul(2)),
    });
    if let Some(spot) = spot
        && spot.max_wait_seconds < args.max_run_seconds
    {
        return Err(Failure::usage(format!(
            "--max-wait-seconds: {} is less than the job may run, which is a part of it \
             (--max-run-seconds {})",
            spot.max_wait_seconds, args.max_run_seconds
        )));
    }
    let own_checkpoints = || args.spot.then(|| format!("{output}{name}/checkpoints/"));
    let instance_type = match &args.instance_type {
        Some(instance_type) => instance_type.clone(),
        None => InfraDefaults::built_in()?.endpoint.instance_type,
    };
    Ok(Job {
        image: given("--image", args.image.as_ref())?,
        role,
        channels,
        checkpoints: args.checkpoints.clone().or_else(own_checkpoints),
        hyperparameters: checked(&args.hyperparameters)?,
        instance_type,
        volume_gib: args.volume_gib,
        max_run_seconds: args.max_run_seconds,
        spot,
        archive: args.archive,
        name,
        output,
    })
}

fn local_job(args: &TrainArgs) -> Outcome<LocalJob> {
    let mut arguments = Vec::new();
    if let Some(device) = &args.device {
        arguments.extend(["--device".to_owned(), device.clone()]);
    }
    if let Some(threads) = args.threads {
        arguments.extend(["--threads".to_owned(), threads.to_string()]);
    }
    if let Some(folder) = &args.feature_store {
        arguments.extend(["--feature-store".to_owned(), folder.display().to_string()]);
    }
    Ok(LocalJob {
        channels: channels(args)?,
        root: given("--output", args.output.as_ref())?.into(),
        hyperparameters: checked(&args.hyperparameters)?,
        arguments,
    })
}

fn channels(args: &TrainArgs) -> Outcome<Channels> {
    Ok(Channels {
        images: given("--images", args.images.as_ref())?,
        input_file: given("--input-file", args.input_file.as_ref())?,
        model: given("--model", args.model.as_ref())?,
    })
}

/// What clap asks for where it is needed.
fn given(option: &str, value: Option<&String>) -> Outcome<String> {
    value
        .cloned()
        .ok_or_else(|| Failure::usage(format!("{option} is needed")))
}

/// Looks whether a text names a folder in S3.
fn check_prefix(option: &str, uri: &str) -> Outcome {
    let is_archive = uri.ends_with(".tar.gz");
    match uri.parse::<ObjectAddress>() {
        Ok(_) if !is_archive => Ok(()),
        Ok(_) => Err(Failure::usage(format!(
            "{option}: {uri:?} is an archive, which the job would not unpack: name the folder of \
             its files"
        ))),
        Err(_) => Err(Failure::usage(format!(
            "{option}: {uri:?} is no folder in S3: write s3://bucket/folder/; a folder of this \
             machine goes with --local"
        ))),
    }
}

fn text(followed: &Followed) -> String {
    let Followed { name, status, .. } = followed;
    match &followed.model {
        Some(model) => format!("{name}: {status}; the model is {model}"),
        None => format!("{name}: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::failure::Exit;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: TrainArgs,
    }

    const JOB: [&str; 13] = [
        "train",
        "--image",
        "trainer:1",
        "--role",
        "arn:aws:iam::111122223333:role/lookbook",
        "--images",
        "s3://bucket/images/",
        "--input-file",
        "s3://bucket/questions/",
        "--model",
        "s3://bucket/models/base/",
        "--output",
        "s3://bucket/jobs",
    ];

    fn asked(more: &[&str]) -> Outcome<Job> {
        let line = JOB.iter().chain(more);
        job(&Line::try_parse_from(line).unwrap().args)
    }

    #[test]
    fn a_job_is_made_of_the_arguments_and_the_stacks_defaults() {
        let job = asked(&["-H", "epochs=3"]).unwrap();
        assert!(job.name.starts_with("lookbook-20"), "{}", job.name);
        assert_eq!(job.output, "s3://bucket/jobs/");
        assert_eq!(job.instance_type, "ml.g5.2xlarge");
        assert_eq!(job.hyperparameters["epochs"], "3");
        assert_eq!((job.spot, job.checkpoints), (None, None));
        let job = asked(&["--spot", "--name", "a", "--max-run-seconds", "100"]).unwrap();
        assert_eq!(job.spot.unwrap().max_wait_seconds, 200);
        assert_eq!(
            job.checkpoints.as_deref(),
            Some("s3://bucket/jobs/a/checkpoints/")
        );
    }

    #[test]
    fn what_is_wrong_is_said_before_anything_is_sent() {
        for (more, option) in [
            (&["-H", "epoch=3"][..], "-H"),
            (&["--name", "a b"][..], "--name"),
            (&["--checkpoints", "here"][..], "--checkpoints"),
            (
                &["--spot", "--max-wait-seconds", "5"][..],
                "--max-wait-seconds",
            ),
        ] {
            let failure = asked(more).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.starts_with(option), "{failure}");
        }
        for wrong in ["/home/photos", "s3://bucket", "s3://bucket/photos.tar.gz"] {
            let failure = check_prefix("--images", wrong).unwrap_err();
            assert!(failure.what.contains(wrong), "{failure}");
        }
    }

    #[test]
    fn following_and_stopping_need_a_name_alone() {
        for line in [["train", "--follow", "a"], ["train", "--stop", "a"]] {
            assert!(Line::try_parse_from(line).is_ok(), "{line:?}");
        }
        assert!(Line::try_parse_from(["train"]).is_err());
        assert!(Line::try_parse_from(["train", "--follow", "a", "--stop", "b"]).is_err());
    }
}

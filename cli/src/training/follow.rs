//! Watching a training job: its states and its log as they come.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws_sdk_sagemaker::types::TrainingJobStatus;
use serde::Serialize;

use super::job::{describe, model_of};
use super::measured::Metrics;
use super::report::Report;
use super::states::States;
use crate::clock::duration;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::log_streams::LogStreams;
use crate::polling::{Patience, Polling};

/// Where SageMaker writes what training jobs say: a stream for each container, whose name
/// begins with the job's.
const LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";

/// CloudWatch has the last lines of a job some time after its end.
const LAST_READINGS: u32 = 3;

/// A job at its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Followed {
    /// Its name.
    pub name: String,
    /// SageMaker's word for its state; of a job on this machine the same word.
    pub status: String,
    /// Where its model lies.
    pub model: Option<String>,
    /// How long it trained.
    pub training_seconds: Option<i32>,
    /// For how long of that is paid.
    pub billable_seconds: Option<i32>,
    /// What its log measured.
    pub metrics: Metrics,
}

/// Watches a job until it ends.
///
/// # Errors
/// When it failed or was stopped, with its reason and the end of its log. When the signal
/// comes or it can't be watched any more: it goes on then.
pub async fn follow(
    name: &str,
    client: &Client,
    polling: Polling,
    context: &Context,
) -> Outcome<Followed> {
    let mut watched = Watched {
        name,
        client,
        context,
        logs: LogStreams::new(
            Logs::new(context.aws().await),
            LOG_GROUP,
            &format!("{name}/"),
        ),
        reads_logs: true,
        states: States::default(),
        report: Report::new(context.terminal),
    };
    let ended = match watched.until_the_end(polling).await {
        Ok(ended) => ended,
        // There is nothing to go on.
        Err(failure) if failure.exit == Exit::NotFound => return Err(failure),
        Err(failure) => return Err(left_alone(name, &failure)),
    };
    watched.ended(&ended)
}

/// Nobody watches any more; the job goes on.
fn left_alone(name: &str, failure: &Failure) -> Failure {
    Failure::new(
        failure.exit,
        format!("{}: training job {name} goes on", failure.what),
    )
    .next(format!(
        "`lookbook train --follow {name}` follows it again, `lookbook train --stop {name}` ends it"
    ))
}

struct Watched<'a> {
    name: &'a str,
    client: &'a Client,
    context: &'a Context,
    logs: LogStreams,
    /// Not where that is not allowed.
    reads_logs: bool,
    states: States,
    report: Report,
}

impl Watched<'_> {
    async fn until_the_end(&mut self, polling: Polling) -> Outcome<DescribeTrainingJobOutput> {
        let interrupt = self.context.interrupt.clone();
        let mut patience = Patience::default();
        loop {
            let look = describe(self.client, self.name);
            let look = interrupt.or(look).await?;
            let seen = patience.with(look)?;
            if let Some(job) = &seen {
                self.tell(job);
            }
            interrupt.or(self.read_log()).await?;
            if let Some(job) = seen
                && has_ended(&job)
            {
                for _ in 1..LAST_READINGS {
                    polling.pause(&interrupt).await?;
                    if interrupt.or(self.read_log()).await? == 0 {
                        break;
                    }
                }
                return Ok(job);
            }
            polling.pause(&interrupt).await?;
        }
    }

    fn tell(&mut self, job: &DescribeTrainingJobOutput) {
        for news in self.states.news(job.secondary_status_transitions()) {
            self.report.say(news);
        }
        let status = job.secondary_status().map_or("", |status| status.as_str());
        self.report.state(format!("{}: {status}", self.name));
    }

    /// Tells the lines that came; how many there were.
    async fn read_log(&mut self) -> usize {
        if !self.reads_logs {
            return 0;
        }
        match self.logs.read().await {
            Ok(lines) => {
                for line in &lines {
                    self.report.log(line);
                }
                lines.len()
            }
            // Next time, maybe.
            Err(failure) if failure.exit == Exit::Unavailable => 0,
            Err(failure) => {
                self.reads_logs = false;
                self.report.say(format!("its log can't be read: {failure}"));
                0
            }
        }
    }

    fn ended(&self, job: &DescribeTrainingJobOutput) -> Outcome<Followed> {
        self.report.end();
        let name = self.name;
        let status = job
            .training_job_status()
            .map_or("", |status| status.as_str());
        if let Some(seconds) = job.training_time_in_seconds() {
            let paid = job.billable_time_in_seconds().unwrap_or(seconds);
            self.report.say(format!(
                "training job {name}: {status}; {} of training, {} are paid",
                of_seconds(seconds),
                of_seconds(paid)
            ));
        }
        if job.training_job_status() == Some(&TrainingJobStatus::Completed) {
            return Ok(Followed {
                name: name.to_owned(),
                status: status.to_owned(),
                model: model_of(job),
                training_seconds: job.training_time_in_seconds(),
                billable_seconds: job.billable_time_in_seconds(),
                metrics: self.report.metrics(),
            });
        }
        let secondary = job.secondary_status().map_or("", |status| status.as_str());
        let reason = match job.failure_reason() {
            Some(reason) => reason,
            None if secondary == status => "SageMaker gives no reason",
            None => secondary,
        };
        let what = format!("training job {name} is {status}: {reason}");
        let failure = Failure::new(Exit::Failed, self.report.with_last_lines(&what));
        Err(match job.checkpoint_config() {
            Some(_) => failure.next(
                "a new job with the same --checkpoints goes on from the last one that was saved",
            ),
            None => failure,
        })
    }
}

fn has_ended(job: &DescribeTrainingJobOutput) -> bool {
    !matches!(
        job.training_job_status(),
        None | Some(TrainingJobStatus::InProgress | TrainingJobStatus::Stopping)
    )
}

fn of_seconds(seconds: i32) -> String {
    duration(Duration::from_secs(
        u64::try_from(seconds).unwrap_or_default(),
    ))
}

//! The state machine of the stack: started over a prefix, and followed to its end.

use std::time::Duration;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{ExecutionStatus, MapRunItemCounts};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::Serialize;
use serde_json::{Value, json};

use crate::aws_error;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::interrupt::interrupted;
use crate::terminal::table;

/// The error of an execution that has left something to do (`infra/lib/backfill/`).
const NOT_ALL_DONE: &str = "NotAllDone";

/// What an execution of the state machine of `infra/` is told. Its bucket is the stack's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Input {
    /// What keys begin with; the stack's prefix of incoming photographs where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The most objects that are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Whether to go by Batch Transform and batch inference, where the stack has that way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cheaply: bool,
}

/// How far an execution is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Execution {
    /// Its ARN.
    pub execution: String,
    /// As Step Functions calls it: `RUNNING`, `SUCCEEDED`, …
    pub status: String,
    /// The objects of its Distributed Map, once there is one.
    pub items: Option<Items>,
    /// What it answered with, at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// The objects of a Distributed Map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Items {
    /// All of them, as far as they are listed.
    pub total: i64,
    /// Worked on without an error; what could not be described leaves a record.
    pub succeeded: i64,
    /// Failed, timed out or aborted.
    pub failed: i64,
    /// Being worked on.
    pub running: i64,
}

impl From<&MapRunItemCounts> for Items {
    fn from(counts: &MapRunItemCounts) -> Items {
        Items {
            total: counts.total(),
            succeeded: counts.succeeded(),
            failed: counts.failed() + counts.timed_out() + counts.aborted(),
            running: counts.running(),
        }
    }
}

impl Execution {
    /// How far it is, as a line.
    #[must_use]
    pub fn line(&self) -> String {
        let status = self.status.to_lowercase();
        match self.items {
            None => status,
            Some(items) => format!(
                "{status}: {} of {} objects, {} under way, {} failed",
                items.succeeded, items.total, items.running, items.failed
            ),
        }
    }

    /// As a table for people.
    #[must_use]
    pub fn text(&self) -> String {
        let row = |what: &str, words: String| [what.to_owned(), words];
        let mut rows = vec![row("status", self.status.clone())];
        if let Some(items) = self.items {
            rows.push(row("objects", items.total.to_string()));
            rows.push(row("worked on", items.succeeded.to_string()));
            rows.push(row("failed", items.failed.to_string()));
        }
        if let Some(cause) = &self.cause {
            rows.push(row("cause", cause.clone()));
        }
        table(["execution", self.execution.as_str()], &rows)
    }

    /// Whether it failed because something was left to do, as the state machine says.
    fn is_partly_done(&self) -> bool {
        let cause = self.cause.as_deref();
        cause.is_some_and(|cause| cause.starts_with(NOT_ALL_DONE))
    }

    /// What it means for the command: nothing while it runs.
    pub fn verdict(&self) -> Option<Outcome> {
        let failed = self.items.map_or(0, |items| items.failed);
        let done = match self.status.as_str() {
            "RUNNING" | "PENDING_REDRIVE" => return None,
            "SUCCEEDED" if failed == 0 => Ok(()),
            "SUCCEEDED" => Err(
                Failure::new(Exit::Partial, format!("{failed} objects failed"))
                    .next("failures/ says why; start it again when it is mended"),
            ),
            _ if self.is_partly_done() => Err(Failure::new(
                Exit::Partial,
                self.cause.clone().unwrap_or_default(),
            )
            .next("failures/ says why; start it again when it is mended")),
            status => {
                let cause = self.cause.as_deref().unwrap_or("it gives no cause");
                Err(Failure::new(
                    Exit::Failed,
                    format!("the execution ended as {status}: {cause}"),
                )
                .next("mend the cause and start it again: what is described stays so"))
            }
        };
        Some(done)
    }
}

/// Looks whether the state machine lists this bucket: it would describe another one without
/// a word. Who may not look starts it all the same.
///
/// # Errors
/// When it lists another, or isn't there.
pub async fn check_bucket(client: &Client, state_machine: &str, bucket: &str) -> Outcome {
    let described = client
        .describe_state_machine()
        .state_machine_arn(state_machine)
        .send()
        .await;
    match described {
        Ok(described) if described.definition().contains(&format!("\"{bucket}\"")) => Ok(()),
        Ok(_) => Err(Failure::usage(format!(
            "the state machine {state_machine} lists another bucket than {bucket}"
        ))
        .next("name the bucket of its stack (the output CatalogueBucketName), or use --here")),
        Err(error) => {
            let failure = at_machine("DescribeStateMachine", state_machine, &error);
            match failure.exit {
                Exit::Denied => Ok(()),
                _ => Err(failure),
            }
        }
    }
}

/// Starts an execution, and gives its ARN.
///
/// # Errors
/// When it isn't started.
pub async fn start(client: &Client, state_machine: &str, input: &Input) -> Outcome<String> {
    let started = client
        .start_execution()
        .state_machine_arn(state_machine)
        .input(json!(input).to_string())
        .send()
        .await
        .map_err(|error| at_machine("StartExecution", state_machine, &error))?;
    Ok(started.execution_arn().to_owned())
}

/// A call about the state machine that failed.
fn at_machine<E>(call: &str, state_machine: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let failure = aws_error::failure(&format!("{call} {state_machine}"), error);
    match failure.exit {
        Exit::NotFound => failure.next("the stack's output BackfillStateMachineArn names it"),
        _ => failure,
    }
}

/// Follows an execution to its end, and says how far it is whenever that has changed.
///
/// # Errors
/// When it can't be looked at, or the user interrupts: it runs on then.
pub async fn follow(
    client: &Client,
    execution: &str,
    every: Duration,
    context: &Context,
) -> Outcome<Execution> {
    let mut told = String::new();
    loop {
        let now = context.interrupt.or(look(client, execution)).await;
        let now = now.map_err(|_| left_running(execution))??;
        let line = now.line();
        if line != told {
            context.terminal.say(&line);
            told = line;
        }
        if now.verdict().is_some() {
            return Ok(now);
        }
        let waited = context.interrupt.or(tokio::time::sleep(every)).await;
        waited.map_err(|_| left_running(execution))?;
    }
}

fn left_running(execution: &str) -> Failure {
    interrupted().next(format!(
        "the execution runs on; follow it again: lookbook backfill --follow {execution}"
    ))
}

async fn look(client: &Client, execution: &str) -> Outcome<Execution> {
    let described = client
        .describe_execution()
        .execution_arn(execution)
        .send()
        .await
        .map_err(|error| aws_error::failure(&format!("DescribeExecution {execution}"), &error))?;
    let output = described.output().map(|text| {
        let parsed = serde_json::from_str(text);
        parsed.unwrap_or_else(|_| Value::String(text.to_owned()))
    });
    let said = [described.error(), described.cause()];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    Ok(Execution {
        execution: execution.to_owned(),
        status: status(described.status()),
        items: items(client, execution).await?,
        output,
        cause: (!said.is_empty()).then(|| said.join(": ")),
    })
}

fn status(status: &ExecutionStatus) -> String {
    status.as_str().to_owned()
}

/// The objects of the execution's latest Distributed Map.
async fn items(client: &Client, execution: &str) -> Outcome<Option<Items>> {
    let runs = client
        .list_map_runs()
        .execution_arn(execution)
        .send()
        .await
        .map_err(|error| aws_error::failure(&format!("ListMapRuns {execution}"), &error))?;
    let Some(run) = runs.map_runs().iter().max_by_key(|run| *run.start_date()) else {
        return Ok(None);
    };
    let run = run.map_run_arn();
    let described = client
        .describe_map_run()
        .map_run_arn(run)
        .send()
        .await
        .map_err(|error| aws_error::failure(&format!("DescribeMapRun {run}"), &error))?;
    Ok(described.item_counts().map(Items::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(status: &str, failed: i64) -> Execution {
        Execution {
            execution: "arn:aws:states:eu-west-1:123456789012:execution:b:1".into(),
            status: status.into(),
            items: Some(Items {
                total: 10,
                succeeded: 7,
                failed,
                running: 2,
            }),
            output: None,
            cause: Some("States.TaskFailed: no".into()),
        }
    }

    #[test]
    fn an_execution_is_told_no_more_than_was_asked_for() {
        assert_eq!(json!(Input::default()), json!({}));
        let input = Input {
            prefix: Some("incoming/summer/".into()),
            limit: Some(20),
            cheaply: true,
        };
        assert_eq!(
            json!(input),
            json!({"prefix": "incoming/summer/", "limit": 20, "cheaply": true})
        );
    }

    #[test]
    fn what_is_left_to_do_is_no_failure_of_all() {
        let cause = "NotAllDone: 2 of 10 photos are in batches in which something failed";
        let left = Execution {
            cause: Some(cause.into()),
            ..execution("FAILED", 2)
        };
        let failure = left.verdict().unwrap().unwrap_err();
        assert_eq!(failure.exit, Exit::Partial);
        assert_eq!(failure.what, cause);
    }

    #[test]
    fn an_execution_is_followed_until_it_ends() {
        assert!(execution("RUNNING", 1).verdict().is_none());
        assert_eq!(
            execution("RUNNING", 1).line(),
            "running: 7 of 10 objects, 2 under way, 1 failed"
        );
        assert!(execution("SUCCEEDED", 0).verdict().unwrap().is_ok());
        let partly = execution("SUCCEEDED", 1).verdict().unwrap().unwrap_err();
        assert_eq!(partly.exit, Exit::Partial);
        for status in ["FAILED", "TIMED_OUT", "ABORTED"] {
            let failure = execution(status, 0).verdict().unwrap().unwrap_err();
            assert_eq!(failure.exit, Exit::Failed);
            assert!(failure.what.contains(status), "{failure}");
            assert!(failure.what.contains("States.TaskFailed: no"), "{failure}");
        }
    }
}

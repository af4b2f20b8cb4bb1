//! What follows a deployment: nothing is left of one that failed, nor of what served before.

use aws_sdk_cloudwatchlogs::Client as Logs;

use super::belongings::{Belongings, Known};
use super::control_plane::Endpoint;
use super::deploying::{Action, Deployment};
use super::made::{Made, with_litter};
use super::names::log_group;
use super::wanted::Wanted;
use crate::failure::{Exit, Failure, Outcome};
use crate::log_streams::last_lines;

/// So many lines of the container's log tell why it did not come up.
const LOG_LINES: i32 = 12;

impl Deployment<'_> {
    /// What an endpoint that does not serve what was wanted leaves: nothing, where that is
    /// safe.
    pub(super) async fn failed(
        &self,
        reason: &str,
        action: Action,
        made: Made,
        endpoint: Option<Endpoint>,
    ) -> Failure {
        let Wanted {
            endpoint: name,
            data,
            ..
        } = &self.wanted;
        let mut what = format!("endpoint {name} does not serve {data}: {reason}");
        let log = log_group(name);
        let logs = Logs::new(self.context.aws().await);
        if let Ok(lines) = last_lines(&logs, &log, LOG_LINES).await {
            what.push_str("\n  the end of its container's log:");
            for line in lines {
                what.push_str("\n    ");
                what.push_str(&line);
            }
        }
        let status = endpoint.map_or_else(String::new, |endpoint| endpoint.status);
        let serves_as_before = action == Action::Updated && status == "InService";
        if serves_as_before {
            what.push_str("\n  it serves what it served before");
        }
        let failure = Failure::new(Exit::Failed, what);
        if action == Action::Updated && !serves_as_before && !status.is_empty() {
            // Its parts are in use, and not all of it is this command's.
            return failure.next(format!(
                "its state is {status}: `lookbook status --endpoint {name}` shows its parts, and \
                 `lookbook delete --endpoint {name}` removes it"
            ));
        }
        let failure = failure.next(format!("the log group {log} has what the container said"));
        self.take_back(failure, made).await
    }

    /// Removes what was made for nothing.
    pub(super) async fn take_back(&self, failure: Failure, made: Made) -> Failure {
        let left = made
            .undo(&self.plane, self.polling, self.context.terminal)
            .await;
        with_litter(failure, &self.wanted.endpoint, &left)
    }

    /// Nobody waits any more; SageMaker goes on.
    pub(super) fn left_alone(&self, failure: Failure, action: Action) -> Failure {
        let name = &self.wanted.endpoint;
        let doing = match action {
            Action::Created => "is still being created",
            Action::Updated => "is still being updated",
        };
        let next = format!(
            "`lookbook status --endpoint {name}` shows it, this command with the same arguments \
             waits for it again, `lookbook delete --endpoint {name}` removes it"
        );
        Failure::new(
            failure.exit,
            format!("{}: endpoint {name} {doing}", failure.what),
        )
        .next(next)
    }

    /// Configurations and models of earlier deployments, which nothing uses any more. What
    /// can't be removed is told and stays: the endpoint serves.
    pub(super) async fn remove_previous(&self) -> Vec<String> {
        let mut removed = Vec::new();
        let found = match Belongings::find(&self.plane, &self.wanted.endpoint).await {
            Ok(found) => found,
            Err(failure) => {
                self.say(format!(
                    "what earlier deployments left was not looked for: {failure}"
                ));
                return removed;
            }
        };
        let mut note = |kind: &str, name: &str, outcome: Outcome<bool>| match outcome {
            Ok(true) => {
                self.say(format!("removed: earlier {kind} {name}"));
                removed.push(name.to_owned());
            }
            Ok(false) => {}
            Err(failure) => self.say(format!("earlier {kind} {name} stays: {failure}")),
        };
        for config in &found.configs {
            if !config.in_use && config.known == Known::Tag {
                let name = &config.what.name;
                note("configuration", name, self.plane.delete_config(name).await);
            }
        }
        for model in &found.models {
            if !model.in_use && model.known == Known::Tag {
                let name = &model.what.name;
                note("model", name, self.plane.delete_model(name).await);
            }
        }
        removed
    }
}

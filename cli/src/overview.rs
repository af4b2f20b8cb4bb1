//! What `lookbook status` shows.

use aws_sdk_sagemaker::types::{SortOrder, TrainingJobStatus};
use aws_sdk_sfn::types::ExecutionStatus;
use serde::Serialize;

use crate::aws_error::failure;
use crate::clock::to_the_second;
use crate::context::Context;
use crate::deployment::belongings::Belongings;
use crate::deployment::control_plane::{ControlPlane, Variant};
use crate::failure::Outcome;
use crate::terminal::table;

/// What the names of state machines that run backfills have in them, in lower case.
const BACKFILL: &str = "backfill";

/// So many of what runs are shown.
const MOST: i32 = 20;

/// Something that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: String,
    /// Since when, in UTC.
    pub since: Option<String>,
}

/// An endpoint and what runs around it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// The endpoint and all that was made for it.
    #[serde(flatten)]
    pub parts: Belongings,
    /// Training jobs of the account that run.
    pub training_jobs: Vec<Running>,
    /// Executions of backfills that run.
    pub backfills: Vec<Running>,
    /// What could not be looked at, and why.
    pub not_seen: Vec<String>,
}

impl Overview {
    /// Looks at everything. What is beside the endpoint may be forbidden to look at.
    ///
    /// # Errors
    /// When the endpoint can't be looked at.
    pub async fn of(name: &str, plane: &ControlPlane, context: &Context) -> Outcome<Overview> {
        let parts = Belongings::find(plane, name).await?;
        let mut not_seen = Vec::new();
        let mut seen = |what: &str, looked: Outcome<Vec<Running>>| match looked {
            Ok(running) => running,
            Err(failure) => {
                not_seen.push(format!("{what}: {}", failure.what));
                Vec::new()
            }
        };
        let training_jobs = seen("training jobs", training_jobs(plane).await);
        let backfills = seen("backfills", backfills(context).await);
        Ok(Overview {
            parts,
            training_jobs,
            backfills,
            not_seen,
        })
    }

    /// For people.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        let mut sections = vec![self.endpoint(name)];
        let left: Vec<[String; 2]> = self.left_behind();
        if !left.is_empty() {
            sections.push(table(["left behind", "name"], &left));
        }
        for (head, running) in [
            ("training job", &self.training_jobs),
            ("backfill", &self.backfills),
        ] {
            if !running.is_empty() {
                let row = |one: &Running| {
                    let since = one.since.clone().unwrap_or_default();
                    [one.name.clone(), one.status.clone(), since]
                };
                let rows: Vec<_> = running.iter().map(row).collect();
                sections.push(table([head, "state", "since (UTC)"], &rows));
            }
        }
        for line in &self.not_seen {
            sections.push(format!("not seen: {line}\n"));
        }
        sections.join("\n")
    }

    fn endpoint(&self, name: &str) -> String {
        let Some(endpoint) = &self.parts.endpoint else {
            return format!("there is no endpoint {name}\n");
        };
        let mut rows = vec![["endpoint".to_owned(), endpoint.name.clone()]];
        let mut row = |what: &str, value: String| rows.push([what.to_owned(), value]);
        row("state", endpoint.status.clone());
        for (what, value) in [
            ("last failure", &endpoint.failure_reason),
            ("stack", &self.parts.stack),
            ("created (UTC)", &endpoint.created),
            ("changed (UTC)", &endpoint.changed),
            ("configuration", &endpoint.config),
            ("being given", &endpoint.pending_config),
        ] {
            if let Some(value) = value {
                row(what, value.clone());
            }
        }
        for variant in &endpoint.variants {
            row("variant", self.variant(variant));
        }
        for model in self.parts.models.iter().filter(|model| model.in_use) {
            row("model", model.what.name.clone());
            for (what, value) in [
                ("  checkpoint", &model.what.data),
                ("  image", &model.what.image),
            ] {
                if let Some(value) = value {
                    row(what, value.clone());
                }
            }
        }
        let mut lines = table(["", ""], &rows);
        // The head has nothing to say.
        if let Some(end) = lines.find('\n') {
            lines.drain(..=end);
        }
        lines
    }

    /// A variant, with what its configuration says of it.
    fn variant(&self, variant: &Variant) -> String {
        let used = self.parts.configs.iter().filter(|config| config.in_use);
        let planned = used
            .flat_map(|config| &config.what.variants)
            .find(|planned| planned.name == variant.name);
        let instance_type = planned.and_then(|planned| planned.instance_type.clone());
        let number = |number: Option<i32>| number.map_or("?".to_owned(), |one| one.to_string());
        let mut text = format!(
            "{}: {} of {} instances {}",
            variant.name,
            number(variant.instances),
            number(variant.desired_instances),
            instance_type.unwrap_or_default()
        );
        if let Some(weight) = variant.weight {
            text.push_str(&format!(", weight {weight}"));
        }
        text
    }

    fn left_behind(&self) -> Vec<[String; 2]> {
        let configs = self.parts.configs.iter().filter(|config| !config.in_use);
        let configs = configs.map(|config| ["configuration".to_owned(), config.what.name.clone()]);
        let models = self.parts.models.iter().filter(|model| !model.in_use);
        let models = models.map(|model| ["model".to_owned(), model.what.name.clone()]);
        configs.chain(models).collect()
    }
}

async fn training_jobs(plane: &ControlPlane) -> Outcome<Vec<Running>> {
    let listed = plane
        .client
        .list_training_jobs()
        .status_equals(TrainingJobStatus::InProgress)
        .sort_order(SortOrder::Descending)
        .max_results(MOST)
        .send()
        .await
        .map_err(|error| failure("ListTrainingJobs", &error))?;
    let running = listed.training_job_summaries().iter().map(|job| {
        let status = job.training_job_status().map(|status| status.as_str());
        let detail = job.secondary_status().map(|status| status.as_str());
        Running {
            name: job.training_job_name().unwrap_or_default().to_owned(),
            status: detail.or(status).unwrap_or_default().to_owned(),
            since: job.creation_time().map(to_the_second),
        }
    });
    Ok(running.collect())
}

async fn backfills(context: &Context) -> Outcome<Vec<Running>> {
    let client = aws_sdk_sfn::Client::new(context.aws().await);
    let pages = client.list_state_machines().into_paginator().items().send();
    let machines = pages.try_collect().await;
    let machines = machines.map_err(|error| failure("ListStateMachines", &error))?;
    let mut running = Vec::new();
    for machine in machines {
        if !machine.name().to_lowercase().contains(BACKFILL) {
            continue;
        }
        let listed = client
            .list_executions()
            .state_machine_arn(machine.state_machine_arn())
            .status_filter(ExecutionStatus::Running)
            .max_results(MOST)
            .send()
            .await
            .map_err(|error| failure(&format!("ListExecutions {}", machine.name()), &error))?;
        running.extend(listed.executions().iter().map(|one| Running {
            name: format!("{}/{}", machine.name(), one.name()),
            status: one.status().as_str().to_owned(),
            since: Some(to_the_second(one.start_date())),
        }));
    }
    Ok(running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::belongings::{Belonging, Known};
    use crate::deployment::control_plane::{Config, Endpoint, Model};

    fn overview() -> Overview {
        let variant = |instance_type: Option<&str>| Variant {
            name: "AllTraffic".to_owned(),
            instance_type: instance_type.map(str::to_owned),
            instances: Some(1),
            desired_instances: Some(2),
            ..Variant::default()
        };
        let config = |name: &str, in_use| Belonging {
            what: Config {
                name: name.to_owned(),
                variants: vec![variant(Some("ml.g5.2xlarge"))],
                ..Config::default()
            },
            known: Known::Tag,
            in_use,
        };
        let model = Model {
            name: "m".to_owned(),
            data: Some("s3://bucket/models/a/".to_owned()),
            ..Model::default()
        };
        Overview {
            parts: Belongings {
                endpoint: Some(Endpoint {
                    name: "shirts".to_owned(),
                    status: "InService".to_owned(),
                    failure_reason: Some("alarm errors rang".to_owned()),
                    config: Some("new".to_owned()),
                    variants: vec![variant(None)],
                    ..Endpoint::default()
                }),
                stack: None,
                configs: vec![config("new", true), config("old", false)],
                models: vec![Belonging {
                    what: model,
                    known: Known::Tag,
                    in_use: true,
                }],
            },
            training_jobs: vec![Running {
                name: "lookbook-20261129-115312".to_owned(),
                status: "Training".to_owned(),
                since: None,
            }],
            backfills: Vec::new(),
            not_seen: vec!["backfills: AccessDenied".to_owned()],
        }
    }

    #[test]
    fn the_text_has_what_matters_and_no_empty_parts() {
        let text = overview().text("shirts");
        for words in [
            "endpoint       shirts\n",
            "state          InService\n",
            "last failure   alarm errors rang\n",
            "AllTraffic: 1 of 2 instances ml.g5.2xlarge\n",
            "  checkpoint   s3://bucket/models/a/\n",
            "configuration  old\n",
            "lookbook-20261129-115312  Training",
            "not seen: backfills: AccessDenied\n",
        ] {
            assert!(text.contains(words), "{words:?} in\n{text}");
        }
        assert!(!text.contains("being given"), "{text}");
        let empty = Overview {
            parts: Belongings::default(),
            ..overview()
        };
        assert!(
            empty
                .text("shirts")
                .starts_with("there is no endpoint shirts\n")
        );
    }

    #[test]
    fn json_has_the_endpoint_at_the_top() {
        let json = serde_json::to_value(overview()).unwrap();
        assert_eq!(json["endpoint"]["status"], "InService");
        assert_eq!(json["configs"][1]["name"], "old");
        assert_eq!(json["configs"][1]["in_use"], false);
        assert_eq!(json["models"][0]["known"], "tag");
        assert_eq!(json["training_jobs"][0]["status"], "Training");
    }
}

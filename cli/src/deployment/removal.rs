//! Removing an endpoint and everything that was made for it.

use serde::Serialize;

use super::belongings::{Belongings, Known};
use super::control_plane::ControlPlane;
use super::names::log_group;
use super::waiting::{Goal, is_changing, wait};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::interrupt::interrupted;
use crate::polling::Polling;
use crate::terminal::table;

/// A part and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `endpoint`, `configuration` or `model`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A part that is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Which.
    #[serde(flatten)]
    pub part: Part,
    /// Why it was not removed.
    pub why: String,
}

/// What a removal came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// What was there and is gone.
    pub removed: Vec<Part>,
    /// What somebody else had removed meanwhile.
    pub gone_already: Vec<Part>,
    /// What is still there.
    pub left: Vec<Left>,
    /// What no endpoint needs and this command does not touch: checkpoints, logs.
    pub stays: Vec<String>,
    #[serde(skip)]
    exit: Option<Exit>,
}

impl Removal {
    /// What is to be said of it in the end: that something is left, or nothing.
    ///
    /// # Errors
    /// With the first reason, where something is left.
    pub fn verdict(&self) -> Outcome {
        let Some(first) = self.left.first() else {
            return Ok(());
        };
        let exit = match (self.removed.is_empty(), self.exit) {
            (true, Some(exit)) => exit,
            _ => Exit::Partial,
        };
        let what = format!(
            "{} of {} parts are left; {} {}: {}",
            self.left.len(),
            self.left.len() + self.removed.len() + self.gone_already.len(),
            first.part.kind,
            first.part.name,
            first.why
        );
        Err(Failure::new(exit, what).next("mend that and run the same command again"))
    }

    fn note(&mut self, part: Part, outcome: Outcome<bool>, context: &Context) -> bool {
        let Part { kind, name } = &part;
        match outcome {
            Ok(true) => {
                context.terminal.say(format!("removed: {kind} {name}"));
                self.removed.push(part);
            }
            Ok(false) => {
                context.terminal.say(format!("gone already: {kind} {name}"));
                self.gone_already.push(part);
            }
            Err(failure) => {
                context
                    .terminal
                    .say(format!("stays: {kind} {name}: {}", failure.what));
                self.exit.get_or_insert(failure.exit);
                self.left.push(Left {
                    part,
                    why: failure.what,
                });
                return false;
            }
        }
        true
    }
}

/// What is to be removed, as a table for people.
#[must_use]
pub fn plan(belongings: &Belongings) -> String {
    let mut rows = Vec::new();
    if let Some(endpoint) = &belongings.endpoint {
        rows.push([
            "endpoint".to_owned(),
            endpoint.name.clone(),
            endpoint.status.clone(),
        ]);
    }
    for config in &belongings.configs {
        let why = why(config.known, config.in_use);
        rows.push(["configuration".to_owned(), config.what.name.clone(), why]);
    }
    for model in &belongings.models {
        let why = why(model.known, model.in_use);
        rows.push(["model".to_owned(), model.what.name.clone(), why]);
    }
    table(["what", "name", "state"], &rows)
}

fn why(known: Known, in_use: bool) -> String {
    match (known, in_use) {
        (Known::Tag | Known::Name, true) => "in use",
        (Known::InUse, _) => "in use; not made by lookbook",
        (Known::Tag, false) => "left behind",
        (Known::Name, false) => "left behind, by its name",
    }
    .to_owned()
}

/// Removes everything in order: what uses before what is used. What can't be removed does
/// not keep the rest, but an endpoint keeps its parts.
///
/// # Errors
/// When the signal comes: the same command goes on.
pub async fn remove(
    plane: &ControlPlane,
    belongings: &Belongings,
    polling: Polling,
    context: &Context,
) -> Outcome<Removal> {
    let mut removal = Removal::default();
    if let Some(endpoint) = &belongings.endpoint {
        let part = Part {
            kind: "endpoint",
            name: endpoint.name.clone(),
        };
        let outcome = remove_endpoint(plane, &endpoint.name, polling, context).await;
        if let Err(failure) = &outcome
            && failure.exit == Exit::Interrupted
        {
            return Err(unfinished());
        }
        let log = log_group(&endpoint.name);
        removal.stays.push(format!("log group {log}"));
        if !removal.note(part, outcome, context) {
            for (kind, name) in parts(belongings) {
                removal.left.push(Left {
                    part: Part { kind, name },
                    why: "the endpoint is still there".to_owned(),
                });
            }
            return Ok(removal);
        }
    }
    for (kind, name) in parts(belongings) {
        if context.interrupt.came() {
            return Err(unfinished());
        }
        let outcome = match kind {
            "configuration" => plane.delete_config(&name).await,
            _ => plane.delete_model(&name).await,
        };
        removal.note(Part { kind, name }, outcome, context);
    }
    let checkpoints = belongings
        .models
        .iter()
        .filter_map(|model| model.what.data.as_ref());
    removal
        .stays
        .extend(checkpoints.map(|data| format!("checkpoint {data}")));
    Ok(removal)
}

fn unfinished() -> Failure {
    interrupted().next("run the same command again: it removes what is still there")
}

/// Configurations before the models that they name.
fn parts(belongings: &Belongings) -> Vec<(&'static str, String)> {
    let configs = belongings.configs.iter();
    let configs = configs.map(|config| ("configuration", config.what.name.clone()));
    let models = belongings.models.iter();
    let models = models.map(|model| ("model", model.what.name.clone()));
    configs.chain(models).collect()
}

/// Deletes an endpoint and waits until it is gone; false where there is none. One that is
/// being changed takes no order before that has ended.
async fn remove_endpoint(
    plane: &ControlPlane,
    name: &str,
    polling: Polling,
    context: &Context,
) -> Outcome<bool> {
    let Context {
        interrupt,
        terminal,
        ..
    } = context;
    let Some(endpoint) = plane.endpoint(name).await? else {
        return Ok(false);
    };
    if endpoint.status != "Deleting" && is_changing(&endpoint.status) {
        terminal.say(format!(
            "endpoint {name} is {}: SageMaker deletes it when that has ended, which is waited for",
            endpoint.status
        ));
        wait(plane, name, &Goal::Rests, polling, interrupt, *terminal).await?;
    }
    if endpoint.status != "Deleting" && !plane.delete_endpoint(name).await? {
        return Ok(false);
    }
    let waited = wait(plane, name, &Goal::Gone, polling, interrupt, *terminal).await?;
    match waited.reached {
        Ok(()) => Ok(true),
        Err(reason) => Err(Failure::new(Exit::Failed, reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::belongings::Belonging;
    use crate::deployment::control_plane::{Config, Endpoint, Model};

    fn belongings() -> Belongings {
        let config = |name: &str, in_use| Belonging {
            what: Config {
                name: name.to_owned(),
                ..Config::default()
            },
            known: Known::Tag,
            in_use,
        };
        let model = Model {
            name: "m".to_owned(),
            ..Model::default()
        };
        Belongings {
            endpoint: Some(Endpoint {
                name: "shirts".to_owned(),
                status: "InService".to_owned(),
                ..Endpoint::default()
            }),
            configs: vec![config("new", true), config("old", false)],
            models: vec![Belonging {
                what: model,
                known: Known::InUse,
                in_use: true,
            }],
            stack: None,
        }
    }

    #[test]
    fn the_plan_names_every_part_and_why() {
        let plan = plan(&belongings());
        let lines: Vec<&str> = plan.lines().collect();
        assert_eq!(lines.len(), 5, "{plan}");
        assert!(lines[1].contains("shirts") && lines[1].ends_with("InService"));
        assert!(lines[2].contains("new") && lines[2].ends_with("in use"));
        assert!(lines[3].contains("old") && lines[3].ends_with("left behind"));
        assert!(lines[4].contains("not made by lookbook"));
    }

    #[test]
    fn what_is_left_is_told_with_the_first_reason() {
        let part = |name: &str| Part {
            kind: "model",
            name: name.to_owned(),
        };
        let mut removal = Removal {
            left: vec![Left {
                part: part("m"),
                why: "AccessDeniedException".to_owned(),
            }],
            exit: Some(Exit::Denied),
            ..Removal::default()
        };
        assert_eq!(removal.verdict().unwrap_err().exit, Exit::Denied);
        removal.removed.push(part("n"));
        let failure = removal.verdict().unwrap_err();
        assert_eq!(failure.exit, Exit::Partial);
        assert!(
            failure.what.starts_with("1 of 2 parts are left"),
            "{failure}"
        );
        assert!(failure.what.contains("model m: AccessDenied"), "{failure}");
        assert_eq!(Removal::default().verdict().err().map(|one| one.exit), None);
    }
}

//! What a deployment has made, so that it can be taken back.

use super::control_plane::ControlPlane;
use super::waiting::{Goal, wait};
use crate::failure::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::polling::Polling;
use crate::terminal::Terminal;

/// The parts that exist because of this deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The endpoint, where it is new.
    pub endpoint: Option<String>,
    /// The configuration.
    pub config: Option<String>,
    /// The model.
    pub model: Option<String>,
}

impl Made {
    /// Removes everything, the endpoint first, and gives what could not be removed, with
    /// the reason. What is gone already is no failure. The signal does not end this: it is
    /// short, and what would be left is what nobody asked for.
    pub async fn undo(
        self,
        plane: &ControlPlane,
        polling: Polling,
        terminal: Terminal,
    ) -> Vec<String> {
        let mut undoing = Undoing {
            terminal,
            left: Vec::new(),
        };
        if let Some(name) = &self.endpoint {
            let removed = remove_endpoint(plane, name, polling, terminal).await;
            if !undoing.note("endpoint", name, removed) {
                // SageMaker wants the endpoint to go before its configuration.
                undoing.keep("configuration", self.config);
                undoing.keep("model", self.model);
                return undoing.left;
            }
        }
        if let Some(name) = &self.config {
            let removed = plane.delete_config(name).await;
            undoing.note("configuration", name, removed);
        }
        if let Some(name) = &self.model {
            let removed = plane.delete_model(name).await;
            undoing.note("model", name, removed);
        }
        undoing.left
    }
}

struct Undoing {
    terminal: Terminal,
    left: Vec<String>,
}

impl Undoing {
    /// Says that something was removed, or keeps why it was not. Whether it is gone.
    fn note(&mut self, kind: &str, name: &str, removed: Outcome<bool>) -> bool {
        match removed {
            Ok(was_there) => {
                if was_there {
                    self.terminal.say(format!("removed: {kind} {name}"));
                }
                true
            }
            Err(failure) => {
                self.left.push(format!("{kind} {name}: {}", failure.what));
                false
            }
        }
    }

    fn keep(&mut self, kind: &str, name: Option<String>) {
        self.left.extend(name.map(|name| format!("{kind} {name}")));
    }
}

/// Removes an endpoint and waits until it is gone; false where there was none.
async fn remove_endpoint(
    plane: &ControlPlane,
    name: &str,
    polling: Polling,
    terminal: Terminal,
) -> Outcome<bool> {
    let was_there = plane.delete_endpoint(name).await?;
    if was_there {
        let nobody = Interrupt::default();
        let waited = wait(plane, name, &Goal::Gone, polling, &nobody, terminal).await?;
        if let Err(reason) = waited.reached {
            return Err(Failure::new(Exit::Failed, reason).during(format!("deleting {name}")));
        }
    }
    Ok(was_there)
}

/// A failure with what it left behind.
#[must_use]
pub fn with_litter(failure: Failure, endpoint: &str, left: &[String]) -> Failure {
    if left.is_empty() {
        return failure;
    }
    let what = format!(
        "{}\n  could not be removed: {}",
        failure.what,
        left.join("; ")
    );
    Failure::new(failure.exit, what).next(format!(
        "`lookbook delete --endpoint {endpoint}` removes what is left"
    ))
}

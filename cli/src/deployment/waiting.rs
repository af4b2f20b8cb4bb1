//! Until an endpoint is what it is to be, or will not be that.

use std::time::{Duration, Instant};

use super::control_plane::{ControlPlane, Endpoint};
use crate::clock::duration;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::live_line::LiveLine;
use crate::polling::{Patience, Polling};
use crate::terminal::Terminal;

/// How long an endpoint may seem untouched after it was told to change.
const BEGINS_WITHIN: Duration = Duration::from_secs(60);

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// That it serves with a configuration.
    Serves {
        /// The configuration.
        config: String,
    },
    /// That it changes no more, whatever it is then.
    Rests,
    /// That there is none.
    Gone,
}

/// What one look at the endpoint comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is still changing.
    GoOn,
    /// It is what was waited for.
    Reached,
    /// It will not be that: why.
    Failed(String),
}

/// Whether SageMaker is changing an endpoint in this state, so that it takes no other
/// order.
#[must_use]
pub fn is_changing(status: &str) -> bool {
    matches!(
        status,
        "Creating" | "Updating" | "SystemUpdating" | "RollingBack" | "Deleting"
    )
}

/// What a look comes to. `began` says whether the endpoint was seen to change since it
/// was told to, or has had the time.
#[must_use]
pub fn verdict(goal: &Goal, seen: Option<&Endpoint>, began: bool) -> Verdict {
    let Some(endpoint) = seen else {
        return match goal {
            Goal::Serves { .. } => Verdict::Failed("somebody deleted it".to_owned()),
            Goal::Rests | Goal::Gone => Verdict::Reached,
        };
    };
    if is_changing(&endpoint.status) {
        return Verdict::GoOn;
    }
    let reason = || match &endpoint.failure_reason {
        Some(reason) => reason.clone(),
        None => format!(
            "SageMaker gives no reason; its state is {}",
            endpoint.status
        ),
    };
    match goal {
        Goal::Rests => Verdict::Reached,
        Goal::Gone if !began => Verdict::GoOn,
        Goal::Gone => Verdict::Failed(reason()),
        Goal::Serves { config } if endpoint.status == "InService" => {
            if endpoint.config.as_ref() == Some(config) {
                Verdict::Reached
            } else if began {
                // SageMaker went back to what was there before.
                Verdict::Failed(reason())
            } else {
                Verdict::GoOn
            }
        }
        Goal::Serves { .. } => Verdict::Failed(reason()),
    }
}

/// How the waiting ended.
#[derive(Clone, Debug)]
pub struct Waited {
    /// Why it is not what was waited for, if it is not.
    pub reached: Result<(), String>,
    /// The endpoint at the end, if there is one.
    pub endpoint: Option<Endpoint>,
    /// How long it took.
    pub took: Duration,
}

/// Waits and says each state that it comes to.
///
/// # Errors
/// When the signal comes, or SageMaker can't be asked.
pub async fn wait(
    plane: &ControlPlane,
    name: &str,
    goal: &Goal,
    polling: Polling,
    interrupt: &Interrupt,
    terminal: Terminal,
) -> Outcome<Waited> {
    let line = LiveLine::new(terminal);
    let start = Instant::now();
    let mut patience = Patience::default();
    let mut told = String::new();
    let mut has_changed = false;
    loop {
        let look = interrupt.or(plane.endpoint(name)).await?;
        let took = start.elapsed();
        if let Some(endpoint) = patience.with(look)? {
            let status = endpoint.as_ref().map_or("gone", |one| one.status.as_str());
            if status != told {
                line.say(format!("  {name}: {status} ({})", duration(took)));
                status.clone_into(&mut told);
            }
            has_changed |= is_changing(status);
            let began = has_changed || took > BEGINS_WITHIN;
            let reached = match verdict(goal, endpoint.as_ref(), began) {
                Verdict::GoOn => None,
                Verdict::Reached => Some(Ok(())),
                Verdict::Failed(reason) => Some(Err(reason)),
            };
            if let Some(reached) = reached {
                return Ok(Waited {
                    reached,
                    endpoint,
                    took,
                });
            }
        }
        line.show(format!("{name}: {told}, {}", duration(start.elapsed())));
        polling.pause(interrupt).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(status: &str, config: &str, reason: Option<&str>) -> Endpoint {
        Endpoint {
            status: status.to_owned(),
            config: Some(config.to_owned()),
            failure_reason: reason.map(str::to_owned),
            ..Endpoint::default()
        }
    }

    fn serves() -> Goal {
        Goal::Serves {
            config: "new".to_owned(),
        }
    }

    fn failed(reason: &str) -> Verdict {
        Verdict::Failed(reason.to_owned())
    }

    #[test]
    fn a_new_endpoint_serves_or_fails_with_its_reason() {
        let look =
            |status, reason| verdict(&serves(), Some(&endpoint(status, "new", reason)), true);
        assert_eq!(look("Creating", None), Verdict::GoOn);
        assert_eq!(look("InService", None), Verdict::Reached);
        assert_eq!(look("Failed", Some("no ping")), failed("no ping"));
        assert_eq!(
            verdict(&serves(), None, true),
            failed("somebody deleted it")
        );
        let Verdict::Failed(reason) = look("OutOfService", None) else {
            panic!("it is not what was wanted");
        };
        assert!(reason.contains("OutOfService"), "{reason}");
    }

    #[test]
    fn an_update_that_was_taken_back_is_told_from_one_that_has_not_begun() {
        let old = endpoint("InService", "old", None);
        assert_eq!(verdict(&serves(), Some(&old), false), Verdict::GoOn);
        let back = endpoint("InService", "old", Some("alarm errors rang"));
        assert_eq!(
            verdict(&serves(), Some(&back), true),
            failed("alarm errors rang")
        );
        let mixed = endpoint("UpdateRollbackFailed", "old", Some("no capacity"));
        assert_eq!(
            verdict(&serves(), Some(&mixed), true),
            failed("no capacity")
        );
        let changing = endpoint("RollingBack", "old", None);
        assert_eq!(verdict(&serves(), Some(&changing), true), Verdict::GoOn);
    }

    #[test]
    fn a_deletion_is_waited_for_and_whatever_rests_is_at_rest() {
        let look = |goal, status| verdict(&goal, Some(&endpoint(status, "a", None)), true);
        assert_eq!(look(Goal::Gone, "Deleting"), Verdict::GoOn);
        assert!(matches!(look(Goal::Gone, "Failed"), Verdict::Failed(_)));
        let failed = endpoint("Failed", "a", None);
        assert_eq!(verdict(&Goal::Gone, Some(&failed), false), Verdict::GoOn);
        assert_eq!(verdict(&Goal::Gone, None, true), Verdict::Reached);
        assert_eq!(look(Goal::Rests, "Updating"), Verdict::GoOn);
        assert_eq!(look(Goal::Rests, "Failed"), Verdict::Reached);
        assert_eq!(verdict(&Goal::Rests, None, false), Verdict::Reached);
    }
}

//! What a check comes to.

use std::time::Duration;

use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::terminal::table;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but something is to be known.
    Warning,
    /// It does not work.
    Problem,
    /// It could not be looked at, or nobody said what to look at.
    NotLookedAt,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
            State::NotLookedAt => "not looked at",
        }
    }
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub state: State,
    /// What was found, or why it was not looked at.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn ok(check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::of(State::Ok, check, found)
    }

    /// Something is to be known.
    pub fn warning(check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::of(State::Warning, check, found)
    }

    /// It does not work.
    pub fn problem(check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::of(State::Problem, check, found)
    }

    /// It was not looked at, for this reason.
    pub fn not_looked_at(check: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding::of(State::NotLookedAt, check, why)
    }

    /// It could not be looked at: a call failed for a reason that lies not with the thing.
    pub fn unseen(check: impl Into<String>, failure: &Failure) -> Finding {
        let finding = Finding::not_looked_at(check, &failure.what);
        let mend = match failure.exit {
            Exit::Denied => Some("allow the action to whoever looks, or let somebody look who may"),
            _ => failure.next_step.as_deref(),
        };
        match mend {
            Some(mend) => finding.mend(mend),
            None => finding,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Finding {
        self.mend = Some(mend.into());
        self
    }

    fn of(state: State, check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding {
            check: check.into(),
            state,
            found: found.into(),
            mend: None,
        }
    }
}

/// What `work` finds, or that it took too long.
pub async fn within(
    time: Duration,
    check: &str,
    work: impl Future<Output = Vec<Finding>>,
) -> Vec<Finding> {
    match tokio::time::timeout(time, work).await {
        Ok(findings) => findings,
        Err(_) => {
            let why = format!("no answer within {} s", time.as_secs());
            let mend = "look at the network and a proxy; --timeout gives more time";
            vec![Finding::not_looked_at(check, why).mend(mend)]
        }
    }
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// In the order of the checks.
    pub findings: Vec<Finding>,
    /// How many problems there are.
    pub problems: usize,
    /// How many warnings.
    pub warnings: usize,
}

impl Findings {
    /// Counts them.
    #[must_use]
    pub fn new(findings: Vec<Finding>) -> Findings {
        let count = |state: State| {
            let is_so = |finding: &&Finding| finding.state == state;
            findings.iter().filter(is_so).count()
        };
        Findings {
            problems: count(State::Problem),
            warnings: count(State::Warning),
            findings,
        }
    }

    /// As a table, and below it what to do.
    #[must_use]
    pub fn text(&self) -> String {
        let rows: Vec<[String; 3]> = self
            .findings
            .iter()
            .map(|finding| {
                let state = finding.state.words().to_owned();
                [finding.check.clone(), state, finding.found.clone()]
            })
            .collect();
        let mut text = table(["check", "state", "found"], &rows);
        let mends: Vec<String> = self
            .findings
            .iter()
            .filter_map(|finding| {
                let mend = finding.mend.as_ref()?;
                Some(format!("- {}: {mend}\n", finding.check))
            })
            .collect();
        if !mends.is_empty() {
            text.push_str("\nWhat to do:\n");
            text.push_str(&mends.concat());
        }
        text
    }

    /// Why the command does not end well; nothing where it does.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self.problems {
            0 => None,
            1 => Some(Failure::new(Exit::Failed, "there is a problem")),
            problems => Some(Failure::new(
                Exit::Failed,
                format!("there are {problems} problems"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn problems_decide_how_the_command_ends_and_come_with_their_mend() {
        let findings = Findings::new(vec![
            Finding::ok("region", "eu-west-1"),
            Finding::warning("clock", "80 s ahead"),
            Finding::problem("bucket a", "there is none").mend("make it"),
            Finding::not_looked_at("image", "--image names none"),
        ]);
        assert_eq!((findings.problems, findings.warnings), (1, 1));
        assert_eq!(findings.failure().unwrap().exit, Exit::Failed);
        let text = findings.text();
        assert!(text.contains("PROBLEM"), "{text}");
        assert!(
            text.ends_with("What to do:\n- bucket a: make it\n"),
            "{text}"
        );
        let json = json!(findings);
        assert_eq!(
            json["findings"][2],
            json!({"check": "bucket a", "state": "problem", "found": "there is none",
                   "mend": "make it"})
        );
        assert_eq!(json["findings"][3]["state"], "not-looked-at");
        assert!(
            Findings::new(vec![Finding::warning("x", "y")])
                .failure()
                .is_none()
        );
    }

    #[test]
    fn a_check_that_is_not_allowed_is_no_problem_of_what_it_looks_at() {
        let failure = Failure::new(Exit::Denied, "ListServiceQuotas: AccessDenied: no");
        let finding = Finding::unseen("quota", &failure);
        assert_eq!(finding.state, State::NotLookedAt);
        assert!(finding.mend.unwrap().contains("allow"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_ends_in_time() {
        let never = std::future::pending::<Vec<Finding>>();
        let findings = within(Duration::from_secs(3), "bucket", never).await;
        assert_eq!(findings[0].state, State::NotLookedAt);
        assert!(findings[0].found.contains("within 3 s"));
    }
}

//! What became of the products of an event for which nobody waits, and what it is answered.

use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use super::stored::Outcome;
use crate::problem::Problem;

/// What became of the products of an event.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// The addresses of the results.
    written: Vec<String>,
    /// The names of what was passed over.
    skipped: Vec<String>,
    /// The records of what can't be described.
    failed: Vec<String>,
    /// What failed and has to come again, by name.
    failures: Vec<(String, Problem)>,
}

impl Report {
    /// Enters what became of `name`, a photo's key or a message's id.
    pub fn add(&mut self, name: String, outcome: Result<Outcome, Problem>) {
        match outcome {
            Ok(Outcome::Written(result)) => self.written.push(result.to_string()),
            Ok(Outcome::Skipped(_)) => self.skipped.push(name),
            Ok(Outcome::Failed { record, .. }) => self.failed.push(record.to_string()),
            Err(problem) => self.failures.push((name, problem)),
        }
    }

    /// Adds what another one says.
    pub fn merge(&mut self, other: Report) {
        self.written.extend(other.written);
        self.skipped.extend(other.skipped);
        self.failed.extend(other.failed);
        self.failures.extend(other.failures);
    }

    /// Whether something is not described that may be when it comes again.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The answer to the event of `trigger` (in lower case): what was written, what
    /// was passed over, and the records of what can't be described; an error where
    /// something has to come again.
    pub fn into_answer(self, trigger: &'static str) -> Result<Value, RecordsError> {
        if self.has_failures() {
            return Err(RecordsError {
                trigger,
                failures: self.failures,
            });
        }
        Ok(json!({
            "written": self.written,
            "skipped": self.skipped,
            "failed": self.failed
        }))
    }
}

/// What of an event is not described. The whole event is delivered again then;
/// what is stored already is not done twice.
#[derive(Debug, PartialEq)]
pub struct RecordsError {
    trigger: &'static str,
    failures: Vec<(String, Problem)>,
}

impl From<RecordsError> for Diagnostic {
    fn from(error: RecordsError) -> Diagnostic {
        let reasons: Vec<String> = error
            .failures
            .into_iter()
            .map(|(name, problem)| format!("{name}: {}", Diagnostic::from(problem).error_message))
            .collect();
        Diagnostic {
            error_type: format!("{}-records-failed", error.trigger),
            error_message: format!("not described: {}", reasons.join("; ")),
        }
    }
}

//! Work for which nobody waits: the result is stored, and a report says what
//! became of each product.

use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use super::App;
use crate::domain::{
    Deadline, DescribeRequest, ObjectAddress, Progress, SourceMark, describe_product,
};
use crate::problem::Problem;
use crate::telemetry::Worked;

/// What became of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is described; the result is there.
    Written(ObjectAddress),
    /// There was nothing to do, for this reason.
    Skipped(&'static str),
}

impl Worked for Outcome {
    fn passed_over(&self) -> Option<&'static str> {
        match self {
            Outcome::Skipped(reason) => Some(*reason),
            Outcome::Written(_) => None,
        }
    }

    fn stored_at(&self) -> Option<String> {
        match self {
            Outcome::Written(result) => Some(result.to_string()),
            Outcome::Skipped(_) => None,
        }
    }
}

/// Describes a product and stores the result at `<OUTPUT_PREFIX><product_id>.json`
/// in `OUTPUT_BUCKET`, or in `bucket` where that is not set. Nothing is done where
/// the result that lies there was made from `source`, or from something later.
pub async fn describe_and_store(
    app: &App,
    product_id: String,
    request: DescribeRequest,
    bucket: &str,
    source: SourceMark,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    Progress::note(|progress| progress.product_id = Some(product_id.clone()));
    let settings = &app.settings;
    let result = ObjectAddress {
        bucket: settings
            .output_bucket
            .as_deref()
            .unwrap_or(bucket)
            .to_owned(),
        key: format!("{}{product_id}.json", settings.output_prefix),
    };
    let store = &app.services.store;
    if store
        .source_of(&result, deadline)
        .await?
        .is_some_and(|stored| stored.covers(&source))
    {
        return Ok(Outcome::Skipped("described already"));
    }
    let request = DescribeRequest {
        product_id: Some(product_id),
        ..request
    };
    let product = describe_product(&app.services, request, deadline).await?;
    let text = json!(product).to_string();
    store.write(&result, text.into(), &source, deadline).await?;
    Ok(Outcome::Written(result))
}

/// What became of the products of an event.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// The addresses of the results.
    written: Vec<String>,
    /// The names of what was passed over.
    skipped: Vec<String>,
    /// What failed, by name.
    failures: Vec<(String, Problem)>,
}

impl Report {
    /// Enters what became of `name`, a photo's key or a message's id.
    pub fn add(&mut self, name: String, outcome: Result<Outcome, Problem>) {
        match outcome {
            Ok(Outcome::Written(result)) => self.written.push(result.to_string()),
            Ok(Outcome::Skipped(_)) => self.skipped.push(name),
            Err(problem) => self.failures.push((name, problem)),
        }
    }

    /// Adds what another one says.
    pub fn merge(&mut self, other: Report) {
        self.written.extend(other.written);
        self.skipped.extend(other.skipped);
        self.failures.extend(other.failures);
    }

    /// Whether something is not described that should be.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// The answer to the event of `trigger` (in lower case): what was written and
    /// what was passed over; an error where something failed.
    pub fn into_answer(self, trigger: &'static str) -> Result<Value, RecordsError> {
        if self.has_failures() {
            return Err(RecordsError {
                trigger,
                failures: self.failures,
            });
        }
        Ok(json!({"written": self.written, "skipped": self.skipped}))
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

//! Work for which nobody waits: the result is stored, and a report says what
//! became of each product.

use bytes::Bytes;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use super::App;
use super::failures::{self, Subject};
use crate::domain::{
    Condition, Deadline, DescribeRequest, ObjectAddress, ProductDescription, Progress, SourceMark,
    Standing, StoreError, Stored, describe_product,
};
use crate::problem::Problem;
use crate::telemetry::Worked;

/// How often a result is written anew that others write at the same time.
const WRITES: usize = 4;

/// Why a product is passed over whose photo was found unusable before.
pub const UNUSABLE_PHOTO: &str = "its photo can't be used, as is on record";

/// What became of a product.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is described; the result is there.
    Written(ObjectAddress),
    /// There was nothing to do, for this reason.
    Skipped(&'static str),
    /// It can't be described, and trying again would change nothing: that is
    /// written down.
    Failed {
        /// The record.
        record: ObjectAddress,
        /// Why it can't be described.
        problem: Problem,
    },
}

impl Worked for Outcome {
    fn passed_over(&self) -> Option<&'static str> {
        match self {
            Outcome::Skipped(reason) => Some(*reason),
            Outcome::Written(_) | Outcome::Failed { .. } => None,
        }
    }

    fn failed(&self) -> Option<(&Problem, String)> {
        match self {
            Outcome::Failed { record, problem } => Some((problem, record.to_string())),
            Outcome::Written(_) | Outcome::Skipped(_) => None,
        }
    }

    fn stored_at(&self) -> Option<String> {
        match self {
            Outcome::Written(result) => Some(result.to_string()),
            Outcome::Skipped(_) | Outcome::Failed { .. } => None,
        }
    }
}

/// Describes a product and stores the result at `<OUTPUT_PREFIX><product_id>.json`
/// in `OUTPUT_BUCKET`, or in `bucket` where that is not set. Nothing is done where
/// the result that lies there was made from `source` with these settings, or from
/// something later. What fails leaves a record; it is an error where trying again
/// may help.
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
    let bucket = settings.output_bucket.as_deref().unwrap_or(bucket);
    let result = ObjectAddress {
        bucket: bucket.to_owned(),
        key: format!("{}{product_id}.json", settings.output_prefix),
    };
    let source = SourceMark {
        settings: Some(settings.mark(request.format)),
        ..source
    };
    let subject = Subject {
        product_id: Some(&product_id),
        name: &product_id,
        bucket,
        source: &source,
        request: failures::summary(&request),
    };
    let request = DescribeRequest {
        product_id: Some(product_id.clone()),
        ..request
    };
    let problem = match describe_once(app, &result, &subject, request, deadline).await {
        Ok(outcome) => return Ok(outcome),
        Err(problem) => problem,
    };
    let settled = failures::settle(app, &subject, problem, deadline).await;
    // Another delivery may have succeeded meanwhile. Whoever fails writes its record
    // and looks for a result, whoever succeeds writes the result and looks for a
    // record, so that one of them sees the other.
    match app.services.store.look(&result, deadline).await {
        Ok(stored) => match reason_to_skip(stored.as_ref(), &source) {
            Some(reason) => {
                failures::clear(app, &subject, deadline).await?;
                Ok(Outcome::Skipped(reason))
            }
            None => settled,
        },
        // Whether the record may stay is not known: it comes again.
        Err(error) => settled.and_then(|_| Err(error.into())),
    }
}

async fn describe_once(
    app: &App,
    result: &ObjectAddress,
    subject: &Subject<'_>,
    request: DescribeRequest,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let store = &app.services.store;
    // What fails here must leave the time to write that down, too.
    let work_deadline = deadline.of_work();
    let (stored, failure) = tokio::join!(
        store.look(result, work_deadline),
        failures::look_up(app, subject, work_deadline)
    );
    let mut stored = stored?;
    if let Some(reason) = reason_to_skip(stored.as_ref(), subject.source) {
        if failure.is_some() {
            failures::clear(app, subject, deadline).await?;
        }
        return Ok(Outcome::Skipped(reason));
    }
    if failure.is_some_and(|failure| failure.is_final_for(subject.source)) {
        return Ok(Outcome::Skipped(UNUSABLE_PHOTO));
    }
    let product = describe_product(&app.services, request, work_deadline).await?;
    let text = contents(&product, subject.source);
    for _ in 0..WRITES {
        let condition = Condition::unchanged(stored.as_ref());
        let source = Some(subject.source);
        match store
            .write(result, text.clone(), source, &condition, deadline)
            .await
        {
            Ok(_) => {
                failures::clear(app, subject, deadline).await?;
                return Ok(Outcome::Written(result.clone()));
            }
            Err(StoreError::Changed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        stored = store.look(result, deadline).await?;
        if let Some(reason) = reason_to_skip(stored.as_ref(), subject.source) {
            failures::clear(app, subject, deadline).await?;
            return Ok(Outcome::Skipped(reason));
        }
    }
    let address = result.clone();
    Err(StoreError::Changed { address }.into())
}

/// What is stored. It names what it was made from, and not for readers alone: an entity
/// tag is the digest of the contents, so that two results of equal words from two photos
/// would be one version to a conditional write. One whose answer was lost, made again,
/// would then put an earlier result in the place of a later one.
fn contents(product: &ProductDescription, source: &SourceMark) -> Bytes {
    let mut result = json!(product);
    result["source"] = source.to_json();
    result.to_string().into()
}

/// Why the result that lies there needs no other one.
fn reason_to_skip(stored: Option<&Stored>, source: &SourceMark) -> Option<&'static str> {
    match stored?.source.as_ref()?.standing(source) {
        Standing::Same => Some("described already"),
        Standing::Later => Some("a later one is described already"),
        Standing::Other => None,
    }
}

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

#[cfg(test)]
mod tests;

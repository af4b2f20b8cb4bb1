//! What came of a product: one line in the log, and its metrics.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Invocation, Trace, metrics};
use crate::domain::{Progress, Unfaithful};
use crate::problem::Problem;

/// What the work on a product gives, as far as its line tells it.
pub trait Worked {
    /// Why there was nothing to do, where there was nothing.
    fn passed_over(&self) -> Option<&'static str> {
        None
    }

    /// Where the result lies, where it is stored.
    fn stored_at(&self) -> Option<String> {
        None
    }
}

/// An answer for somebody who waits for it.
impl Worked for Value {}

/// What became of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is a text for the shop.
    Described,
    /// There is a text for a person to look at.
    Held,
    /// The text was thrown away.
    Dropped,
    /// There was nothing to do.
    Skipped,
    /// There is a problem.
    Failed,
}

impl Outcome {
    fn of<T: Worked>(result: Result<&T, &Problem>, progress: &Progress) -> Outcome {
        match result {
            Err(_) => Outcome::Failed,
            Ok(done) if done.passed_over().is_some() => Outcome::Skipped,
            Ok(_) => match progress.text.as_ref().map(|text| text.fate) {
                Some(Unfaithful::Hold) => Outcome::Held,
                Some(Unfaithful::Drop) => Outcome::Dropped,
                Some(Unfaithful::Return) | None => Outcome::Described,
            },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Outcome::Described => "described",
            Outcome::Held => "held",
            Outcome::Dropped => "dropped",
            Outcome::Skipped => "skipped",
            Outcome::Failed => "failed",
        }
    }

    /// The metric that counts it.
    fn metric(self) -> &'static str {
        match self {
            Outcome::Described => "ProductsDescribed",
            Outcome::Held => "ProductsHeld",
            Outcome::Dropped => "ProductsDropped",
            Outcome::Skipped => "ProductsSkipped",
            Outcome::Failed => "ProductsFailed",
        }
    }
}

/// Does the work on one product and says what came of it. `source` is what the event is
/// about: the photo's key or the message's id.
pub async fn follow<T: Worked>(
    source: Option<&str>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let start = Instant::now();
    let (result, progress) = Progress::of(work).await;
    report(source, result.as_ref(), &progress, start.elapsed());
    result
}

/// Says of a product that it fails before there is any work on it, and gives the problem
/// back.
pub fn refuse(source: Option<&str>, problem: Problem) -> Problem {
    let progress = Progress::default();
    report::<Value>(source, Err(&problem), &progress, Duration::ZERO);
    problem
}

fn report<T: Worked>(
    source: Option<&str>,
    result: Result<&T, &Problem>,
    progress: &Progress,
    took: Duration,
) {
    let outcome = Outcome::of(result, progress);
    let total_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let invocation = Invocation::current();
    log(source, outcome, result, progress, total_ms, &invocation);

    let model = progress.text.as_ref().map(|text| text.model.as_str());
    let mut properties = vec![("trigger", invocation.trigger), ("outcome", outcome.name())];
    properties.extend(model.map(|model| ("model", model)));
    let metrics = metrics::of_product(outcome.metric(), total_ms, progress);
    invocation.emit(&properties, &metrics);
}

/// Writes the line. It has no value of an attribute, no text, and of a problem no words of
/// the request.
fn log<T: Worked>(
    source: Option<&str>,
    outcome: Outcome,
    result: Result<&T, &Problem>,
    progress: &Progress,
    total_ms: u64,
    invocation: &Invocation,
) {
    let trace = Trace::current();
    let done = result.ok();
    let problem = result.err();
    let status = problem.map(|problem| problem.kind.status());
    let detail: Option<Cow<'_, str>> = problem.map(Problem::loggable_detail);
    let stored_at = done.and_then(Worked::stored_at);
    let answers = progress.answers;
    let text = progress.text.as_ref();
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(
                tracing::Level::$level,
                outcome = outcome.name(),
                trigger = invocation.trigger,
                product_id = progress.product_id.as_deref(),
                source,
                result = stored_at.as_deref(),
                reason = done.and_then(Worked::passed_over),
                problem = problem.map(|problem| problem.kind.slug()),
                status,
                detail = detail.as_deref(),
                answered = answers.map(|answers| answers.answered),
                missing = answers.map(|answers| answers.missing),
                hedged = answers.map(|answers| answers.hedged),
                left_out = answers.map(|answers| answers.left_out),
                model = text.map(|text| text.model.as_str()),
                unmentioned = text.map(|text| text.unmentioned),
                contradicted = text.map(|text| text.contradicted),
                claims = text.map(|text| text.claims),
                banned_words = text.map(|text| text.banned_words),
                input_tokens = text.map(|text| text.usage.input_tokens),
                output_tokens = text.map(|text| text.usage.output_tokens),
                photo_ms = progress.photo_ms,
                attributes_ms = progress.attributes_ms,
                description_ms = progress.description_ms,
                total_ms,
                attempts = progress.attempts,
                retries = progress.retries,
                throttled = progress.throttled,
                cold_start = invocation.cold_start.is_some(),
                trace_id = trace.id(),
                "product"
            )
        };
    }
    match status {
        None => line!(INFO),
        Some(500..) => line!(ERROR),
        Some(_) => line!(WARN),
    }
}

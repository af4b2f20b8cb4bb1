//! What came of a product: one line in the log, and its metrics.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Invocation, Trace, metrics};
use crate::domain::{Cost, Progress, Unfaithful, in_ms};
use crate::problem::Problem;

/// What the work on a product gives, as far as its line tells it.
pub trait Worked {
    /// Why there was nothing to do, where there was nothing.
    fn passed_over(&self) -> Option<&'static str> {
        None
    }

    /// Why it failed and where that is written down, where it is done with that.
    fn failed(&self) -> Option<(&Problem, String)> {
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
    fn of(end: &End<'_>, progress: &Progress) -> Outcome {
        if end.problem.is_some() {
            return Outcome::Failed;
        }
        if end.reason.is_some() {
            return Outcome::Skipped;
        }
        match progress.text.as_ref().map(|text| text.fate) {
            Some(Unfaithful::Hold) => Outcome::Held,
            Some(Unfaithful::Drop) => Outcome::Dropped,
            Some(Unfaithful::Return) | None => Outcome::Described,
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

/// The end of the work on a product.
#[derive(Default)]
struct End<'a> {
    /// Why there was nothing to do.
    reason: Option<&'static str>,
    stored_at: Option<String>,
    problem: Option<&'a Problem>,
    /// Where the problem is written down, where the product is done with that.
    record: Option<String>,
}

impl<'a> End<'a> {
    fn of<T: Worked>(result: Result<&'a T, &'a Problem>) -> End<'a> {
        match result {
            Ok(done) => {
                let (problem, record) = done.failed().unzip();
                End {
                    reason: done.passed_over(),
                    stored_at: done.stored_at(),
                    problem,
                    record,
                }
            }
            Err(problem) => End::of_problem(problem),
        }
    }

    fn of_problem(problem: &'a Problem) -> End<'a> {
        End {
            problem: Some(problem),
            ..End::default()
        }
    }
}

/// What the line of a product is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// What the event is about: the photo's key or the message's id.
    pub source: Option<&'a str>,
    /// The product's name, where it has one.
    pub product_id: Option<&'a str>,
}

/// Does the work on one product and says what came of it.
pub async fn follow<T: Worked>(
    about: About<'_>,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let start = Instant::now();
    let product_id = about.product_id.map(str::to_owned);
    let (result, progress) = Progress::of(async {
        Progress::note(|progress| progress.product_id = product_id);
        work.await
    })
    .await;
    report(
        about.source,
        &End::of(result.as_ref()),
        &progress,
        start.elapsed(),
    );
    result
}

/// Says of a product that it fails before there is any work on it, and gives the problem
/// back. `source` is what the event is about.
pub fn refuse(source: Option<&str>, problem: Problem) -> Problem {
    report(
        source,
        &End::of_problem(&problem),
        &Progress::default(),
        Duration::ZERO,
    );
    problem
}

fn report(source: Option<&str>, end: &End<'_>, progress: &Progress, took: Duration) {
    let outcome = Outcome::of(end, progress);
    let total_ms = in_ms(took);
    let invocation = Invocation::current();
    log(source, outcome, end, progress, total_ms, &invocation);

    let model = progress.model();
    let mut properties = vec![("trigger", invocation.trigger), ("outcome", outcome.name())];
    properties.extend(model.map(|model| ("model", model)));
    let metrics = metrics::of_product(outcome.metric(), total_ms, progress);
    invocation.emit(&properties, &metrics);
}

/// Writes the line. It has no value of an attribute, no text, and of a problem no words of
/// the request.
fn log(
    source: Option<&str>,
    outcome: Outcome,
    end: &End<'_>,
    progress: &Progress,
    total_ms: u64,
    invocation: &Invocation,
) {
    let trace = Trace::current();
    let problem = end.problem;
    let status = problem.map(|problem| problem.kind.status());
    let detail: Option<Cow<'_, str>> = problem.map(Problem::loggable_detail);
    let answers = progress.answers;
    let text = progress.text.as_ref();
    let usage = progress.usage();
    macro_rules! line {
        ($level:ident) => {
            tracing::event!(
                tracing::Level::$level,
                outcome = outcome.name(),
                trigger = invocation.trigger,
                product_id = progress.product_id.as_deref(),
                source,
                result = end.stored_at.as_deref(),
                reason = end.reason,
                problem = problem.map(|problem| problem.kind.slug()),
                status,
                detail = detail.as_deref(),
                record = end.record.as_deref(),
                answered = answers.map(|answers| answers.answered),
                missing = answers.map(|answers| answers.missing),
                hedged = answers.map(|answers| answers.hedged),
                left_out = answers.map(|answers| answers.left_out),
                model = progress.model(),
                unmentioned = text.map(|text| text.unmentioned),
                contradicted = text.map(|text| text.contradicted),
                claims = text.map(|text| text.claims),
                banned_words = text.map(|text| text.banned_words),
                wrong_script = text.map(|text| text.wrong_script),
                wrong_form = text.map(|text| text.wrong_form),
                input_tokens = usage.map(|usage| usage.input_tokens),
                output_tokens = usage.map(|usage| usage.output_tokens),
                cost_usd = usage.and_then(|usage| usage.cost).map(Cost::usd),
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

//! What to do about what the function's own code could not do from here: it says what AWS said
//! in its words, and knows nothing of this command line.

use describe_product::problem::{Problem, ProblemKind};

use crate::aws_error;
use crate::failure::{Exit, Failure};

/// What SageMaker says, as a ValidationError, where an endpoint of inference components is called
/// without the name of one.
const NEEDS_COMPONENT: &str = "Inference Component Name header is required";

/// What it says of one that has scaled to zero or is still being started; the failed call is what
/// starts it.
const NO_CAPACITY: &str = "no capacity to process this request";

/// The exit code and the next step where the words name an error of AWS that decides about them.
#[must_use]
pub fn of_words(words: &str) -> Option<(Exit, &'static str)> {
    of_component(words).or_else(|| Some((Exit::Denied, aws_error::refusal(words)?)))
}

fn of_component(words: &str) -> Option<(Exit, &'static str)> {
    if words.contains(NEEDS_COMPONENT) {
        return Some((
            Exit::Usage,
            "name the endpoint's inference component by --inference-component; that of a stack is \
             called as its endpoint is, in lower case",
        ));
    }
    words.contains(NO_CAPACITY).then_some((
        Exit::Unavailable,
        "it has scaled to zero, and this call wakes it up: run the same command again in some minutes",
    ))
}

/// The failure of a call to an endpoint, with what its words say about inference components.
#[must_use]
pub fn about_component(failure: Failure) -> Failure {
    match of_component(&failure.what) {
        Some((exit, step)) => Failure { exit, ..failure }.next(step),
        None => failure,
    }
}

/// The exit code of a problem, and the next step where there is one beside what its detail says.
#[must_use]
pub fn of_problem(problem: &Problem) -> (Exit, Option<&'static str>) {
    if is_about_aws(problem.kind)
        && let Some((exit, step)) = of_words(&problem.detail)
    {
        return (exit, Some(step));
    }
    let exit = match problem.kind {
        ProblemKind::NoSuchObject => Exit::NotFound,
        kind if kind.is_retriable() => Exit::Unavailable,
        _ => Exit::Failed,
    };
    (exit, step(problem.kind))
}

/// Whether the detail has AWS's words, and not a request's or a text's.
fn is_about_aws(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::AttributesUnavailable
            | ProblemKind::DescriptionUnavailable
            | ProblemKind::ForbiddenObject
            | ProblemKind::StorageUnavailable
    )
}

fn step(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::AttributesUnavailable | ProblemKind::AttributesTimedOut => {
            Some("`lookbook doctor` looks at the endpoint; then run the same command again")
        }
        ProblemKind::DescriptionUnavailable | ProblemKind::DescriptionTimedOut => {
            Some("`lookbook doctor` looks at the models; --model names others")
        }
        ProblemKind::StorageUnavailable | ProblemKind::StorageTimedOut => {
            Some("`lookbook doctor` looks at the bucket; then run the same command again")
        }
        ProblemKind::ListingUnreadable => {
            Some("run the same command again: a model does not write the same twice")
        }
        ProblemKind::InvalidPhoto => Some("give a whole JPEG, PNG or WebP file"),
        ProblemKind::NothingRecognised | ProblemKind::NothingCertain => {
            Some("`lookbook ask --all` shows what the endpoint answers")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: ProblemKind, detail: &str) -> (Exit, &'static str) {
        let (exit, step) = of_problem(&Problem::new(kind, detail));
        (exit, step.unwrap_or_default())
    }

    #[test]
    fn what_aws_said_decides_and_the_kind_where_it_said_nothing_of_that() {
        let (exit, step) = of(
            ProblemKind::AttributesUnavailable,
            "the endpoint blip2 refused the request: AccessDeniedException (request id r-1): no",
        );
        assert_eq!(exit, Exit::Denied);
        assert!(step.contains("policy"), "{step}");
        let (exit, step) = of(ProblemKind::AttributesUnavailable, "connection refused");
        assert_eq!(exit, Exit::Unavailable);
        assert!(step.contains("lookbook doctor"), "{step}");
        // A request may have any words.
        let said = "unknown attribute \"AccessDenied\"";
        assert_eq!(of(ProblemKind::UnknownAttribute, said).0, Exit::Failed);
        assert_eq!(of(ProblemKind::NoSuchObject, "").0, Exit::NotFound);
        assert_eq!(
            of(ProblemKind::DescriptionTimedOut, "").0,
            Exit::Unavailable
        );
    }

    #[test]
    fn an_endpoint_that_wants_a_component_and_one_that_sleeps_are_told_apart() {
        let failure = |said: &str| {
            let what = format!("InvokeEndpoint a: ValidationError: {said} (request id r-1)");
            about_component(Failure::new(Exit::Failed, what).next("before"))
        };
        let wants = failure(
            "Inference Component Name header is required for endpoints to which you plan to \
             deploy inference components.",
        );
        assert_eq!(wants.exit, Exit::Usage);
        let step = wants.next_step.unwrap();
        assert!(step.contains("--inference-component"), "{step}");
        let sleeps = failure("Inference Component has no capacity to process this request.");
        assert_eq!(sleeps.exit, Exit::Unavailable);
        assert!(sleeps.next_step.unwrap().contains("wakes it up"));
        let other = failure("Endpoint a of account 1 not found.");
        assert_eq!(other.exit, Exit::Failed);
        assert_eq!(other.next_step.as_deref(), Some("before"));
    }
}

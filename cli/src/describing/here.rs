//! A product described in this process, by the function's own domain.

use std::time::Duration;

use describe_product::domain::{
    Deadline, DescribeRequest, PhotoSource, Services, describe_product,
};
use describe_product::problem::Problem;
use serde_json::{Value, json};

use super::{Trouble, Wanted};
use crate::context::Context;
use crate::next_step;
use crate::photographs::Photograph;

/// Describes the product of one photograph.
///
/// # Errors
/// Why there is no description, with what is known all the same.
pub async fn describe(
    services: &Services,
    photograph: &Photograph,
    wanted: &Wanted,
    timeout: Duration,
    context: &Context,
) -> Result<Value, Trouble> {
    let request = DescribeRequest {
        product_id: photograph.product_id(),
        photo: PhotoSource::Bytes(photograph.read(context).await?),
        category: wanted.category.clone(),
        attributes: wanted.attributes.clone(),
        format: wanted.format,
    };
    let outcome = describe_product(services, request, Deadline::after(timeout)).await;
    outcome
        .map(|product| json!(product))
        .map_err(|error| trouble(error.into()))
}

fn trouble(problem: Problem) -> Trouble {
    let (exit, next) = next_step::of_problem(&problem);
    Trouble {
        members: Box::new(problem.extensions),
        next: next.map(str::to_owned),
        ..Trouble::new(problem.kind.slug(), problem.detail, exit)
    }
}

#[cfg(test)]
mod tests {
    use describe_product::problem::ProblemKind;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_problem_keeps_its_kind_and_says_whether_to_try_again() {
        let of = |kind| trouble(Problem::new(kind, "why"));
        let late = of(ProblemKind::AttributesTimedOut);
        assert_eq!(late.exit, Exit::Unavailable);
        assert_eq!(late.kind, "attributes-timed-out");
        assert_eq!(late.detail, "why");
        assert!(late.next.unwrap().contains("lookbook doctor"));
        assert_eq!(of(ProblemKind::InvalidPhoto).exit, Exit::Failed);
    }
}

//! The result of a product, which never takes a shop's text away for one that it can't use.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{MAX_RESULT_BYTES, place, reason_to_skip};
use crate::domain::{Deadline, ObjectAddress, ProductDescription, SourceMark, StoreError};
use crate::entrypoints::App;
use crate::entrypoints::delivery::Delivery;
use crate::entrypoints::place::{Changed, Found, Place, Step};
use crate::problem::{Problem, ProblemKind};

/// Why a result is left as it is.
pub enum Left {
    /// It needs no other one, for this reason.
    Needless(&'static str),
    /// It has a text, and the new one has none: that is held or dropped.
    HasText,
}

/// Stores what a product came to over what was `found`. A text that is held or dropped never
/// takes the place of one that a shop has, whatever photo or settings that is of.
pub async fn store_result(
    app: &App,
    result: &ObjectAddress,
    product: &ProductDescription,
    found: Option<Found>,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<Changed<Left>, StoreError> {
    let has_text = product.description.is_some();
    let text = contents(product, delivery.source);
    let step = |found: Option<&Found>| {
        let stored = found.map(|found| &found.stored);
        if let Some(reason) = reason_to_skip(stored, delivery.source) {
            return Step::Leave(Left::Needless(reason));
        }
        if !has_text && found.is_some_and(is_with_text) {
            return Step::Leave(Left::HasText);
        }
        Step::Write(text.clone())
    };
    let place = place(app, result, deadline);
    if has_text {
        return place.write_over(found, Some(delivery.source), step).await;
    }
    // `found` has no content (`place` reads none), so look again with it.
    let with_content = Place {
        max_bytes: Some(MAX_RESULT_BYTES),
        ..place
    };
    with_content.write(Some(delivery.source), step).await
}

/// Whether a result has a text for the shop, neither held nor dropped.
fn is_with_text(result: &Found) -> bool {
    let content = serde_json::from_slice::<Value>(&result.content);
    content.is_ok_and(|content| content["description"].is_string())
}

/// A text that is held or dropped, as the failure that it is where an older one stays. The
/// members are those of the result that would have been stored: what is known of the product,
/// what is wrong with the text, the text itself where it is held, and what it took.
pub fn unfaithful(product: &ProductDescription) -> Problem {
    let fate = if product.held_description.is_some() {
        "held for a person to look at, here as held_description"
    } else {
        "dropped"
    };
    let mut problem = Problem::new(
        ProblemKind::DescriptionUnfaithful,
        format!(
            "the text has faults also after it was to be mended, and is {fate} \
             (UNFAITHFUL_DESCRIPTIONS); the older description stays"
        ),
    );
    if let Value::Object(members) = json!(product) {
        let is_of_result = |name: &str| ["product_id", "description"].contains(&name);
        let others = members.into_iter().filter(|(name, _)| !is_of_result(name));
        problem.extensions = others.collect();
    }
    problem
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

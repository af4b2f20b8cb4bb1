//! Work for which nobody waits: the result of a product is stored.

mod result;

use std::ops::ControlFlow;

use bytes::Bytes;
use serde_json::{Value, json};

use self::result::{Left, store_result, unfaithful};
use super::App;
use super::claims::{self, Claim};
use super::delivery::{Delivery, object_key, object_name};
use super::failures::{self, Known};
use super::place::{Changed, Found, Place, Step};
use super::upload::Work;
use crate::domain::{
    Deadline, DescribeError, DescribeRequest, ObjectAddress, SourceMark, Standing, StoreError,
    Stored, describe_product, digest,
};
use crate::problem::Problem;
use crate::telemetry::Worked;

/// Why a product is passed over whose photo was found unusable before.
pub const UNUSABLE_PHOTO: &str = "its photo can't be used, as is on record";

/// Why a product is passed over whose text was held or dropped before, beside an older one.
pub const UNFAITHFUL_TEXT: &str = "its text has faults, as is on record";

/// Why a product is passed over whose result lies there.
const DESCRIBED: &str = "described already";
/// Why an event is passed over whose photo is no more what it tells of.
pub const REPLACED: &str = "its photo was replaced since";

/// The most bytes of a result that is read: to be marked anew, or for whether it has a text.
const MAX_RESULT_BYTES: u64 = 4 * 1024 * 1024;

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

/// What is done first about a product that is to be described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// It is looked whether it is done already, as it may be.
    Look,
    /// It is claimed, since it is likely to be new: that makes one look enough, the one after
    /// which nobody else works on it.
    Claim,
}

/// Describes a product and stores the result at `<OUTPUT_PREFIX><product_id>.json`
/// in `OUTPUT_BUCKET`, or in `bucket` where that is not set. Nothing is done where
/// the result that lies there was made from `source` with these settings, from the same
/// photo or from something later, or where an upload was replaced since. What fails leaves a
/// record, and so does a text that is held or dropped while an older one lies there, which
/// stays; it is an error where trying again may help.
pub async fn describe_and_store(
    app: &App,
    product_id: String,
    request: DescribeRequest,
    bucket: &str,
    source: SourceMark,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let work = Work {
        product_id,
        bucket: bucket.to_owned(),
        request,
        source,
    };
    do_work(app, work, First::Look, deadline).await
}

/// The same of a product as work, with what is done `first`.
pub async fn do_work(
    app: &App,
    work: Work,
    first: First,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let Work {
        product_id,
        bucket,
        request,
        source,
    } = work;
    let name = object_name(app, &product_id);
    let result = result_address(app, &bucket, &product_id);
    let source = marked(app, &request, source);
    let delivery = Delivery {
        product_id: Some(&product_id),
        name: &name,
        bucket: &result.bucket,
        source: &source,
        request: failures::summary(&request),
    };
    let request = DescribeRequest {
        product_id: Some(product_id.clone()),
        ..request
    };
    let mut claim = None;
    let outcome = describe_or_settle(
        app, &result, &delivery, request, first, &mut claim, deadline,
    )
    .await;
    // Last of all, so that whoever waits for it finds what came of the work.
    if let Some(claim) = claim {
        claim.release(app, deadline).await;
    }
    outcome
}

async fn describe_or_settle(
    app: &App,
    result: &ObjectAddress,
    delivery: &Delivery<'_>,
    request: DescribeRequest,
    first: First,
    claim: &mut Option<Claim>,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let problem = match describe_once(app, result, delivery, request, first, claim, deadline).await
    {
        Ok(outcome) => return Ok(outcome),
        Err(problem) => problem,
    };
    let settled = failures::settle(app, delivery, problem, deadline).await;
    // Another delivery may have succeeded meanwhile. Whoever fails writes its record
    // and looks for a result, whoever succeeds writes the result and looks for a
    // record, so that one of them sees the other.
    match app.services.store.look(result, deadline).await {
        Ok(stored) => match done(stored.as_ref(), delivery.source) {
            Some(reason) => {
                if is_of_same_photo(stored.as_ref(), delivery.source) {
                    mark_anew(app, result, delivery, deadline).await?;
                }
                failures::clear(app, delivery, deadline).await?;
                Ok(Outcome::Skipped(reason))
            }
            None => settled,
        },
        // Whether the record may stay is not known: it comes again.
        Err(error) => settled.and_then(|_| Err(error.into())),
    }
}

/// Why there is nothing to do about a photo, as for a delivery of it.
pub async fn done_already(
    app: &App,
    work: &Work,
    deadline: Deadline,
) -> Result<Option<&'static str>, StoreError> {
    let result = result_address(app, &work.bucket, &work.product_id);
    let source = marked(app, &work.request, work.source.clone());
    let name = object_name(app, &work.product_id);
    let delivery = Delivery {
        product_id: Some(&work.product_id),
        name: &name,
        bucket: &result.bucket,
        source: &source,
        request: Value::Null,
    };
    let stored = app.services.store.look(&result, deadline);
    let failure = failures::look_up(app, &delivery, deadline);
    let (stored, failure) = tokio::join!(stored, failure);
    Ok(needless(stored?.as_ref(), failure.as_ref(), &source))
}

/// Where the result of a product goes whose photo is in `bucket`.
fn result_address(app: &App, bucket: &str, product_id: &str) -> ObjectAddress {
    let settings = &app.settings;
    let bucket = settings.output_bucket.as_deref().unwrap_or(bucket);
    ObjectAddress {
        bucket: bucket.to_owned(),
        key: object_key(&settings.output_prefix, &object_name(app, product_id)),
    }
}

/// What a result is made from, with the settings by which it is made, the request's own
/// wishes among them.
fn marked(app: &App, request: &DescribeRequest, source: SourceMark) -> SourceMark {
    let mut settings = app.settings.mark(request.format);
    if request.category.is_some() || request.attributes.is_some() {
        let wishes = json!([request.category, request.attributes]).to_string();
        settings = digest([settings.as_bytes(), wishes.as_bytes()]);
    }
    SourceMark {
        settings: Some(settings),
        ..source
    }
}

async fn describe_once(
    app: &App,
    result: &ObjectAddress,
    delivery: &Delivery<'_>,
    request: DescribeRequest,
    first: First,
    claim: &mut Option<Claim>,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    // What fails here must leave the time to write that down, too.
    let work_deadline = deadline.of_work();
    let is_claiming = app.settings.claims_products;
    let mut is_to_claim = is_claiming && first == First::Claim;
    let found = loop {
        if is_to_claim {
            *claim = claims::take(app, delivery, work_deadline, deadline).await?;
            if claim.is_none() {
                claims::wait(app, delivery, work_deadline).await?;
            }
        }
        // Whoever had the claim before may have done the work.
        let found = match look(app, result, delivery, work_deadline).await? {
            ControlFlow::Break(reason) => return Ok(Outcome::Skipped(reason)),
            ControlFlow::Continue(found) => found,
        };
        is_to_claim = is_claiming && claim.is_none();
        if !is_to_claim {
            break found;
        }
    };
    let product = match describe_product(&app.services, request, work_deadline).await {
        // The event of the photo that lies there comes by itself.
        Err(DescribeError::Store(StoreError::Changed { .. })) if delivery.source.is_of_upload() => {
            return Ok(Outcome::Skipped(REPLACED));
        }
        described => described?,
    };
    let left = match store_result(app, result, &product, found, delivery, deadline).await? {
        Changed::Written(_) => None,
        Changed::Left(Left::Needless(reason)) => Some(reason),
        // That is a failure, of which a record tells.
        Changed::Left(Left::HasText) => return Err(unfaithful(&product)),
    };
    failures::clear(app, delivery, deadline).await?;
    Ok(left.map_or_else(|| Outcome::Written(result.clone()), Outcome::Skipped))
}

/// Looks what there is of a product: why there is nothing to do about it, or else the result
/// that lies there, of something else or made otherwise, if there is one.
async fn look(
    app: &App,
    result: &ObjectAddress,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<ControlFlow<&'static str, Option<Found>>, Problem> {
    let place = place(app, result, deadline);
    let failure = failures::look_up(app, delivery, deadline);
    let (found, failure) = tokio::join!(place.find(), failure);
    let found = found?;
    let stored = found.as_ref().map(|found| &found.stored);
    if is_of_same_photo(stored, delivery.source) {
        mark_anew(app, result, delivery, deadline).await?;
    }
    if failure.is_some() && done(stored, delivery.source).is_some() {
        failures::clear(app, delivery, deadline).await?;
    }
    let reason = needless(stored, failure.as_ref(), delivery.source);
    Ok(match reason {
        Some(reason) => ControlFlow::Break(reason),
        None => ControlFlow::Continue(found),
    })
}

/// Why there is nothing to do about a photo: its result lies there, or a later one's, or it is
/// on record that it can't be described. That its text was held or dropped is a failure only
/// beside an older one: where that is gone, such a result is stored.
fn needless(
    stored: Option<&Stored>,
    failure: Option<&Known>,
    source: &SourceMark,
) -> Option<&'static str> {
    done(stored, source).or_else(|| {
        let reason = failure?.final_reason(source)?;
        (stored.is_some() || reason != UNFAITHFUL_TEXT).then_some(reason)
    })
}

/// Where the result lies or goes, whose content does not matter.
fn place<'a>(app: &'a App, result: &'a ObjectAddress, deadline: Deadline) -> Place<'a> {
    Place {
        store: app.services.store.as_ref(),
        address: result,
        max_bytes: None,
        deadline,
    }
}

/// Why the result that lies there makes work needless: it needs no other one, or it is of the
/// same photo, of which somebody else told.
fn done(stored: Option<&Stored>, source: &SourceMark) -> Option<&'static str> {
    reason_to_skip(stored, source).or(is_of_same_photo(stored, source).then_some(DESCRIBED))
}

/// Why the result that lies there needs no other one.
fn reason_to_skip(stored: Option<&Stored>, source: &SourceMark) -> Option<&'static str> {
    match stored?.standing(source) {
        Standing::Same => Some(DESCRIBED),
        Standing::Later => Some("a later one is described already"),
        Standing::SamePhoto | Standing::Other => None,
    }
}

fn is_of_same_photo(stored: Option<&Stored>, source: &SourceMark) -> bool {
    stored.is_some_and(|stored| stored.standing(source) == Standing::SamePhoto)
}

/// Has the result of the same photo say that it is of this delivery, so that what comes late
/// is told from what comes next.
async fn mark_anew(
    app: &App,
    result: &ObjectAddress,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<(), StoreError> {
    let place = Place {
        max_bytes: Some(MAX_RESULT_BYTES),
        ..place(app, result, deadline)
    };
    let step = |found: Option<&Found>| match found.and_then(|found| renewed(found, delivery)) {
        Some(text) => Step::Write(text),
        None => Step::Leave(()),
    };
    place.write(Some(delivery.source), step).await?;
    Ok(())
}

/// The result with another source; nothing where it is of another photo, or can't be read.
fn renewed(found: &Found, delivery: &Delivery<'_>) -> Option<Bytes> {
    if !is_of_same_photo(Some(&found.stored), delivery.source) {
        return None;
    }
    let mut result: Value = serde_json::from_slice(&found.content).ok()?;
    let members = result.as_object_mut()?;
    members.insert("source".to_owned(), delivery.source.to_json());
    Some(result.to_string().into())
}

#[cfg(test)]
mod tests;

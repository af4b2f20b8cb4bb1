//! What could not be described is kept: a record each, beside the results, until
//! the product is described.

mod record;

use std::time::SystemTime;

use serde_json::{Value, json};

use self::record::FailureRecord;
use super::App;
use super::delivery::{Delivery, object_name};
use super::message::MessageId;
use super::place::{Found, Place, Step};
use super::stored::{Outcome, UNFAITHFUL_TEXT, UNUSABLE_PHOTO};
use crate::domain::{
    Deadline, DescribeRequest, Format, ObjectAddress, PhotoSource, SourceMark, Standing,
    StoreError, Stored, excerpt,
};
use crate::problem::{Problem, ProblemKind};

/// The most bytes of a record that is read.
const MAX_RECORD_BYTES: u64 = 1024 * 1024;
/// What stands before the id of a message that names no product.
const MESSAGES: &str = "messages/";

/// A record that was found.
pub struct Known {
    stored: Stored,
    /// Nothing where it can't be read.
    record: Option<FailureRecord>,
}

impl Known {
    fn read(found: &Found) -> Known {
        Known {
            record: serde_json::from_slice(&found.content).ok(),
            stored: found.stored.clone(),
        }
    }

    /// Why just this delivery is not worked on again, whoever tries: its photo is no usable one,
    /// or its text was written and mended, and is held or dropped. Everything else may have been
    /// mended since. Such a text is paid for, so that it counts for another delivery about the
    /// same photo as well; that a photo is no usable one is seen anew for nothing, and the
    /// record then tells of the delivery that came last.
    pub fn final_reason(&self, source: &SourceMark) -> Option<&'static str> {
        let record = self.record.as_ref()?;
        let is_same = self.stored.standing(source) == Standing::Same;
        // An event about the photo of a message that was sent after it is earlier, and is done
        // with all the same.
        let of_same_work = |known: &SourceMark| known.is_of_same_work(source);
        let is_of_same_photo = self.stored.source.as_ref().is_some_and(of_same_work);
        let reasons = [
            (ProblemKind::InvalidPhoto, UNUSABLE_PHOTO, is_same),
            (
                ProblemKind::DescriptionUnfaithful,
                UNFAITHFUL_TEXT,
                is_same || is_of_same_photo,
            ),
        ];
        let mut reasons = reasons.into_iter();
        let found = reasons.find(|(kind, _, applies)| *applies && record.is_of(*kind));
        found.map(|(_, reason, _)| reason)
    }
}

/// What a record may say of a request.
pub fn summary(request: &DescribeRequest) -> Value {
    let photo = match &request.photo {
        PhotoSource::Object(address) => address.to_string(),
        PhotoSource::State(state) => state.address.to_string(),
        PhotoSource::Bytes(bytes) => format!("{} bytes in the message", bytes.len()),
    };
    let attributes = request.attributes.as_ref().map(|names| {
        let names = names.iter().map(|name| excerpt(name));
        names.collect::<Vec<String>>()
    });
    json!({
        "photo": photo,
        "category": request.category.as_deref().map(excerpt),
        "attributes": attributes,
        "format": request.format.map(Format::name)
    })
}

/// The record about a product, if there is one. Where that can't be found out, the
/// work is not held up by it.
pub async fn look_up(app: &App, delivery: &Delivery<'_>, deadline: Deadline) -> Option<Known> {
    let address = delivery.object(&app.settings.failure_prefix);
    match place(app, &address, deadline).find().await {
        Ok(found) => found.as_ref().map(Known::read),
        Err(error) => {
            tracing::warn!(record = %address, %error, "whether it failed before is not known");
            None
        }
    }
}

fn place<'a>(app: &'a App, address: &'a ObjectAddress, deadline: Deadline) -> Place<'a> {
    Place {
        store: app.services.store.as_ref(),
        address,
        max_bytes: Some(MAX_RECORD_BYTES),
        deadline,
    }
}

/// Takes the record away of a product that is described now, unless it is about
/// something later, which another message about the same photo is not. Where that can't be
/// done the delivery has to come again, or the record would stay for good; the work is not
/// done again for it.
pub async fn clear(
    app: &App,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<(), StoreError> {
    let address = delivery.object(&app.settings.failure_prefix);
    let is_done_too = |source: &SourceMark| source.is_of_same_work(delivery.source);
    let is_later = |stored: &Stored| {
        stored.standing(delivery.source) == Standing::Later
            && !stored.source.as_ref().is_some_and(is_done_too)
    };
    if place(app, &address, deadline).clear(is_later).await? {
        tracing::info!(record = %address, "described after all");
    }
    Ok(())
}

/// Keeps why something is not described. What can't succeed later is done with
/// that; all else is an error, so that it is delivered again, and so is what could
/// not be kept.
pub async fn settle(
    app: &App,
    delivery: &Delivery<'_>,
    problem: Problem,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let record = delivery.object(&app.settings.failure_prefix);
    if let Err(error) = keep(app, &record, delivery, &problem, deadline).await {
        tracing::error!(%record, %error, "a failure could not be kept");
        return Err(problem);
    }
    if problem.kind.is_retriable() {
        return Err(problem);
    }
    Ok(Outcome::Failed { record, problem })
}

/// The same for a message that is no request. Its record goes into `OUTPUT_BUCKET`, or where
/// that is not set into `bucket`, that of the photo which it names. Without both there is no place
/// for it, and it is delivered again until its queue keeps it.
pub async fn settle_message(
    app: &App,
    message: &MessageId,
    product_id: Option<&str>,
    bucket: Option<&str>,
    problem: Problem,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let Some(bucket) = app.settings.output_bucket.as_deref().or(bucket) else {
        return Err(problem);
    };
    let name = match product_id {
        Some(product_id) => object_name(app, product_id).into_owned(),
        None => format!("{MESSAGES}{}", message.id),
    };
    let delivery = Delivery {
        product_id,
        name: &name,
        bucket,
        source: &message.mark(),
        request: Value::Null,
    };
    settle(app, &delivery, problem, deadline).await
}

async fn keep(
    app: &App,
    address: &ObjectAddress,
    delivery: &Delivery<'_>,
    problem: &Problem,
    deadline: Deadline,
) -> Result<(), StoreError> {
    let step = |found: Option<&Found>| {
        let known = found.map(Known::read);
        let standing = found.map(|found| found.stored.standing(delivery.source));
        if standing == Some(Standing::Later) {
            return Step::Leave(());
        }
        // Waiting is no try: what whoever did the work has said of it says more.
        let is_of_same_work = matches!(standing, Some(Standing::Same | Standing::SamePhoto));
        if problem.kind == ProblemKind::WorkInProgress && is_of_same_work {
            return Step::Leave(());
        }
        let before = known
            .as_ref()
            .filter(|_| standing == Some(Standing::Same))
            .and_then(|known| known.record.as_ref());
        let record = FailureRecord::after(before, delivery, problem, SystemTime::now());
        Step::Write(json!(record).to_string().into())
    };
    place(app, address, deadline)
        .write(Some(delivery.source), step)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;

//! A request of one's own in a queue or a topic: the JSON of a direct invocation,
//! whose result is stored, because nobody waits for it.

use serde_json::Value;

use super::message::MessageId;
use super::request_body::{RequestBody, invalid, product_id_of, unreadable};
use super::stored::{Outcome, describe_and_store};
use super::{App, failures, upload};
use crate::domain::{
    Deadline, DescribeRequest, ObjectAddress, ObjectState, PhotoSource, SourceMark, Stored,
    photo_digest,
};
use crate::problem::Problem;
use crate::telemetry::{About, follow};

/// What a message asks for.
struct Task {
    product_id: String,
    request: DescribeRequest,
    /// The bucket of the result.
    bucket: String,
}

/// A message that asks for nothing.
struct Refused {
    problem: Problem,
    /// The bucket of the photo that it names, where it names one.
    bucket: Option<String>,
}

/// Describes the product of the message and stores the result under its name, and says in
/// the log what came of it. A message that is delivered twice is worked on once, and one
/// that is late does not replace the result of one that was sent later. One that asks for
/// what lies there, because the same photo was described by the same settings, is passed over.
pub async fn handle(
    app: &App,
    message: &MessageId,
    body: Value,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let named = product_id_of(&body).map(str::to_owned);
    let bucket = bucket_of(&body);
    let task = read(app, body).map_err(|problem| Refused { problem, bucket });
    let product_id = match &task {
        Ok(task) => Some(task.product_id.clone()),
        Err(_) => named,
    };
    let about = About {
        source: Some(&message.id),
        product_id: product_id.as_deref(),
    };
    let work = work_off(app, message, task, about.product_id, deadline);
    follow(about, work).await
}

async fn work_off(
    app: &App,
    message: &MessageId,
    task: Result<Task, Refused>,
    named: Option<&str>,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    match task {
        Ok(Task {
            product_id,
            request,
            bucket,
        }) => {
            // A look that hangs must leave the time to write that down, too.
            let request = with_state(app, request, deadline.of_work()).await;
            let source = SourceMark {
                photo: photo_digest(&request.photo),
                ..message.mark()
            };
            describe_and_store(app, product_id, request, &bucket, source, deadline).await
        }
        Err(Refused { problem, bucket }) => {
            let bucket = bucket.as_deref();
            failures::settle_message(app, message, named, bucket, problem, deadline).await
        }
    }
}

/// The bucket of the photo in the JSON of a request, also of one that is wrong otherwise.
fn bucket_of(body: &Value) -> Option<String> {
    let uri = body.get("image")?.get("s3_uri")?.as_str()?;
    let photo: ObjectAddress = uri.parse().ok()?;
    Some(photo.bucket)
}

/// The request with the state in which its photo is now, so that a photo which is described
/// already is known, whoever told of it. Where that can't be found out, what is wrong is said
/// when the photo is read.
async fn with_state(app: &App, request: DescribeRequest, deadline: Deadline) -> DescribeRequest {
    let PhotoSource::Object(address) = &request.photo else {
        return request;
    };
    match app.services.store.look(address, deadline).await {
        Ok(Some(Stored { version, .. })) => {
            let state = ObjectState {
                address: address.clone(),
                etag: version.0.trim_matches('"').to_owned(),
            };
            DescribeRequest {
                photo: PhotoSource::State(state),
                ..request
            }
        }
        Ok(None) | Err(_) => request,
    }
}

fn read(app: &App, body: Value) -> Result<Task, Problem> {
    let body: RequestBody = serde_json::from_value(body).map_err(|error| unreadable(&error))?;
    let request = DescribeRequest::try_from(body)?;
    let bucket = match (&app.settings.output_bucket, request.photo.address()) {
        (Some(bucket), _) => bucket.clone(),
        (None, Some(photo)) => photo.bucket.clone(),
        (None, None) => {
            return Err(invalid(
                "there is no bucket for the result of a photo that is in the message itself: set \
                 OUTPUT_BUCKET, or send image.s3_uri",
            ));
        }
    };
    let Some(product_id) = product_id(app, &request) else {
        return Err(invalid(
            "a message needs a product_id, which names its result, unless its photo is in S3 \
             under INCOMING_PREFIX",
        ));
    };
    Ok(Task {
        product_id,
        request,
        bucket,
    })
}

/// The name in the request, else that of its incoming photo.
fn product_id(app: &App, request: &DescribeRequest) -> Option<String> {
    let of_photo = || {
        let photo = request.photo.address()?;
        upload::product_id(&app.settings.incoming_prefix, &photo.key).map(str::to_owned)
    };
    request.product_id.clone().or_else(of_photo)
}

#[cfg(test)]
mod tests;

//! S3's notifications: a photo has arrived, its description is stored.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use futures::StreamExt;
use lambda_runtime::Diagnostic;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use crate::domain::{
    Deadline, DescribeRequest, ObjectAddress, PhotoSource, SourceMark, describe_product,
};
use crate::problem::Problem;
use crate::settings::Settings;

/// The most photos of one event under way at a time.
const CONCURRENCY: usize = 4;
/// The file name extensions of photos, in lower case.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The part of a record that the function reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Record {
    event_name: String,
    s3: S3Entity,
}

#[derive(Clone, Debug, Deserialize)]
struct S3Entity {
    bucket: S3Bucket,
    object: S3Object,
}

#[derive(Clone, Debug, Deserialize)]
struct S3Bucket {
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct S3Object {
    /// URL-encoded, a space as `+`.
    key: String,
    #[serde(rename = "eTag")]
    etag: Option<String>,
    sequencer: Option<String>,
}

/// The photos of an event that are not described. The whole event is delivered
/// again then; what is stored already is not done twice.
#[derive(Debug, PartialEq)]
pub struct S3Error {
    failures: Vec<(String, Problem)>,
}

impl From<S3Error> for Diagnostic {
    fn from(error: S3Error) -> Diagnostic {
        let reasons: Vec<String> = error
            .failures
            .into_iter()
            .map(|(key, problem)| format!("{key}: {}", Diagnostic::from(problem).error_message))
            .collect();
        Diagnostic {
            error_type: "s3-records-failed".to_owned(),
            error_message: format!("not described: {}", reasons.join("; ")),
        }
    }
}

/// Describes every photo of the event, also after one has failed. The answer
/// lists the keys of the results that were written, and the photos passed over.
pub async fn handle(
    app: &App,
    records: Vec<S3Record>,
    deadline: Deadline,
) -> Result<Value, S3Error> {
    let outcomes: Vec<(String, Result<Outcome, Problem>)> = futures::stream::iter(records)
        .map(|record| async move {
            let key = decoded_key(&record.s3.object.key);
            let outcome = handle_record(app, &key, record, deadline).await;
            (key, outcome)
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;

    let (mut written, mut skipped, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (key, outcome) in outcomes {
        match outcome {
            Ok(Outcome::Written(result)) => written.push(result.to_string()),
            Ok(Outcome::Skipped(reason)) => {
                tracing::info!(key, reason, "passed over");
                skipped.push(key);
            }
            Err(problem) => {
                tracing::error!(key, detail = problem.detail, "not described");
                failures.push((key, problem));
            }
        }
    }
    if failures.is_empty() {
        Ok(json!({"written": written, "skipped": skipped}))
    } else {
        Err(S3Error { failures })
    }
}

enum Outcome {
    Written(ObjectAddress),
    Skipped(&'static str),
}

async fn handle_record(
    app: &App,
    key: &str,
    record: S3Record,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let S3Record { event_name, s3 } = record;
    if !event_name.starts_with("ObjectCreated:") {
        return Ok(Outcome::Skipped("no object was created"));
    }
    let Some(product_id) = product_id(&app.settings, key) else {
        return Ok(Outcome::Skipped("no incoming photo"));
    };
    let settings = &app.settings;
    let result = ObjectAddress {
        bucket: settings
            .output_bucket
            .clone()
            .unwrap_or_else(|| s3.bucket.name.clone()),
        key: format!("{}{product_id}.json", settings.output_prefix),
    };
    let source = SourceMark {
        key: key.to_owned(),
        etag: s3.object.etag,
        sequencer: s3.object.sequencer,
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
        product_id: Some(product_id.to_owned()),
        photo: PhotoSource::Object(ObjectAddress {
            bucket: s3.bucket.name,
            key: key.to_owned(),
        }),
        category: None,
        attributes: None,
    };
    let product = describe_product(&app.services, request, deadline).await?;
    store
        .write(
            &result,
            json!(product).to_string().into(),
            &source,
            deadline,
        )
        .await?;
    Ok(Outcome::Written(result))
}

/// Keys arrive as in a form: percent-encoded, spaces as `+`.
fn decoded_key(key: &str) -> String {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The product whose photo is at `key`: what stands between the incoming prefix
/// and the extension. Nothing where the key is no incoming photo.
fn product_id<'a>(settings: &Settings, key: &'a str) -> Option<&'a str> {
    let (product_id, extension) = key
        .strip_prefix(settings.incoming_prefix.as_str())?
        .rsplit_once('.')?;
    let is_photo = EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        && !product_id.is_empty()
        && !product_id.ends_with('/');
    is_photo.then_some(product_id)
}

#[cfg(test)]
mod tests;

//! S3's notifications: photos have arrived, their descriptions are stored.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::App;
use super::concurrently::each;
use super::report::{RecordsError, Report};
use super::upload::{self, Upload};
use crate::domain::{Deadline, read_time_ms};

/// The part of a record that the function reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Record {
    event_name: String,
    /// When S3 was done with the upload, as in `1970-01-01T00:00:00.000Z`.
    event_time: Option<String>,
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

impl From<S3Record> for Upload {
    fn from(record: S3Record) -> Upload {
        let S3Entity { bucket, object } = record.s3;
        Upload {
            is_there: record.event_name.starts_with("ObjectCreated:"),
            bucket: bucket.name,
            key: decoded_key(&object.key),
            etag: object.etag,
            sequencer: object.sequencer,
            at_ms: record.event_time.as_deref().and_then(read_time_ms),
        }
    }
}

/// The key of an object as S3's notifications and inventories write it, which is as in a form:
/// percent-encoded, spaces as `+`.
pub fn decoded_key(key: &str) -> String {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Describes every photo of the event, also after one has failed. The answer
/// lists the results that were written, and the keys of what was passed over.
pub async fn handle(
    app: &App,
    uploads: Vec<Upload>,
    deadline: Deadline,
) -> Result<Value, RecordsError> {
    let settings = &app.settings;
    let outcomes = each(
        uploads,
        settings.product_concurrency,
        deadline,
        |photo: Upload, deadline| async move {
            let key = photo.key.clone();
            let prefix = &settings.incoming_prefix;
            let outcome = upload::handle_news(app, photo, prefix, deadline).await;
            (key, outcome)
        },
    )
    .await;
    let mut report = Report::default();
    for (key, outcome) in outcomes {
        report.add(key, outcome);
    }
    report.into_answer("s3")
}

#[cfg(test)]
mod tests;

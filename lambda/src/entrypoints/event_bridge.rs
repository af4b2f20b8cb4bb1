//! S3's events as EventBridge delivers them: one object each.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>

use serde::Deserialize;

use super::upload::Upload;
use crate::domain::read_time_ms;

/// The part of the event that the function reads.
#[derive(Clone, Debug, Deserialize)]
pub struct S3Change {
    #[serde(rename = "detail-type")]
    detail_type: String,
    /// When it happened, to the second, as in `2021-11-12T00:00:00Z`.
    time: Option<String>,
    detail: Detail,
}

#[derive(Clone, Debug, Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Clone, Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Object {
    /// As it is: not URL-encoded, unlike in a notification of S3's own.
    key: String,
    etag: Option<String>,
    sequencer: Option<String>,
}

impl From<S3Change> for Upload {
    fn from(change: S3Change) -> Upload {
        let Detail { bucket, object } = change.detail;
        Upload {
            is_there: change.detail_type == "Object Created",
            bucket: bucket.name,
            key: object.key,
            etag: object.etag,
            sequencer: object.sequencer,
            at_ms: change.time.as_deref().and_then(read_time_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Deadline;
    use crate::entrypoints::message::MessageId;
    use crate::entrypoints::{handle_upload, own_message};
    use crate::fakes::Fakes;
    use crate::fakes::uploads::{PHOTO, RESULT, TIME};
    use serde_json::{Value, json};

    fn upload(detail_type: &str, object: Value) -> Upload {
        let event = json!({
            "version": "0",
            "detail-type": detail_type,
            "source": "aws.s3",
            "time": "2025-11-24T09:30:00Z",
            "detail": {"version": "0", "bucket": {"name": "catalogue"}, "object": object}
        });
        serde_json::from_value::<S3Change>(event).unwrap().into()
    }

    #[test]
    fn a_key_is_taken_as_it_is() {
        for key in [
            "incoming/a+b.jpg",
            "incoming/100% wool.jpg",
            "incoming/%2B.jpg",
        ] {
            let object =
                json!({"key": key, "size": 5, "etag": "e1", "sequencer": "617f08299329d189"});
            assert_eq!(
                upload("Object Created", object),
                Upload {
                    is_there: true,
                    bucket: "catalogue".into(),
                    key: key.into(),
                    etag: Some("e1".into()),
                    sequencer: Some("617f08299329d189".into()),
                    at_ms: Some(1_763_976_600_999),
                }
            );
        }
    }

    #[test]
    fn an_object_s_etag_and_sequencer_may_be_missing() {
        let upload = upload("Object Created", json!({"key": "incoming/1.jpg"}));
        assert_eq!((upload.etag, upload.sequencer), (None, None));
    }

    /// The upload is told to the second, and may have been before or after the message.
    #[tokio::test]
    async fn the_wishes_of_a_message_count_that_is_sent_within_the_second_of_the_upload() {
        let body = json!({"image": {"s3_uri": PHOTO}, "category": "dress"});
        let message = MessageId {
            channel: "sqs",
            id: "m1".to_owned(),
            sent: Some("1763976600500".to_owned()),
            came_before: false,
        };
        for (is_upload_first, calls) in [(true, 2), (false, 1)] {
            let fakes = Fakes::with_photo();
            let etag = fakes.store.etag(PHOTO).unwrap();
            let object = json!({"key": "incoming/7.jpg", "etag": etag, "sequencer": "01"});
            for turn in 0..4 {
                let deadline = Deadline::after(TIME);
                let outcome = if (turn % 2 == 0) == is_upload_first {
                    let photo = upload("Object Created", object.clone());
                    handle_upload(&fakes.app(), photo, "incoming/", deadline).await
                } else {
                    own_message::handle(&fakes.app(), &message, body.clone(), deadline).await
                };
                outcome.unwrap();
            }
            let source = fakes.store.json(RESULT)["source"].take();
            assert_eq!(source["etag"], "m1", "{source}");
            assert_eq!(fakes.calls(), calls);
        }
    }

    #[test]
    fn only_what_was_created_is_there() {
        for other in [
            "Object Deleted",
            "Object Restore Completed",
            "Object Tags Added",
        ] {
            assert!(
                !upload(other, json!({"key": "incoming/1.jpg"})).is_there,
                "{other}"
            );
        }
    }
}

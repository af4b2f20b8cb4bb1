//! The event message that S3 sends, version 2.1.
//!
//! Structure: Amazon S3 User Guide, "Event message structure".

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{Timestamp, TimestampFormat};
use serde::Serialize;

/// Left as they are in an event's key; all else is percent-encoded, a space becomes a plus.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// The principal that owns the local buckets and makes all requests.
const LOCAL_PRINCIPAL: &str = "LOCAL";

/// The request that brought an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreatedBy {
    /// PutObject, and the form upload of browsers.
    Put,
    /// CompleteMultipartUpload.
    CompleteMultipartUpload,
    /// CopyObject.
    Copy,
}

impl CreatedBy {
    fn event_name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::Copy => "ObjectCreated:Copy",
        }
    }
}

/// An object that has arrived completely.
#[derive(Clone, Debug)]
pub struct ObjectCreated {
    /// The request that brought it.
    pub by: CreatedBy,
    /// Its bucket.
    pub bucket: String,
    /// Its key, as it is: not URL-encoded.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub e_tag: String,
    /// The address that the request came from.
    pub source_ip_address: String,
    /// The request's `x-amz-request-id`.
    pub request_id: String,
    /// The request's `x-amz-id-2`.
    pub extended_request_id: String,
}

/// The body of a notification. `Records` is capitalised in the published form.
#[derive(Debug, Serialize)]
pub struct EventMessage {
    /// One record: S3 sends one a message.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// What happened to one object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    event_version: &'static str,
    event_source: &'static str,
    aws_region: String,
    event_time: String,
    event_name: &'static str,
    user_identity: Identity,
    request_parameters: RequestParameters,
    response_elements: ResponseElements,
    s3: S3Entity,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: &'static str,
}

#[derive(Debug, Serialize)]
struct RequestParameters {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: String,
}

#[derive(Debug, Serialize)]
struct ResponseElements {
    #[serde(rename = "x-amz-request-id")]
    request_id: String,
    #[serde(rename = "x-amz-id-2")]
    extended_request_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct S3Entity {
    s3_schema_version: &'static str,
    configuration_id: &'static str,
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bucket {
    name: String,
    owner_identity: Identity,
    arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    size: u64,
    e_tag: String,
    sequencer: String,
}

impl EventMessage {
    /// The message about an object that arrived in `region` just now.
    pub fn new(created: &ObjectCreated, region: &str, sequencer: &Sequencer) -> Self {
        let record = Record {
            event_version: "2.1",
            event_source: "aws:s3",
            aws_region: region.to_owned(),
            event_time: iso_8601(SystemTime::now()),
            event_name: created.by.event_name(),
            user_identity: Identity {
                principal_id: LOCAL_PRINCIPAL,
            },
            request_parameters: RequestParameters {
                source_ip_address: created.source_ip_address.clone(),
            },
            response_elements: ResponseElements {
                request_id: created.request_id.clone(),
                extended_request_id: created.extended_request_id.clone(),
            },
            s3: S3Entity {
                s3_schema_version: "1.0",
                configuration_id: "incoming-objects",
                bucket: Bucket {
                    name: created.bucket.clone(),
                    owner_identity: Identity {
                        principal_id: LOCAL_PRINCIPAL,
                    },
                    arn: format!("arn:aws:s3:::{}", created.bucket),
                },
                object: Object {
                    key: encode_key(&created.key),
                    size: created.size,
                    e_tag: created.e_tag.clone(),
                    sequencer: sequencer.next(),
                },
            },
        };
        Self {
            records: vec![record],
        }
    }
}

/// A key as it stands in an event: form-encoded, but for the slashes.
pub fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY)
        .to_string()
        .replace("%20", "+")
}

/// Makes hexadecimal numbers of 18 digits that grow with every call, also over restarts, so
/// that the later of two events about one key can be told.
#[derive(Debug, Default)]
pub struct Sequencer {
    last: AtomicU64,
}

impl Sequencer {
    fn next(&self) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let mut next = now_us;
        let advance = |last: u64| {
            next = now_us.max(last.saturating_add(1));
            Some(next)
        };
        // The closure always returns a value, so the update can't fail.
        let _ = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, advance);
        format!("{next:018X}")
    }
}

fn iso_8601(time: SystemTime) -> String {
    let mut text = Vec::new();
    match Timestamp::from(time).format(TimestampFormat::DateTime, &mut text) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => "1970-01-01T00:00:00.000Z".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_form_encoded_but_for_slashes() {
        assert_eq!(encode_key("incoming/38642.jpg"), "incoming/38642.jpg");
        assert_eq!(encode_key("incoming/a b+c.jpg"), "incoming/a+b%2Bc.jpg");
        assert_eq!(
            encode_key("incoming/größe (1)%20.png"),
            "incoming/gr%C3%B6%C3%9Fe+%281%29%2520.png"
        );
    }

    #[test]
    fn sequencers_grow_and_have_one_length() {
        let sequencer = Sequencer::default();
        let made: Vec<String> = (0..1000).map(|_| sequencer.next()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|text| text.len() == 18));
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let time = UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_250);
        assert_eq!(iso_8601(time), "2023-11-14T22:13:20.250Z");
    }
}

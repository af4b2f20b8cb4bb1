//! How photos are told of, in the form of each trigger: the sample events of
//! `events/` with other photos in them.

use anyhow::{Context, Result};
use local_stack::BUCKET;
use serde_json::{Value, json};

use super::channel::{Channel, Message};
use super::plan::{Plan, Version, product_id};
use super::queue::Received;

/// The first moment that events tell of, in milliseconds since 1970: 2025-11-24T09:30:00Z.
const FIRST_MS: u64 = 1_763_976_600_000;

/// How long after an upload somebody sends a message about it.
const SENT_AFTER_MS: u64 = 40;

/// Where S3's sequencers begin.
const FIRST_SEQUENCER: u64 = 0x0069_242A_58A1_0000;

/// A photo as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which one.
    pub version: Version,
    /// Its key.
    pub key: String,
    /// Its entity tag.
    pub etag: String,
    /// Its size in bytes.
    pub size: usize,
    /// When it was put there, in ms since the first moment.
    pub at_ms: u64,
}

/// The events that are filled in.
#[derive(Debug)]
pub struct Events {
    s3: Value,
    event_bridge: Value,
    sns: Value,
    /// SNS's envelope of a message in a queue.
    envelope: Value,
    /// A record of SQS.
    record: Value,
}

impl Events {
    /// Takes what is needed of the samples, which `sample` gives by their files' names.
    ///
    /// # Errors
    /// When one is missing, or not in its form.
    pub fn read(sample: impl Fn(&str) -> Result<Value>) -> Result<Events> {
        let envelope = sample("sqs-sns-s3.json")?;
        let envelope = envelope["Records"][0]["body"].as_str();
        let mut record = sample("sqs-own.json")?["Records"][0].take();
        if let Some(members) = record.as_object_mut() {
            // That of another body.
            members.remove("md5OfBody");
        }
        Ok(Events {
            s3: sample("s3-put.json")?,
            event_bridge: sample("event-bridge-s3.json")?,
            sns: sample("sns-s3.json")?,
            envelope: serde_json::from_str(envelope.context("a message without a body")?)?,
            record,
        })
    }

    /// The event of an asynchronous invocation.
    pub fn event(&self, channel: Channel, told: &Told) -> Value {
        match channel {
            Channel::Sns | Channel::SnsOwn => {
                let mut event = self.sns.clone();
                let message = &mut event["Records"][0]["Sns"];
                message["MessageId"] = json!(id_of(channel, told));
                message["Message"] = json!(self.inner(channel, told).to_string());
                message["Timestamp"] = json!(moment(told.at_ms + SENT_AFTER_MS));
                event
            }
            _ => self.inner(channel, told),
        }
    }

    /// The event of a batch of messages, each with the photo that it tells of.
    pub fn batch(&self, messages: &[(&Told, Received)]) -> Value {
        let records: Vec<Value> = messages
            .iter()
            .map(|(told, received)| {
                let Message { channel, .. } = received.message;
                let mut body = self.inner(channel, told);
                if channel == Channel::SqsSns {
                    let text = json!(body.to_string());
                    body = self.envelope.clone();
                    body["Message"] = text;
                    body["MessageId"] = json!(received.message.id());
                }
                let mut record = self.record.clone();
                record["messageId"] = json!(received.message.id());
                record["receiptHandle"] =
                    json!(format!("chaos-{}-{}", received.copy, received.receives));
                record["body"] = json!(body.to_string());
                let attributes = &mut record["attributes"];
                attributes["ApproximateReceiveCount"] = json!(received.receives.to_string());
                attributes["SentTimestamp"] = json!(sent_ms(told.at_ms).to_string());
                record
            })
            .collect();
        json!({"Records": records})
    }

    /// What is told, without what carries it.
    fn inner(&self, channel: Channel, told: &Told) -> Value {
        let Told {
            version,
            key,
            etag,
            size,
            at_ms,
        } = told;
        match channel {
            Channel::SqsOwn | Channel::SnsOwn => json!({
                "product_id": product_id(version.product),
                "image": {"s3_uri": format!("s3://{BUCKET}/{key}")}
            }),
            Channel::EventBridge | Channel::SqsEventBridge => {
                let mut event = self.event_bridge.clone();
                event["time"] = json!(second(*at_ms));
                event["detail"]["object"] = json!({
                    "key": key,
                    "size": size,
                    "etag": etag,
                    "sequencer": sequencer(*version)
                });
                event
            }
            Channel::S3 | Channel::Sns | Channel::SqsS3 | Channel::SqsSns => {
                let mut event = self.s3.clone();
                event["Records"][0]["eventTime"] = json!(moment(*at_ms));
                // Keys are URL-encoded here; ours have nothing to encode.
                event["Records"][0]["s3"]["object"] = json!({
                    "key": key,
                    "size": size,
                    "eTag": etag,
                    "sequencer": sequencer(*version)
                });
                event
            }
        }
    }
}

fn id_of(channel: Channel, told: &Told) -> String {
    let version = told.version;
    Message { channel, version }.id()
}

/// What results and records may say of the place of a version among those of its product: for
/// each way by which it is told of one.
pub fn places(plan: &Plan, version: Version) -> Vec<String> {
    let at_ms = plan.uploaded_ms(version);
    let channels = plan.products[version.product].channels();
    channels
        .map(|channel| place_of(channel, version, at_ms))
        .collect()
}

/// The same for one way: S3's sequencer, or when one's own message was sent.
pub fn place_of(channel: Channel, version: Version, at_ms: u64) -> String {
    match channel {
        Channel::SnsOwn => moment(at_ms + SENT_AFTER_MS),
        Channel::SqsOwn => sent_ms(at_ms).to_string(),
        _ => sequencer(version),
    }
}

/// A moment, told to the millisecond.
fn moment(at_ms: u64) -> String {
    format!(
        "2025-11-24T09:30:{:02}.{:03}Z",
        at_ms / 1_000,
        at_ms % 1_000
    )
}

/// The same, told to the second.
fn second(at_ms: u64) -> String {
    format!("2025-11-24T09:30:{:02}Z", at_ms / 1_000)
}

fn sent_ms(at_ms: u64) -> u64 {
    FIRST_MS + at_ms + SENT_AFTER_MS
}

fn sequencer(version: Version) -> String {
    format!("{:018X}", FIRST_SEQUENCER + version.order())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn told(number: u32) -> Told {
        Told {
            version: Version { product: 3, number },
            key: "incoming/chaos-00003.jpg".to_owned(),
            etag: "e".to_owned(),
            size: 5,
            at_ms: 1_000 + 250 * u64::from(number),
        }
    }

    #[test]
    fn every_channel_has_an_event_that_names_its_photo() {
        let samples = local_stack::repository().unwrap().join("events");
        let events = Events::read(|name| {
            let text = std::fs::read(samples.join(name))?;
            Ok(serde_json::from_slice(&text)?)
        });
        let events = events.unwrap();
        for channel in Channel::ALL {
            let told = told(1);
            let event = match channel.is_queue() {
                true => {
                    let received = Received {
                        copy: 1,
                        message: Message {
                            channel,
                            version: told.version,
                        },
                        receives: 2,
                    };
                    events.batch(&[(&told, received)])
                }
                false => events.event(channel, &told),
            };
            let text = event.to_string();
            assert!(text.contains("incoming/chaos-00003.jpg"), "{text}");
            assert!(!text.contains("drawn-"), "{text}");
        }
    }

    #[test]
    fn a_message_is_sent_after_the_upload_and_a_second_is_no_moment() {
        assert_eq!(moment(1_250), "2025-11-24T09:30:01.250Z");
        assert_eq!(second(1_250), "2025-11-24T09:30:01Z");
        assert_eq!(sent_ms(1_250), FIRST_MS + 1_290);
    }

    #[test]
    fn places_grow_with_the_version() {
        for channel in Channel::ALL {
            let places: Vec<String> = (1..4)
                .map(|number| place_of(channel, told(number).version, told(number).at_ms))
                .collect();
            assert!(places.is_sorted(), "{places:?}");
            assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 3);
        }
    }
}

//! How photos are told of, in the form of each trigger: the sample events of
//! `events/` with other photos in them.

use anyhow::{Context, Result};
use local_stack::BUCKET;
use serde_json::{Value, json};

use super::plan::{Channel, Version, product_id};
use super::queue::Received;

/// When the first message was sent, in milliseconds since 1970.
const FIRST_SENT_MS: u64 = 1_763_976_600_000;

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
                message["MessageId"] = json!(message_id(told.version));
                message["Message"] = json!(self.inner(channel, told).to_string());
                message["Timestamp"] = json!(published(told.version));
                event
            }
            _ => self.inner(channel, told),
        }
    }

    /// The event of a batch of messages, each with the channel that it came by.
    pub fn batch(&self, messages: &[(Channel, &Told, Received)]) -> Value {
        let records: Vec<Value> = messages
            .iter()
            .map(|(channel, told, received)| {
                let mut body = self.inner(*channel, told);
                if *channel == Channel::SqsSns {
                    let text = json!(body.to_string());
                    body = self.envelope.clone();
                    body["Message"] = text;
                    body["MessageId"] = json!(message_id(told.version));
                }
                let mut record = self.record.clone();
                record["messageId"] = json!(message_id(told.version));
                record["receiptHandle"] =
                    json!(format!("chaos-{}-{}", received.copy, received.receives));
                record["body"] = json!(body.to_string());
                let attributes = &mut record["attributes"];
                attributes["ApproximateReceiveCount"] = json!(received.receives.to_string());
                attributes["SentTimestamp"] = json!(sent_ms(told.version).to_string());
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
        } = told;
        match channel {
            Channel::SqsOwn | Channel::SnsOwn => json!({
                "product_id": product_id(version.product),
                "image": {"s3_uri": format!("s3://{BUCKET}/{key}")}
            }),
            Channel::EventBridge | Channel::SqsEventBridge => {
                let mut event = self.event_bridge.clone();
                event["time"] = json!(format!("2025-11-24T09:30:{:02}Z", version.number));
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
                event["Records"][0]["eventTime"] = json!(published(*version));
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

/// The id of the message about a version: the same for every delivery.
pub fn message_id(version: Version) -> String {
    format!(
        "{:08x}-0000-4000-8000-{:012x}",
        version.product, version.number
    )
}

/// What a result or a record says of the place of a version among those of its
/// product: S3's sequencer, or when one's own message was sent.
pub fn place_of(channel: Channel, version: Version) -> String {
    match channel {
        Channel::SnsOwn => published(version),
        Channel::SqsOwn => sent_ms(version).to_string(),
        _ => sequencer(version),
    }
}

fn published(version: Version) -> String {
    format!("2025-11-24T09:30:{:02}.000Z", version.number)
}

fn sent_ms(version: Version) -> u64 {
    FIRST_SENT_MS + version.order()
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
                        version: told.version,
                        receives: 2,
                    };
                    events.batch(&[(channel, &told, received)])
                }
                false => events.event(channel, &told),
            };
            let text = event.to_string();
            assert!(text.contains("incoming/chaos-00003.jpg"), "{text}");
            assert!(!text.contains("drawn-"), "{text}");
        }
    }

    #[test]
    fn places_grow_with_the_version() {
        for channel in Channel::ALL {
            let places: Vec<String> = (1..4)
                .map(|number| place_of(channel, told(number).version))
                .collect();
            assert!(places.is_sorted(), "{places:?}");
            assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 3);
        }
    }
}

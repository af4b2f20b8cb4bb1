//! The messages of queues and topics, in SNS's envelope or without: events of S3,
//! and requests of one's own.

use serde_json::Value;

use super::event::{self, Event, EventError};
use super::report::Report;
use super::request_body::invalid;
use super::upload::{self, Upload};
use super::{App, failures, json_error, own_message};
use crate::domain::{Deadline, SourceMark};
use crate::telemetry::{About, follow};

/// Which message it is: the same for each of its deliveries.
#[derive(Clone, Debug)]
pub struct MessageId {
    /// The kind of what it came through.
    pub channel: &'static str,
    /// Its id.
    pub id: String,
    /// When it was sent, in a form that grows with time and is the same for all
    /// messages of such a channel.
    pub sent: Option<String>,
    /// Whether it was delivered before, as far as the channel tells.
    pub came_before: bool,
}

impl MessageId {
    /// What its result says that it was made from.
    pub fn mark(&self) -> SourceMark {
        SourceMark::of_message(self.channel, &self.id, self.sent.as_deref())
    }
}

/// What a message is about.
pub enum Message {
    /// An event of S3, its own or through EventBridge.
    Photos(Vec<Upload>),
    /// What S3 sends once when a notification is set up.
    S3Test,
    /// The JSON of a direct invocation.
    Own(Value),
}

/// Reads a message's text. What SNS put into an envelope is taken out of it.
pub fn read(text: &str) -> Result<Message, EventError> {
    let message = without_envelope(parse("a queue or a topic", text)?)?;
    match event::recognise(message)? {
        Event::S3(uploads) => Ok(Message::Photos(uploads)),
        Event::S3Test => Ok(Message::S3Test),
        Event::Direct(body) => Ok(Message::Own(body)),
        _ => Err(EventError::NoMessage),
    }
}

/// SNS delivers to queues in an envelope, unless the subscription asks for raw
/// messages.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
fn without_envelope(message: Value) -> Result<Value, EventError> {
    const TRIGGER: &str = "SNS, inside another message";
    if message.get("TopicArn").is_none() {
        return Ok(message);
    }
    match message.get("Message").and_then(Value::as_str) {
        Some(text) => parse(TRIGGER, text),
        None => Err(EventError::Malformed {
            trigger: TRIGGER,
            reason: "it has no Message, or one that is no text".to_owned(),
        }),
    }
}

fn parse(trigger: &'static str, text: &str) -> Result<Value, EventError> {
    serde_json::from_str(text).map_err(|error| EventError::Malformed {
        trigger,
        reason: format!("its text is no JSON: {}", json_error::words(&error)),
    })
}

/// Does what a message says, and reports on each product in it.
pub async fn handle(app: &App, message: &MessageId, text: &str, deadline: Deadline) -> Report {
    let id = &message.id;
    let mut report = Report::default();
    match read(text) {
        Ok(Message::Photos(photos)) => {
            let total = photos.len();
            for (done, photo) in photos.into_iter().enumerate() {
                let key = photo.key.clone();
                let deadline = deadline.of_turn(total - done);
                let prefix = &app.settings.incoming_prefix;
                let outcome = if message.came_before {
                    upload::handle(app, photo, prefix, deadline).await
                } else {
                    upload::handle_news(app, photo, prefix, deadline).await
                };
                report.add(key, outcome);
            }
        }
        Ok(Message::S3Test) => {
            tracing::info!("S3's test event: the notification is set up");
        }
        Ok(Message::Own(body)) => {
            let outcome = own_message::handle(app, message, body, deadline).await;
            report.add(id.to_owned(), outcome);
        }
        Err(error) => {
            let problem = invalid(error.to_string());
            let settled = failures::settle_message(app, message, None, None, problem, deadline);
            let about = About {
                source: Some(id),
                product_id: None,
            };
            report.add(id.to_owned(), follow(about, settled).await);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(message: &Value) -> String {
        json!({
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:photos",
            "Message": message
        })
        .to_string()
    }

    fn error(text: &str) -> String {
        match read(text) {
            Ok(_) => panic!("read: {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_envelope_changes_nothing() {
        let own = json!({"image": {"s3_uri": "s3://catalogue/1.jpg"}});
        for text in [own.to_string(), envelope(&json!(own.to_string()))] {
            assert!(
                matches!(read(&text), Ok(Message::Own(body)) if body == own),
                "{text}"
            );
        }
    }

    #[test]
    fn a_nested_message_that_is_no_json_is_malformed() {
        for message in [
            json!("Hello from SNS!"),
            json!(""),
            json!({"image": 1}),
            json!(null),
        ] {
            let error = error(&envelope(&message));
            assert!(error.contains("SNS"), "{error}");
        }
        let without = json!({"TopicArn": "arn:aws:sns:us-east-1:123456789012:photos"});
        assert!(error(&without.to_string()).contains("no Message"));
    }

    #[test]
    fn a_text_that_is_no_message_says_why() {
        assert!(error("Hello").contains("no JSON"));
        assert!(error("").contains("no JSON"));
        assert!(error("{}").contains("direct invocation"));
        assert!(error(r#"{"Records": []}"#).contains("empty"));
        let queue =
            json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]});
        assert!(error(&queue.to_string()).contains("a message holds"));
    }

    #[test]
    fn a_photo_in_a_text_is_not_echoed() {
        let photo = "A".repeat(1_000);
        for text in [
            photo.clone(),
            json!(photo).to_string(),
            json!({"detail-type": photo, "source": photo}).to_string(),
            json!({"Records": [{"eventSource": photo}]}).to_string(),
            envelope(&json!(photo)),
        ] {
            let error = error(&text);
            assert!(!error.contains(&photo[..41]), "{error}");
        }
    }
}

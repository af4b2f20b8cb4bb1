//! Which trigger an event comes from: the one place that tells them apart.

mod shape;

use lambda_runtime::Diagnostic;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::shape::Shape;
use super::distributed_map::{ListedObject, MapBatch};
use super::event_bridge::S3Change;
use super::http::load_balancer::LoadBalancerEvent;
use super::http::payload_v1::RestApiEvent;
use super::http::payload_v2::HttpApiEvent;
use super::json_error;
use super::s3::S3Record;
use super::sns::SnsRecord;
use super::sqs::SqsRecord;
use super::upload::Upload;
use crate::domain::excerpt;

/// An event, told apart.
pub enum Event {
    /// An HTTP API's, payload format 2.0, or a function URL's, which is the same.
    HttpApi(Box<HttpApiEvent>),
    /// A REST API's, or an HTTP API's with payload format 1.0.
    RestApi(Box<RestApiEvent>),
    /// An Application Load Balancer's.
    LoadBalancer(Box<LoadBalancerEvent>),
    /// S3's notification about objects, or EventBridge's about one.
    S3(Vec<Upload>),
    /// What S3 sends once when a notification is set up.
    S3Test,
    /// A batch of a queue's messages.
    Sqs(Vec<SqsRecord>),
    /// Messages of a topic.
    Sns(Vec<SnsRecord>),
    /// One object of a listing that Step Functions goes through.
    MapItem(ListedObject),
    /// Several items of such a listing, or requests.
    MapBatch(MapBatch),
    /// The JSON of the HTTP API's body, by `Invoke` or as a task's input.
    Direct(Value),
}

/// An event that is none of these, or not in the form that it seems to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No trigger sends such events.
    #[error(
        "this is no event that the function knows{why}: it takes {}",
        shape::understood()
    )]
    Unknown {
        /// What it seems to be, in parentheses with a space before; may be empty.
        why: String,
    },
    /// The event has what tells two kinds apart.
    #[error(
        "this event may be that of {} and that of {}: leave out what belongs to one of them",
        .first.words(), .second.words()
    )]
    Ambiguous {
        /// The one.
        first: Shape,
        /// The other.
        second: Shape,
    },
    /// HTTP in a form that came after this function.
    #[error(
        "the payload format of this HTTP event is {version:?}: set 2.0 (HTTP APIs, function URLs) \
         or 1.0 (HTTP APIs, REST APIs); the function takes {}",
        shape::understood()
    )]
    PayloadVersion {
        /// The version that it names.
        version: String,
    },
    /// An event that can't be in a message.
    #[error(
        "a message holds an event of S3, its own or through EventBridge, or {{\"image\": \
         {{\"base64\": …}} or {{\"s3_uri\": …}}, …}} as a direct invocation has it, not an event \
         of another trigger"
    )]
    NoMessage,
    /// The event lacks something.
    #[error("this seems to be an event of {trigger}, but it can't be read: {reason}")]
    Malformed {
        /// The trigger.
        trigger: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl From<EventError> for Diagnostic {
    fn from(error: EventError) -> Diagnostic {
        Diagnostic {
            error_type: "unknown-event".to_owned(),
            error_message: error.to_string(),
        }
    }
}

impl Event {
    /// What sent it, in a word for logs and metrics.
    pub fn trigger(&self) -> &'static str {
        match self {
            Event::HttpApi(_) => "http-api",
            Event::RestApi(_) => "rest-api",
            Event::LoadBalancer(_) => "load-balancer",
            Event::S3(_) | Event::S3Test => "s3",
            Event::Sqs(_) => "sqs",
            Event::Sns(_) => "sns",
            Event::MapItem(_) | Event::MapBatch(_) => "distributed-map",
            Event::Direct(_) => "direct",
        }
    }
}

/// Tells an event apart by its shape alone.
pub fn recognise(mut event: Value) -> Result<Event, EventError> {
    match Shape::of(&event)? {
        Shape::HttpApi => {
            check_version(&event, "2.0")?;
            read("an HTTP API", event).map(|event| Event::HttpApi(Box::new(event)))
        }
        Shape::RestApi => {
            check_version(&event, "1.0")?;
            read("a REST API", event).map(|event| Event::RestApi(Box::new(event)))
        }
        Shape::LoadBalancer => {
            read("a load balancer", event).map(|event| Event::LoadBalancer(Box::new(event)))
        }
        Shape::S3 => {
            let records: Vec<S3Record> = read("S3", event["Records"].take())?;
            Ok(Event::S3(records.into_iter().map(Upload::from).collect()))
        }
        Shape::S3Test => Ok(Event::S3Test),
        Shape::EventBridge => {
            let change: S3Change = read("EventBridge", event)?;
            Ok(Event::S3(vec![change.into()]))
        }
        Shape::Sqs => read("SQS", event["Records"].take()).map(Event::Sqs),
        Shape::Sns => read("SNS", event["Records"].take()).map(Event::Sns),
        Shape::Task => recognise(shape::take_task_input(&mut event)),
        Shape::MapItem => read("a Distributed Map", event).map(Event::MapItem),
        Shape::MapBatch => read("a Distributed Map", event).map(Event::MapBatch),
        Shape::Direct => Ok(Event::Direct(event)),
    }
}

/// An event that names no version has the one of its shape.
fn check_version(event: &Value, expected: &str) -> Result<(), EventError> {
    match event.get("version").and_then(Value::as_str) {
        Some(version) if version != expected => Err(EventError::PayloadVersion {
            version: excerpt(version),
        }),
        _ => Ok(()),
    }
}

fn read<T: DeserializeOwned>(trigger: &'static str, value: Value) -> Result<T, EventError> {
    serde_json::from_value(value).map_err(|error| EventError::Malformed {
        trigger,
        reason: json_error::words(&error),
    })
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

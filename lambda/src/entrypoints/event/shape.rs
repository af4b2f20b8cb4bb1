//! The shapes of events, each with what it is told by.

use std::collections::BTreeSet;

use serde_json::Value;

use super::EventError;
use crate::domain::excerpt;

/// The shape of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Payload format 2.0: HTTP APIs and function URLs.
    HttpApi,
    /// Payload format 1.0: REST APIs, and HTTP APIs that are set to it.
    RestApi,
    /// The form of Application Load Balancers.
    LoadBalancer,
    /// `Records` of S3 alone.
    S3,
    /// S3's test event.
    S3Test,
    /// An event of S3 by EventBridge.
    EventBridge,
    /// `Records` of SQS alone.
    Sqs,
    /// `Records` of SNS alone.
    Sns,
    /// Another event, as the input of a task.
    Task,
    /// An object of a listing.
    MapItem,
    /// A batch of items.
    MapBatch,
    /// A request.
    Direct,
}

struct Kind {
    shape: Shape,
    is: fn(&Value) -> bool,
    /// Whose events have this shape.
    words: &'static str,
}

/// Every shape once, in the order in which errors list them. An event that more
/// than one of the marks fits is refused, so the order decides nothing.
static KINDS: [Kind; 12] = [
    Kind {
        shape: Shape::HttpApi,
        is: |event| {
            event.pointer("/requestContext/http/method").is_some() && !is_of_an_authorizer(event)
        },
        words: "an HTTP API or a function URL (payload format 2.0)",
    },
    Kind {
        shape: Shape::RestApi,
        is: is_rest_api,
        words: "a REST API (format 1.0)",
    },
    Kind {
        shape: Shape::LoadBalancer,
        is: |event| event.pointer("/requestContext/elb").is_some(),
        words: "an Application Load Balancer",
    },
    Kind {
        shape: Shape::S3,
        is: |event| all_records_are_of(event, "eventSource", "aws:s3"),
        words: "S3",
    },
    Kind {
        shape: Shape::S3Test,
        is: |event| has_text(event, "Event", "s3:TestEvent"),
        words: "S3's test",
    },
    Kind {
        shape: Shape::EventBridge,
        is: |event| event.get("detail-type").is_some() && has_text(event, "source", "aws.s3"),
        words: "S3 through EventBridge",
    },
    Kind {
        shape: Shape::Sqs,
        is: |event| all_records_are_of(event, "eventSource", "aws:sqs"),
        words: "SQS",
    },
    Kind {
        shape: Shape::Sns,
        is: |event| all_records_are_of(event, "EventSource", "aws:sns"),
        words: "SNS",
    },
    Kind {
        shape: Shape::Task,
        is: |event| {
            let has_input = |name: &&str| event.get(*name).is_some();
            TASK_INPUTS.into_iter().filter(has_input).count() == 1
        },
        words: "a task of Step Functions ({\"input\": …} or {\"Payload\": …})",
    },
    Kind {
        shape: Shape::MapItem,
        is: |event| event.get("Key").is_some_and(Value::is_string),
        words: "a Distributed Map's item ({\"Key\": …, \"bucket\": …})",
    },
    Kind {
        shape: Shape::MapBatch,
        is: |event| event.get("Items").is_some_and(Value::is_array),
        words: "a Distributed Map's batch ({\"Items\": […], \"BatchInput\": {\"bucket\": …}})",
    },
    Kind {
        shape: Shape::Direct,
        is: |event| event.get("image").is_some(),
        words: "a direct invocation ({\"image\": {\"base64\": …} or {\"s3_uri\": …}, …})",
    },
];

/// The members in which tasks pass on the input of their state.
const TASK_INPUTS: [&str; 3] = ["input", "Input", "Payload"];

fn is_rest_api(event: &Value) -> bool {
    let is_of_a_rest_api = |context: &Value| {
        context.is_object() && context.get("elb").is_none() && context.get("http").is_none()
    };
    event.get("httpMethod").is_some()
        && event.get("requestContext").is_some_and(is_of_a_rest_api)
        && !is_of_an_authorizer(event)
}

/// API Gateway asks an authorizer with the request's own members and without its body, so that
/// a call of the API is not to be told from it by those.
fn is_of_an_authorizer(event: &Value) -> bool {
    ["routeArn", "methodArn"]
        .into_iter()
        .any(|name| event.get(name).is_some_and(Value::is_string))
}

fn has_text(event: &Value, name: &str, text: &str) -> bool {
    event.get(name).and_then(Value::as_str) == Some(text)
}

fn all_records_are_of(event: &Value, name: &str, source: &str) -> bool {
    records(event).is_some_and(|records| {
        !records.is_empty() && records.iter().all(|record| has_text(record, name, source))
    })
}

fn records(event: &Value) -> Option<&Vec<Value>> {
    event.get("Records").and_then(Value::as_array)
}

impl Shape {
    /// The one shape that the event has.
    pub fn of(event: &Value) -> Result<Shape, EventError> {
        let mut shapes = KINDS
            .iter()
            .filter(|kind| (kind.is)(event))
            .map(|kind| kind.shape);
        match (shapes.next(), shapes.next()) {
            (Some(shape), None) => Ok(shape),
            (Some(first), Some(second)) => Err(EventError::Ambiguous { first, second }),
            (None, _) => Err(unknown(event)),
        }
    }

    /// Whose events have this shape.
    pub fn words(self) -> &'static str {
        KINDS
            .iter()
            .find(|kind| kind.shape == self)
            .map_or("", |kind| kind.words)
    }
}

/// Everything that is understood, for messages.
pub fn understood() -> String {
    let words: Vec<&str> = KINDS.iter().map(|kind| kind.words).collect();
    format!("events of {}", words.join(", "))
}

/// The input of an event of [`Shape::Task`].
pub fn take_task_input(event: &mut Value) -> Value {
    for name in TASK_INPUTS {
        if let Some(input) = event.get_mut(name) {
            return input.take();
        }
    }
    Value::Null
}

fn unknown(event: &Value) -> EventError {
    let version = event.get("version").and_then(Value::as_str);
    let is_of_lattice = event.pointer("/requestContext/serviceNetworkArn").is_some();
    let why = if is_of_an_authorizer(event) {
        " (what a Lambda authorizer is asked: make the function the integration of the route)"
            .to_owned()
    } else if is_of_lattice {
        " (an event of VPC Lattice)".to_owned()
    } else if let (Some(version), Some(_)) = (version, event.get("requestContext")) {
        return EventError::PayloadVersion {
            version: excerpt(version),
        };
    } else if let Some(records) = records(event) {
        format!(" ({})", about_records(records))
    } else if event.get("detail-type").is_some() {
        " (an event of EventBridge, but not of S3)".to_owned()
    } else {
        String::new()
    };
    EventError::Unknown { why }
}

fn about_records(records: &[Value]) -> String {
    if records.is_empty() {
        return "its Records are empty".to_owned();
    }
    let source = |record: &Value| {
        ["eventSource", "EventSource"]
            .into_iter()
            .find_map(|name| record.get(name).and_then(Value::as_str))
            .map(|source| format!("{:?}", excerpt(source)))
    };
    let sources: Option<BTreeSet<String>> = records.iter().map(source).collect();
    match sources {
        None => "not all of its Records say where they come from".to_owned(),
        Some(sources) => {
            let sources: Vec<String> = sources.into_iter().collect();
            format!("its Records come from {}", sources.join(" and "))
        }
    }
}

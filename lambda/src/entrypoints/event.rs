//! Which trigger an event comes from.

use lambda_runtime::Diagnostic;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::http::payload_v2::HttpApiEvent;
use super::json_error;
use super::s3::S3Record;

/// An event, told apart.
pub enum Event {
    /// An HTTP API's, payload format 2.0, or a function URL's, which is the same.
    HttpApi(Box<HttpApiEvent>),
    /// S3's notification about objects.
    S3(Vec<S3Record>),
    /// What S3 sends once when a notification is set up.
    S3Test,
    /// The JSON of the HTTP API's body, by `Invoke`.
    Direct(Value),
}

/// An event that is none of these, or not in the form that it seems to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No trigger sends such events.
    #[error(
        "this is no event that the function knows: it takes those of an HTTP API (payload \
         format 2.0), of a function URL and of S3, and {{\"image\": {{\"base64\": …}} or \
         {{\"s3_uri\": …}}, …}} of a direct invocation"
    )]
    Unknown,
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

/// Tells an event apart by its shape alone.
pub fn recognise(mut event: Value) -> Result<Event, EventError> {
    if event.pointer("/requestContext/http/method").is_some() {
        return read("an HTTP API", event).map(|event| Event::HttpApi(Box::new(event)));
    }
    if event
        .pointer("/Records/0/eventSource")
        .and_then(Value::as_str)
        == Some("aws:s3")
    {
        return read("S3", event["Records"].take()).map(Event::S3);
    }
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(Event::S3Test);
    }
    if event.get("image").is_some() {
        return Ok(Event::Direct(event));
    }
    Err(EventError::Unknown)
}

fn read<T: DeserializeOwned>(trigger: &'static str, value: Value) -> Result<T, EventError> {
    serde_json::from_value(value).map_err(|error| EventError::Malformed {
        trigger,
        reason: json_error::words(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_sample_event_is_recognised() {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/");
        let recognised = |name: &str| {
            let text = std::fs::read_to_string(format!("{samples}{name}.json")).unwrap();
            recognise(serde_json::from_str(&text).unwrap()).unwrap()
        };
        for name in ["http-api", "http-api-binary", "function-url"] {
            assert!(matches!(recognised(name), Event::HttpApi(_)), "{name}");
        }
        for name in ["s3-put", "s3-put-encoded-key"] {
            assert!(matches!(recognised(name), Event::S3(_)), "{name}");
        }
        for name in ["direct-base64", "direct-s3"] {
            assert!(matches!(recognised(name), Event::Direct(_)), "{name}");
        }
    }

    #[test]
    fn s3_s_test_event_is_recognised() {
        let event = json!({
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": "2026-01-01T00:00:00.000Z",
            "Bucket": "lookbook-catalogue",
            "RequestId": "5582815E1AEA5ADF",
            "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR"
        });
        assert!(matches!(recognise(event), Ok(Event::S3Test)));
    }

    #[test]
    fn other_events_are_refused_with_what_is_expected() {
        for event in [
            json!({}),
            json!([]),
            json!(null),
            json!("image"),
            json!({"Records": []}),
            json!({"Records": [{"eventSource": "aws:dynamodb"}]}),
            json!({"product_id": "1"}),
        ] {
            let Err(error) = recognise(event.clone()) else {
                panic!("{event}")
            };
            assert!(error.to_string().contains("direct invocation"), "{error}");
        }
    }

    #[test]
    fn an_event_that_lacks_something_is_malformed() {
        let Err(error) = recognise(json!({"Records": [{"eventSource": "aws:s3"}]})) else {
            panic!("recognised")
        };
        assert!(
            matches!(error, EventError::Malformed { trigger: "S3", .. }),
            "{error}"
        );
    }

    #[test]
    fn a_malformed_event_is_quoted_in_part() {
        let photo = "A".repeat(1_000);
        let event = json!({
            "requestContext": {"http": {"method": "POST"}},
            "rawPath": "/descriptions",
            "headers": photo
        });
        let Err(error) = recognise(event) else {
            panic!("recognised")
        };
        assert!(!error.to_string().contains(&photo[..41]), "{error}");
    }
}

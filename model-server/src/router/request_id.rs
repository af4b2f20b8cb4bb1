//! The id of a request, the client's own where it has a usable one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Where the id of a response stands.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The same, where the AWS SDKs look for it.
pub(super) const AWS_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Where the id of a request may stand, by precedence.
const SOURCES: [&str; 3] = [
    "x-request-id",
    "x-amzn-sagemaker-inference-id",
    "x-amzn-requestid",
];

const MAX_LENGTH: usize = 128;

/// An id that can stand in a header and in a line of a log.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    SOURCES
        .iter()
        .filter_map(|name| headers.get(*name))
        .filter_map(|value| value.to_str().ok())
        .find(|id| is_sane(id))
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// Puts the id on a response.
pub(super) fn set_request_id(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value.clone());
        headers.insert(AWS_REQUEST_ID, value);
    }
}

fn is_sane(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/=+@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(name: &'static str, value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        request_id(&headers)
    }

    #[test]
    fn the_clients_id_is_kept() {
        assert_eq!(
            id_of("x-request-id", "Root=1-67891233-abc"),
            "Root=1-67891233-abc"
        );
        assert_eq!(id_of("x-amzn-sagemaker-inference-id", "a.b"), "a.b");
    }

    #[test]
    fn an_unusable_id_is_replaced() {
        for value in ["", "a b", "a\"b", "é", &"x".repeat(129)] {
            let id = id_of("x-request-id", value);
            assert_ne!(id, value);
            assert!(Uuid::parse_str(&id).is_ok(), "{id}");
        }
    }
}

//! Which adapter a request names, and which one answered, told to the client.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::custom_attributes::CUSTOM_ATTRIBUTES;
use super::field::Field;
use super::{ApiError, ErrorCode};

/// The name of the adapter; not there where none was asked for.
pub(super) const ADAPTER: HeaderName = HeaderName::from_static("x-adapter");

/// The adapter that the fields of a request name; `null` stands for none.
pub(super) fn adapter(fields: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match fields.get("adapter") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let field = Field::new("adapter", value, ErrorCode::InvalidRequest);
            field
                .text("a string: the name of an adapter")
                .map(|name| Some(name.to_owned()))
        }
    }
}

/// Puts the name on a response, in a header of its own and, since SageMaker
/// passes no other on, into the custom attributes: `…;adapter=dresses`.
pub(super) fn set_adapter(headers: &mut HeaderMap, name: &str) {
    // An adapter that answered has a name of plain characters.
    let Ok(own) = HeaderValue::from_str(name) else {
        return;
    };
    headers.insert(ADAPTER, own);
    let before = headers
        .get(CUSTOM_ATTRIBUTES)
        .and_then(|value| value.to_str().ok())
        .map_or_else(String::new, |before| format!("{before};"));
    if let Ok(attributes) = HeaderValue::from_str(&format!("{before}adapter={name}")) {
        headers.insert(CUSTOM_ATTRIBUTES, attributes);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_stands_in_both_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(
            CUSTOM_ATTRIBUTES,
            HeaderValue::from_static("image_cache=hit"),
        );
        set_adapter(&mut headers, "dresses");
        assert_eq!(headers[ADAPTER], "dresses");
        assert_eq!(
            headers[CUSTOM_ATTRIBUTES],
            "image_cache=hit;adapter=dresses"
        );
    }

    #[test]
    fn it_is_a_string_or_none() {
        let read = |value: Value| {
            let fields = Map::from_iter([("adapter".to_owned(), value)]);
            adapter(&fields).map_err(|error| error.message().to_owned())
        };
        assert_eq!(read(json!("dresses")), Ok(Some("dresses".to_owned())));
        assert_eq!(read(json!(null)), Ok(None));
        assert_eq!(adapter(&Map::new()).unwrap(), None);
        assert_eq!(
            read(json!(["dresses"])).unwrap_err(),
            "`adapter` must be a string: the name of an adapter, not an array"
        );
    }
}

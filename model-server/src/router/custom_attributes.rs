//! The `X-Amzn-SageMaker-Custom-Attributes` header: the one header of a client's
//! own that SageMaker passes to a container, and back.
//!
//! Its limits are those that the API reference of `InvokeEndpoint` gives
//! `CustomAttributes`. What a container puts into the header of its response,
//! SageMaker returns to the client.

use axum::http::{HeaderMap, HeaderName};

use super::{ApiError, ErrorCode};

/// The header's name.
pub(super) const CUSTOM_ATTRIBUTES: HeaderName =
    HeaderName::from_static("x-amzn-sagemaker-custom-attributes");

/// The most that SageMaker passes on.
pub(super) const MAX_CHARACTERS: usize = 1_024;

const EXAMPLE: &str = r#"{"prompts": ["What is the fabric of the shirt in this picture?"]}"#;

/// The text of the header, which must be there.
pub(super) fn custom_attributes(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(CUSTOM_ATTRIBUTES).iter();
    let value = values.next().ok_or_else(|| {
        invalid(format!(
            "is missing; with an image as the body it holds the rest of the request as JSON, such \
             as {EXAMPLE}"
        ))
    })?;
    if values.next().is_some() {
        return Err(invalid("is given twice: send one".to_owned()));
    }
    let bytes = value.as_bytes();
    if bytes.len() > MAX_CHARACTERS {
        return Err(invalid(format!(
            "has {} characters, SageMaker passes {MAX_CHARACTERS}: shorten it, or send the whole \
             request as application/json",
            bytes.len()
        )));
    }
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(invalid(
            "must be visible US-ASCII: write other characters as \\u00e9 in its JSON".to_owned(),
        ));
    }
    // It is ASCII, so this does not fail.
    std::str::from_utf8(bytes).map_err(|error| invalid(error.to_string()))
}

fn invalid(what: String) -> ApiError {
    let message = format!("the header X-Amzn-SageMaker-Custom-Attributes {what}");
    ApiError::new(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CUSTOM_ATTRIBUTES, HeaderValue::from_bytes(value).unwrap());
        }
        custom_attributes(&headers)
            .map(str::to_owned)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_text_up_to_the_limit_is_read() {
        assert_eq!(read(&[EXAMPLE.as_bytes()]).unwrap(), EXAMPLE);
        assert!(read(&[&[b'x'; MAX_CHARACTERS]]).is_ok());
    }

    #[test]
    fn what_sagemaker_would_not_pass_says_what_to_mend() {
        let too_long = [b'x'; MAX_CHARACTERS + 1];
        let cases: [(&[&[u8]], &str); 7] = [
            (&[], "is missing"),
            (&[], r#"such as {"prompts": ["#),
            (&[b"{}", b"{}"], "is given twice"),
            (&[&too_long], "has 1025 characters"),
            (&["{\"prompt\": \"é\"}".as_bytes()], "\\u00e9"),
            (&[b"\xff"], "visible US-ASCII"),
            (&[b"{\t}"], "visible US-ASCII"),
        ];
        for (values, part) in cases {
            let message = read(values).unwrap_err();
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

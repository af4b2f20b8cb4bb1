//! Which kinds of bodies are read.

use axum::http::{HeaderMap, header};

use super::{ApiError, ErrorCode};

const JSON: &str = "application/json";

/// Checks that the body is said to be JSON, or not said to be anything.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    if is_json(&text) {
        return Ok(());
    }
    let message = format!("the content type `{text}` is not read here: send {JSON}, in UTF-8");
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
    is_json && parts.all(is_harmless)
}

/// JSON is UTF-8 (RFC 8259, section 8.1); parameters other than the charset
/// have no meaning for it.
fn is_harmless(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let charset = value.trim().trim_matches('"');
            ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_in_its_spellings() {
        for text in [
            "application/json",
            "Application/JSON",
            " application/json ; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; profile=x;",
        ] {
            assert!(is_json(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "text/json",
            "application/jsonx",
            "application/json, text/plain",
            "application/x-www-form-urlencoded",
            "image/jpeg",
            "application/json; charset=iso-8859-1",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }
}

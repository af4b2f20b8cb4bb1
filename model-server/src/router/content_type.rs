//! Which kind of body a request says that it has.

use axum::http::{HeaderMap, header};

use super::media_type::{IMAGES, JSON, JSON_LINES, is_one_of, split_parameters};
use super::{ApiError, ErrorCode};

/// What a body consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// One request, all of it.
    Json,
    /// A request a line.
    JsonLines,
    /// The image of one request. Which format it has is told by its bytes: a
    /// file that is sent under another format's name is answered all the same.
    Image,
}

/// The kind of the body; JSON where the request does not say.
pub(super) fn body_kind(headers: &HeaderMap) -> Result<BodyKind, ApiError> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let message =
            "the body is encoded (Content-Encoding), which is not read here: send it as it is";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(BodyKind::Json);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    parse(&text).ok_or_else(|| unsupported(&text))
}

fn parse(content_type: &str) -> Option<BodyKind> {
    let (name, mut parameters) = split_parameters(content_type);
    if is_one_of(name, &IMAGES) {
        return Some(BodyKind::Image);
    }
    let kind = if is_one_of(name, &[JSON]) {
        BodyKind::Json
    } else if is_one_of(name, &JSON_LINES) {
        BodyKind::JsonLines
    } else {
        return None;
    };
    parameters.all(is_harmless).then_some(kind)
}

/// JSON is UTF-8 (RFC 8259, section 8.1); parameters other than the charset
/// have no meaning for it.
fn is_harmless(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let charset = value.trim().trim_matches('"');
            is_one_of(charset, &["utf-8", "utf8", "us-ascii"])
        }
        _ => true,
    }
}

fn unsupported(content_type: &str) -> ApiError {
    let message = format!(
        "the content type `{content_type}` is not read here: send {JSON}, or {} for a request a \
         line, in UTF-8; or the image itself as {}",
        JSON_LINES[0],
        IMAGES.join(", ")
    );
    ApiError::new(ErrorCode::UnsupportedMediaType, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_body_is_refused() {
        let mut headers = HeaderMap::new();
        let mut kind = |encoding: &'static str| {
            headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            body_kind(&headers).map_err(|error| error.status())
        };
        assert_eq!(kind("identity"), Ok(BodyKind::Json));
        assert_eq!(kind("gzip").unwrap_err(), 415);
    }

    #[test]
    fn every_kind_in_its_spellings() {
        for (text, kind) in [
            ("application/json", BodyKind::Json),
            ("Application/JSON", BodyKind::Json),
            (" application/json ; charset=utf-8", BodyKind::Json),
            ("application/json;charset=\"UTF-8\"", BodyKind::Json),
            ("application/json; profile=x;", BodyKind::Json),
            ("application/jsonlines", BodyKind::JsonLines),
            ("application/x-jsonlines", BodyKind::JsonLines),
            ("application/jsonl; charset=UTF-8", BodyKind::JsonLines),
            ("Application/X-NDJSON", BodyKind::JsonLines),
            ("image/jpeg", BodyKind::Image),
            ("image/PNG; name=a", BodyKind::Image),
            ("image/webp", BodyKind::Image),
        ] {
            assert_eq!(parse(text), Some(kind), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not_read() {
        for text in [
            "",
            "text/json",
            "application/jsonx",
            "application/json, text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=iso-8859-1",
            "application/jsonlines; charset=utf-16",
            "application/x-image",
            "image/gif",
            "image/*",
            "multipart/form-data; boundary=x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! In which form an answer is wanted: the `Accept` header (RFC 9110, section
//! 12.5.1).

use axum::http::{HeaderMap, header};

use super::content_type::BodyKind;
use super::media_type::{JSON, JSON_LINES, is_one_of, split_parameters};
use super::{ApiError, ErrorCode};

/// The form of a successful answer; errors are JSON always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseKind {
    /// One JSON text.
    Json,
    /// A JSON text a line. One request gets one line, with whatever it asks
    /// for: SageMaker's Batch Transform puts the lines of many together.
    JsonLines,
}

impl ResponseKind {
    /// What the `Content-Type` of the answer says.
    pub(super) fn media_type(self) -> &'static str {
        self.names()[0]
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            ResponseKind::Json => &[JSON],
            ResponseKind::JsonLines => &JSON_LINES,
        }
    }

    /// What a body can be answered with, the preferred form first.
    fn of(body: BodyKind) -> &'static [ResponseKind] {
        match body {
            BodyKind::Json | BodyKind::Image => &[ResponseKind::Json, ResponseKind::JsonLines],
            BodyKind::JsonLines => &[ResponseKind::JsonLines],
        }
    }
}

/// The form that the client likes best of those that the body can be answered
/// with.
pub(super) fn response_kind(headers: &HeaderMap, body: BodyKind) -> Result<ResponseKind, ApiError> {
    let values: Vec<_> = headers
        .get_all(header::ACCEPT)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    let text = values.join(",");
    choose(&text, ResponseKind::of(body)).ok_or_else(|| not_acceptable(&text, body))
}

fn choose(accept: &str, offered: &[ResponseKind]) -> Option<ResponseKind> {
    let ranges: Vec<Range<'_>> = accept
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .map(Range::parse)
        .collect();
    if ranges.is_empty() {
        return offered.first().copied();
    }
    let mut best = None;
    for &kind in offered {
        let quality = quality(&ranges, kind);
        // At the same quality the first stays.
        if quality > best.map_or(0.0, |(best, _)| best) {
            best = Some((quality, kind));
        }
    }
    best.map(|(_, kind)| kind)
}

/// By the most specific of the ranges that match; the best where one is given
/// twice.
fn quality(ranges: &[Range<'_>], kind: ResponseKind) -> f32 {
    ranges
        .iter()
        .filter_map(|range| Some((range.specificity(kind)?, range.quality)))
        .fold((0, 0.0), |best, next| if next > best { next } else { best })
        .1
}

struct Range<'a> {
    name: &'a str,
    quality: f32,
}

impl Range<'_> {
    fn parse(text: &str) -> Range<'_> {
        let (name, parameters) = split_parameters(text);
        let mut weights = parameters.filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("q")
                .then_some(value.trim())
        });
        // A weight that is none asks for nothing.
        let quality = weights.next().map_or(1.0, |weight| {
            let weight = weight.parse().unwrap_or(0.0);
            if (0.0..=1.0).contains(&weight) {
                weight
            } else {
                0.0
            }
        });
        Range { name, quality }
    }

    /// How closely the range describes `kind`, if it does. A star alone is how
    /// some clients write `*/*`.
    fn specificity(&self, kind: ResponseKind) -> Option<u8> {
        match self.name {
            "*/*" | "*" => Some(1),
            "application/*" => Some(2),
            name if is_one_of(name, kind.names()) => Some(3),
            _ => None,
        }
    }
}

fn not_acceptable(accept: &str, body: BodyKind) -> ApiError {
    let offered: Vec<_> = ResponseKind::of(body)
        .iter()
        .map(|kind| kind.media_type())
        .collect();
    let message = format!(
        "no answer can be given as `{accept}`: accept {}, or leave the Accept header out",
        offered.join(" or ")
    );
    ApiError::new(ErrorCode::NotAcceptable, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str, body: BodyKind) -> Option<ResponseKind> {
        choose(accept, ResponseKind::of(body))
    }

    #[test]
    fn one_request_is_answered_in_json_unless_lines_are_liked_better() {
        use ResponseKind::{Json, JsonLines};
        for (accept, expected) in [
            ("", Json),
            (" , ", Json),
            ("*/*", Json),
            ("*", Json),
            ("*; q=.2, */*; q=.2", Json),
            ("application/*", Json),
            ("application/json", Json),
            ("Application/JSON; charset=utf-8", Json),
            ("text/html, application/xhtml+xml, */*;q=0.8", Json),
            ("application/jsonlines", JsonLines),
            ("application/x-ndjson", JsonLines),
            ("application/jsonlines, application/json", Json),
            ("application/jsonlines, application/json;q=0.9", JsonLines),
            ("application/jsonlines;q=0.5, */*;q=0.1", JsonLines),
            ("application/json;q=0, */*", JsonLines),
            ("application/json;q=2, application/jsonl", JsonLines),
        ] {
            assert_eq!(chosen(accept, BodyKind::Json), Some(expected), "{accept}");
            assert_eq!(chosen(accept, BodyKind::Image), Some(expected), "{accept}");
        }
    }

    #[test]
    fn lines_are_answered_in_lines() {
        for accept in ["", "*/*", "application/*;q=0.1", "application/jsonl"] {
            let kind = chosen(accept, BodyKind::JsonLines);
            assert_eq!(kind, Some(ResponseKind::JsonLines), "{accept}");
        }
        assert_eq!(chosen("application/json", BodyKind::JsonLines), None);
    }

    #[test]
    fn what_is_not_written_is_refused() {
        for accept in [
            "text/csv",
            "image/*",
            "application/json;q=0",
            "*/*;q=0",
            "*/*;q=0.000",
            "application/*;q=x",
            "json",
            ";q=1",
        ] {
            assert_eq!(chosen(accept, BodyKind::Json), None, "{accept}");
        }
    }
}

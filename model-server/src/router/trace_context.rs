//! Which trace a request belongs to, for the log.

use axum::http::HeaderMap;

/// The W3C trace context of a request: <https://www.w3.org/TR/trace-context/>.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TraceContext<'a> {
    /// 32 hexadecimal digits.
    pub(super) trace_id: &'a str,
    /// Of the caller's span: 16 hexadecimal digits.
    pub(super) parent_id: &'a str,
}

impl TraceContext<'_> {
    /// From `traceparent`. One that is invalid, or given twice, counts as none,
    /// as the recommendation demands.
    pub(super) fn of(headers: &HeaderMap) -> Option<TraceContext<'_>> {
        let mut values = headers.get_all("traceparent").iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        parse(value.to_str().ok()?)
    }
}

/// `version-traceid-parentid-flags`. A version after 00 may add fields behind
/// another hyphen.
pub(super) fn parse(text: &str) -> Option<TraceContext<'_>> {
    let mut fields = text.splitn(5, '-');
    let mut field = |length| {
        let field = fields.next()?;
        (field.len() == length && field.bytes().all(is_lower_hex)).then_some(field)
    };
    let (version, trace_id, parent_id) = (field(2)?, field(32)?, field(16)?);
    field(2)?;
    let is_whole = match version {
        "ff" => false,
        "00" => fields.next().is_none(),
        _ => true,
    };
    let is_set = |id: &str| id.bytes().any(|digit| digit != b'0');
    (is_whole && is_set(trace_id) && is_set(parent_id)).then_some(TraceContext {
        trace_id,
        parent_id,
    })
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// What AWS calls the trace, as it stands: `X-Amzn-Trace-Id`. Nothing where it
/// is long or could not stand in a log.
pub(super) fn amazon_trace_id(headers: &HeaderMap) -> Option<&str> {
    const MAX_LENGTH: usize = 256;
    let text = headers.get("x-amzn-trace-id")?.to_str().ok()?;
    let is_sane = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    ((1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_sane)).then_some(text)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT_ID: &str = "00f067aa0ba902b7";

    #[test]
    fn the_example_of_the_recommendation() {
        let expected = TraceContext {
            trace_id: TRACE_ID,
            parent_id: PARENT_ID,
        };
        for (version, end) in [
            ("00", "-00"),
            ("00", "-01"),
            ("01", "-01"),
            ("cc", "-01-what-the-future-will-be"),
            ("fe", "-01-"),
        ] {
            let text = format!("{version}-{TRACE_ID}-{PARENT_ID}{end}");
            assert_eq!(parse(&text).as_ref(), Some(&expected), "{text}");
        }
    }

    #[test]
    fn an_invalid_one_counts_as_none() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "-".repeat(60),
            format!("00-{TRACE_ID}-{PARENT_ID}"),
            format!("00-{TRACE_ID}-{PARENT_ID}-1"),
            format!("00-{TRACE_ID}-{PARENT_ID}-01-x"),
            format!("00-{TRACE_ID}-{PARENT_ID}-01-"),
            format!("cc-{TRACE_ID}-{PARENT_ID}-01.x"),
            format!("ff-{TRACE_ID}-{PARENT_ID}-01"),
            format!("0-{TRACE_ID}-{PARENT_ID}-01"),
            format!("00-{}-{PARENT_ID}-01", TRACE_ID.to_uppercase()),
            format!("00-{zeros}-{PARENT_ID}-01"),
            format!("00-{TRACE_ID}-{}-01", &zeros[..16]),
            format!(" 00-{TRACE_ID}-{PARENT_ID}-01"),
            format!("00-{TRACE_ID}g-{PARENT_ID}-01"),
        ] {
            assert_eq!(parse(&text), None, "{text}");
        }
    }

    #[test]
    fn two_of_them_are_none() {
        let value = HeaderValue::from_str(&format!("00-{TRACE_ID}-{PARENT_ID}-01")).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("traceparent", value.clone());
        assert!(TraceContext::of(&headers).is_some());
        headers.append("traceparent", value);
        assert_eq!(TraceContext::of(&headers), None);
    }

    #[test]
    fn an_amazon_trace_id_is_taken_where_it_can_stand_in_a_log() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-amzn-trace-id", HeaderValue::from_str(text).unwrap());
            amazon_trace_id(&headers).map(str::to_owned)
        };
        let id = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1";
        assert_eq!(of(id).as_deref(), Some(id));
        for text in ["", "a b", "a\"b", &"x".repeat(257)] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}

//! Which trace a request belongs to, for the log.

use axum::http::HeaderMap;

use super::custom_attributes::CUSTOM_ATTRIBUTES;

/// The W3C trace context of a request: <https://www.w3.org/TR/trace-context/>.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TraceContext<'a> {
    /// 32 hexadecimal digits.
    pub(super) trace_id: &'a str,
    /// Of the caller's span: 16 hexadecimal digits.
    pub(super) parent_id: &'a str,
}

impl TraceContext<'_> {
    /// From `traceparent`, or else from the custom attributes. One that is invalid, or given
    /// twice, counts as none, as the recommendation demands.
    pub(super) fn of(headers: &HeaderMap) -> Option<TraceContext<'_>> {
        let mut values = headers.get_all("traceparent").iter();
        match (values.next(), values.next()) {
            (Some(value), None) => parse(value.to_str().ok()?),
            (None, _) => parse(in_custom_attributes(headers)?),
            (Some(_), Some(_)) => None,
        }
    }
}

/// SageMaker keeps `traceparent` from a container; a client behind it writes `traceparent=…`
/// into the custom attributes, with `;` beside others. Where an image is the body they are
/// JSON, which has no place for it.
fn in_custom_attributes(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CUSTOM_ATTRIBUTES)?.to_str().ok()?;
    text.split(';')
        .take_while(|attribute| !attribute.starts_with('{'))
        .find_map(|attribute| attribute.trim().strip_prefix("traceparent="))
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
    fn behind_sagemaker_it_is_in_the_custom_attributes() {
        let text = format!("00-{TRACE_ID}-{PARENT_ID}-01");
        let trace_id = |attributes: String, header: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CUSTOM_ATTRIBUTES, attributes.parse().unwrap());
            if let Some(header) = header {
                headers.insert("traceparent", header.parse().unwrap());
            }
            TraceContext::of(&headers).map(|context| context.trace_id.to_owned())
        };
        for attributes in [
            format!("traceparent={text}"),
            format!("shop=a; traceparent={text};b=c"),
        ] {
            assert_eq!(trace_id(attributes, None).as_deref(), Some(TRACE_ID));
        }
        for attributes in [
            text.clone(),
            "traceparent=1".to_owned(),
            format!("{{\"prompt\": \"a;traceparent={text}\"}}"),
        ] {
            assert_eq!(trace_id(attributes, None), None);
        }
        // The header comes first, also where it is no good.
        let attributes = format!("traceparent={text}");
        let other = text.replace('4', "5");
        assert_eq!(
            trace_id(attributes.clone(), Some(&other)).as_deref(),
            Some(&other[3..35])
        );
        assert_eq!(trace_id(attributes, Some("none")), None);
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

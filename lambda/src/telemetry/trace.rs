//! The trace that an event belongs to, as X-Ray names it and as W3C does. It is passed on as
//! it came: the function has no spans of its own.

tokio::task_local! {
    static CURRENT: Trace;
}

/// The header of X-Ray.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
const XRAY: &str = "x-amzn-trace-id";
/// The headers of the W3C: <https://www.w3.org/TR/trace-context/>.
pub const TRACEPARENT: &str = "traceparent";
/// See [`TRACEPARENT`].
pub const TRACESTATE: &str = "tracestate";

/// The longest header of X-Ray that is passed on, in characters.
const LONGEST_XRAY: usize = 256;
/// What the W3C wants to be passed on at least of `tracestate`, in characters. A longer one
/// is left out, which is allowed.
const LONGEST_TRACESTATE: usize = 512;

/// A trace. Whatever is in it can stand in a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    xray: Option<String>,
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl Trace {
    /// The trace of an invocation, whose `Lambda-Runtime-Trace-Id` is X-Ray's header. The
    /// runtime has it in `_X_AMZN_TRACE_ID` as well. A caller who sends no headers of the W3C
    /// has the trace in their form too, so that programs which know that form alone can
    /// say which trace they worked for.
    pub fn of_invocation(xray: Option<&str>) -> Trace {
        let xray = xray.filter(|text| can_stand_in_a_header(text, LONGEST_XRAY));
        Trace {
            traceparent: xray.and_then(traceparent_of_xray),
            xray: xray.map(str::to_owned),
            tracestate: None,
        }
    }

    /// The same with the headers that a caller sent. An invalid `traceparent` counts as none,
    /// and `tracestate` with it, as the recommendation demands.
    pub fn with_w3c(mut self, traceparent: Option<&str>, tracestate: Option<&str>) -> Trace {
        if let Some(traceparent) = traceparent.filter(|text| is_traceparent(text)) {
            self.traceparent = Some(traceparent.to_owned());
            self.tracestate = tracestate
                .filter(|text| can_stand_in_a_header(text, LONGEST_TRACESTATE))
                .map(str::to_owned);
        }
        self
    }

    /// The trace of what is being done; an empty one outside of any.
    pub fn current() -> Trace {
        CURRENT.try_with(Trace::clone).unwrap_or_default()
    }

    /// Does work that belongs to this trace. A task that the work spawns does not.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The headers by which another program hears of the trace, in lower case.
    pub fn headers(&self) -> Vec<(&'static str, &str)> {
        [
            (XRAY, &self.xray),
            (TRACEPARENT, &self.traceparent),
            (TRACESTATE, &self.tracestate),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }

    /// The header `traceparent`.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn id(&self) -> Option<&str> {
        self.traceparent()?.get(3..35)
    }
}

/// Visible ASCII and spaces, without what would have to be escaped in a log.
fn can_stand_in_a_header(text: &str, longest: usize) -> bool {
    let is_sane = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    (1..=longest).contains(&text.len()) && text.bytes().all(is_sane)
}

/// `version-traceid-parentid-flags`. A version after 00 may add fields behind another hyphen.
fn is_traceparent(text: &str) -> bool {
    const LONGEST: usize = 256;
    if !can_stand_in_a_header(text, LONGEST) {
        return false;
    }
    let fields: Vec<&str> = text.splitn(5, '-').collect();
    let [version, trace, parent, flags, rest @ ..] = fields.as_slice() else {
        return false;
    };
    is_hex(version, 2)
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
        && *version != "ff"
        && (rest.is_empty() || *version != "00")
}

/// `Root=1-<8 digits>-<24 digits>;Parent=<16 digits>;Sampled=1` in the form of the W3C, whose
/// ids have the same digits.
fn traceparent_of_xray(header: &str) -> Option<String> {
    let field = |name: &str| {
        header.split(';').find_map(|field| {
            let (key, value) = field.trim().split_once('=')?;
            (key == name).then(|| value.to_ascii_lowercase())
        })
    };
    let root = field("Root")?;
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    let trace = format!("{time}{random}");
    let parent = field("Parent")?;
    let flags = if field("Sampled").as_deref() == Some("1") {
        "01"
    } else {
        "00"
    };
    let is_whole = time.len() == 8 && is_id(&trace, 32) && is_id(&parent, 16);
    is_whole.then(|| format!("00-{trace}-{parent}-{flags}"))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An id of zeros alone is none.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    const PARENT: &str = "Parent=53995c3f42cd8ad8";
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(xray: &str) -> Trace {
        Trace::of_invocation(Some(xray))
    }

    #[test]
    fn x_ray_s_ids_are_those_of_the_w3c() {
        for (rest, flags) in [
            (";Sampled=1", "01"),
            (";Sampled=0;Lineage=1:a87bd80c:0", "00"),
            (";Sampled=?", "00"),
            ("", "00"),
        ] {
            let trace = of(&format!("{ROOT};{PARENT}{rest}"));
            let expected = format!("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-{flags}");
            assert_eq!(trace.traceparent(), Some(expected.as_str()));
            assert_eq!(trace.id(), Some("5759e988bd862e3fe1be46a994272793"));
        }
    }

    #[test]
    fn what_is_no_whole_trace_of_x_ray_is_passed_on_as_it_is() {
        for header in [
            ROOT.to_owned(),
            PARENT.to_owned(),
            format!("Root=1-0-1;{PARENT}"),
            format!("Root=2-5759e988-bd862e3fe1be46a994272793;{PARENT}"),
            format!("{ROOT};Parent=0000000000000000"),
        ] {
            let trace = of(&header);
            assert_eq!(trace.headers(), [("x-amzn-trace-id", header.as_str())]);
        }
    }

    #[test]
    fn what_can_t_stand_in_a_header_is_left_out() {
        let long = "x".repeat(LONGEST_XRAY + 1);
        for header in ["", "a\r\nb: c", "é", "\"", long.as_str()] {
            assert_eq!(of(header), Trace::default(), "{header:?}");
        }
        let trace = Trace::default().with_w3c(Some(GIVEN), Some("a=b\n"));
        assert_eq!(trace.headers(), [("traceparent", GIVEN)]);
    }

    #[test]
    fn a_caller_s_own_headers_come_first() {
        let xray = format!("{ROOT};{PARENT};Sampled=1");
        let trace = of(&xray).with_w3c(Some(GIVEN), Some("congo=t61rcWkgMzE"));
        assert_eq!(
            trace.headers(),
            [
                ("x-amzn-trace-id", xray.as_str()),
                ("traceparent", GIVEN),
                ("tracestate", "congo=t61rcWkgMzE")
            ]
        );
    }

    #[test]
    fn an_invalid_traceparent_counts_as_none_and_tracestate_with_it() {
        let zeros = "0".repeat(32);
        let [id, parent] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
        for invalid in [
            String::new(),
            format!("{GIVEN},{GIVEN}"),
            format!("{GIVEN}-more"),
            format!("ff-{id}-{parent}-01"),
            format!("00-{zeros}-{parent}-01"),
            format!("00-{id}-{}-01", &zeros[..16]),
            format!("00-{}-{parent}-01", id.to_uppercase()),
            format!("00-{id}-{parent}"),
        ] {
            let trace = Trace::default().with_w3c(Some(&invalid), Some("a=b"));
            assert_eq!(trace, Trace::default(), "{invalid}");
        }
        for later in [
            format!("01-{id}-{parent}-01"),
            format!("cc-{id}-{parent}-01-what-will-be"),
        ] {
            let trace = Trace::default().with_w3c(Some(&later), None);
            assert_eq!(trace.traceparent(), Some(later.as_str()));
            assert_eq!(trace.id(), Some(id));
        }
    }

    #[tokio::test]
    async fn a_trace_is_known_within_its_scope_alone() {
        let trace = Trace::default().with_w3c(Some(GIVEN), None);
        let within = trace.clone().scope(async { Trace::current() }).await;
        assert_eq!(within, trace);
        assert_eq!(Trace::current(), Trace::default());
    }
}

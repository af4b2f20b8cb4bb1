//! Logs: one JSON object a line on stdout, where Lambda collects them.
//!
//! Photos never get there, nor do the words of a request or of another program's error. Those
//! who write a line leave the first two out; what other programs say stands between marks and
//! is left out here, and all lines are looked through for photos.

mod base64_runs;
mod said;

use std::fmt;
use std::io::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, layer};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

pub use self::base64_runs::{without_any_base64, without_base64};
pub use self::said::said;
use self::said::without_said;
use crate::telemetry::METRICS_TARGET;

/// Installs the subscriber. The level is `AWS_LAMBDA_LOG_LEVEL` (Lambda's
/// logging controls set it), else `RUST_LOG`, else `info`; metrics are written
/// at any level. Every line of an invocation carries its `requestId` in the
/// span that the runtime opens.
pub fn init() {
    let filter = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find_map(|level| EnvFilter::try_new(level.to_lowercase()).ok())
        .unwrap_or_else(|| EnvFilter::new("info"));
    subscriber(filter, io::stdout).init();
}

/// What writes lines and metrics.
pub(crate) fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Clone + Send + Sync + 'static,
{
    // Without it every event of every crate would be looked at.
    let finest = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let lines_filter = filter.and(filter_fn(may_be_logged).with_max_level_hint(finest));
    let lines = layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(WithoutPhotos(writer.clone()))
        .with_filter(lines_filter);
    let metrics = layer()
        .event_format(Bare)
        .with_writer(WithoutPhotos(writer))
        .with_filter(filter_fn(is_metrics).with_max_level_hint(LevelFilter::INFO));
    tracing_subscriber::registry().with(lines).with(metrics)
}

/// Other crates log whole bodies at their finer levels, the runtime whole
/// events, and with them photos. No filter may ask for those.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let is_own = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
    (is_own || *metadata.level() <= LevelFilter::INFO) && !is_metrics(metadata)
}

fn is_metrics(metadata: &Metadata<'_>) -> bool {
    metadata.target() == METRICS_TARGET
}

/// Writes an event's text alone: a line of metrics is a whole JSON document.
struct Bare;

impl<S, N> FormatEvent<S, N> for Bare
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = Text(String::new());
        event.record(&mut text);
        writeln!(writer, "{}", text.0)
    }
}

/// The text of an event that has no other field.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, _field: &Field, value: &str) {
        self.0.push_str(value);
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

/// Takes photos, and what other programs said, out of lines. A whole line is written at once.
struct WithoutPhotos<W>(W);

impl<'writer, W: MakeWriter<'writer>> MakeWriter<'writer> for WithoutPhotos<W> {
    type Writer = WithoutPhotos<W::Writer>;

    fn make_writer(&'writer self) -> Self::Writer {
        WithoutPhotos(self.0.make_writer())
    }
}

impl<W: Write> Write for WithoutPhotos<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&without_base64(&without_said(line)))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::Lines;

    /// What is written at this level while `work` is done.
    fn written(filter: &str, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(EnvFilter::new(filter), move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        lines.text()
    }

    #[test]
    fn no_level_shows_what_other_crates_say_about_bodies() {
        for filter in ["trace", "trace,lambda_runtime=trace,hyper::proto=trace"] {
            let text = written(filter, || {
                tracing::trace!("own detail");
                tracing::info!(target: "lambda_runtime", "runtime notice");
                tracing::trace!(target: "lambda_runtime", "photo");
                tracing::debug!(target: "aws_smithy_runtime", "photo");
                tracing::trace!(target: "hyper::proto::h1", "photo");
            });
            assert!(text.contains("own detail"), "{text}");
            assert!(text.contains("runtime notice"), "{text}");
            assert!(!text.contains("photo"), "{text}");
        }
    }

    #[test]
    fn metrics_are_lines_of_their_own_at_any_level() {
        for filter in ["error", "info", "trace"] {
            let text = written(filter, || {
                tracing::info!(target: METRICS_TARGET, document = r#"{"_aws":{}}"#);
            });
            assert_eq!(text, "{\"_aws\":{}}\n", "{filter}");
        }
    }

    #[test]
    fn a_photo_in_what_another_program_says_is_left_out() {
        let photo = "/9j/4AAQSkZJRgAB".repeat(40);
        let text = written("info", || {
            tracing::warn!(error = %format!("KeyError in {{\"image\": \"{photo}\"}}"), "failed");
        });
        assert!(text.contains("KeyError in"), "{text}");
        assert!(text.contains("(640 characters)"), "{text}");
        assert!(!text.contains("4AAQ"), "{text}");
    }

    /// The forms in which containers have given photos back.
    #[test]
    fn a_photo_in_any_form_in_the_words_of_an_error_is_left_out() {
        let photo: Vec<u8> = (0..=255).chain([0xff, 0xd8, 0xff, 0xe0]).collect();
        let base64 = "/9j/4AAQSkZJRgAB".repeat(12);
        let lines: Vec<&str> = base64
            .as_bytes()
            .chunks(76)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        for echo in [
            lines.join("\n"),
            "_9j_4AAQ-kZJRgAB".repeat(12),
            photo.escape_ascii().to_string(),
            format!("{photo:?}"),
            "Jane Customer jane@example.com".to_owned(),
        ] {
            let text = written("info", || {
                let error = format!("the model answered 400 (request id r-7): {}", said(&echo));
                tracing::warn!(%error, attempts = 3, "failed");
            });
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                line["error"],
                "the model answered 400 (request id r-7): «…»"
            );
            assert_eq!(line["attempts"], 3);
        }
    }
}

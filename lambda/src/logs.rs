//! Logs: one JSON object a line on stdout, where Lambda collects them.

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Installs the subscriber. The level is `AWS_LAMBDA_LOG_LEVEL` (Lambda's
/// logging controls set it), else `RUST_LOG`, else `info`. Every line of an
/// invocation carries its `requestId` in the span that the runtime opens.
pub fn init() {
    let filter = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find_map(|level| EnvFilter::try_new(level.to_lowercase()).ok())
        .unwrap_or_else(|| EnvFilter::new("info"));
    subscriber(filter, std::io::stdout).init();
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(may_be_logged))
        .with(lines)
}

/// Other crates log whole bodies at their finer levels, the runtime whole
/// events, and with them photos. No filter may ask for those.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let is_own = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
    is_own || *metadata.level() <= LevelFilter::INFO
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_level_shows_what_other_crates_say_about_bodies() {
        for filter in ["trace", "trace,lambda_runtime=trace,hyper::proto=trace"] {
            let lines = Lines::default();
            let writer = lines.clone();
            let subscriber = subscriber(EnvFilter::new(filter), move || writer.clone());
            tracing::subscriber::with_default(subscriber, || {
                tracing::trace!("own detail");
                tracing::info!(target: "lambda_runtime", "runtime notice");
                tracing::trace!(target: "lambda_runtime", "photo");
                tracing::debug!(target: "aws_smithy_runtime", "photo");
                tracing::trace!(target: "hyper::proto::h1", "photo");
            });
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            assert!(text.contains("own detail"), "{text}");
            assert!(text.contains("runtime notice"), "{text}");
            assert!(!text.contains("photo"), "{text}");
        }
    }
}

//! Logs: one JSON object a line on stdout, where Lambda collects them.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber. The level is `AWS_LAMBDA_LOG_LEVEL` (Lambda's
/// logging controls set it), else `RUST_LOG`, else `info`. Every line of an
/// invocation carries its `requestId` in the span that the runtime opens.
pub fn init() {
    let filter = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .filter_map(|variable| std::env::var(variable).ok())
        .find_map(|level| EnvFilter::try_new(level.to_lowercase()).ok())
        .unwrap_or_else(|| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

//! `describe-product`: the Lambda function's process.

use std::convert::Infallible;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use describe_product::entrypoints::{App, Reply, StreamedBody, reply};
use describe_product::settings::{self, Settings};
use describe_product::{adapters, logs};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use mimalloc::MiMalloc;
use serde_json::Value;

// A call allocates thousands of times: with the C library's allocator that is a seventh of
// its processor time, most of which this one saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

// One event at a time, and its calls are waited for and not computed: other threads would be
// woken for nothing. What does compute for long, scaling a photo, has a thread of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        // A reader that closes the pipe early is no reason to fail.
        let _ = writeln!(std::io::stdout(), "{}", settings::help());
        return ExitCode::SUCCESS;
    }
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("describe-product: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let start = Instant::now();
    let settings = Settings::from_env().context("wrong setting")?;
    // The runtime crate panics without these, which would hide what is missing.
    for variable in ["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME"] {
        ensure!(
            std::env::var_os(variable).is_some(),
            "{variable} is not set: this program is started by AWS Lambda or by its emulator \
             (cargo lambda watch)"
        );
    }
    logs::init();
    let services = adapters::connect(&settings).await;
    let app = Arc::new(App::new(settings, services).started_in(start.elapsed()));
    let app = &app;
    let handler = service_fn(move |event: LambdaEvent<Value>| async move {
        // On the heap: as a part of the runtime's own future it is nested too deeply for
        // the compiler.
        Box::pin(reply(app, event)).await.map_err(Unlogged)
    });
    lambda_runtime::run::<Value, _, Reply, Value, StreamedBody, Bytes, Infallible>(handler)
        .await
        .map_err(|error| anyhow::anyhow!("the Lambda runtime ended: {error}"))
}

/// The error of an invocation. The runtime logs it in its debug form, and its message may
/// quote the event: that is for whoever invoked the function alone.
struct Unlogged(Diagnostic);

impl fmt::Debug for Unlogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the invocation failed: {}", self.0.error_type)
    }
}

impl From<Unlogged> for Diagnostic {
    fn from(error: Unlogged) -> Diagnostic {
        error.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_has_no_words_of_the_request_to_log() {
        let error = Unlogged(Diagnostic {
            error_type: "invalid-request".to_owned(),
            error_message: "unknown field `Jane`".to_owned(),
        });
        assert_eq!(
            format!("{error:?}"),
            "the invocation failed: invalid-request"
        );
        assert_eq!(
            Diagnostic::from(error).error_message,
            "unknown field `Jane`"
        );
    }
}

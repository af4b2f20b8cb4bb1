//! `describe-product`: the Lambda function's process.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use describe_product::entrypoints::{App, handle};
use describe_product::settings::{self, Settings};
use describe_product::{adapters, logs};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
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
    let app = App::new(settings, services);
    let handler = service_fn(|event: LambdaEvent<Value>| handle(&app, event));
    lambda_runtime::run(handler)
        .await
        .map_err(|error| anyhow::anyhow!("the Lambda runtime ended: {error}"))
}

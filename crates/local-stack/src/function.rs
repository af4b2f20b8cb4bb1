//! The function's process.

use tokio::process::Command;

use crate::FUNCTION;
use crate::programs::Programs;

/// Whom a process of the function talks to, as URLs.
#[derive(Debug, Clone, Copy)]
pub struct FunctionConnections<'a> {
    /// Its Runtime API: the value of `AWS_LAMBDA_RUNTIME_API`.
    pub runtime_api: &'a str,
    /// S3.
    pub s3: &'a str,
    /// The Bedrock runtime.
    pub bedrock: &'a str,
    /// The SageMaker runtime that has the endpoint.
    pub endpoint: &'a str,
}

/// The command that starts the function, in an environment as Lambda gives it and
/// with `settings` of its own.
pub fn function_command(
    programs: &Programs,
    connections: FunctionConnections<'_>,
    settings: &[(String, String)],
) -> Command {
    let mut command = Command::new(&programs.function);
    command
        // The settings of whoever runs this are not the function's.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("AWS_LAMBDA_RUNTIME_API", connections.runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "local")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_ENDPOINT_URL_S3", connections.s3)
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", connections.bedrock)
        .env("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", connections.endpoint)
        .envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

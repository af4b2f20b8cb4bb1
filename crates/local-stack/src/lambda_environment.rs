//! The environment in which AWS Lambda starts a function.

use crate::FUNCTION;

/// Where the services are that the function calls, by their addresses: `http://…`.
#[derive(Debug, Clone, Copy)]
pub struct ServiceUrls<'a> {
    /// S3.
    pub s3: &'a str,
    /// Bedrock Runtime.
    pub bedrock: &'a str,
    /// SageMaker Runtime.
    pub endpoint: &'a str,
}

/// The variables that Lambda sets, as far as a runtime or an AWS SDK reads them, and those
/// that lead the SDK to `services`; any credentials do there.
///
/// `runtime_api` is where the function finds its Runtime API. See
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.
pub fn lambda_environment(
    runtime_api: &str,
    services: ServiceUrls<'_>,
) -> Vec<(&'static str, String)> {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "local"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        // The SDKs for Rust and for Python read one of these each.
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_S3", services.s3),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", services.bedrock),
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", services.endpoint),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

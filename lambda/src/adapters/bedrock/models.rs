//! One call of a model.

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::operation::RequestId;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ConverseStreamOutput, GuardrailConfiguration, GuardrailStreamConfiguration,
};
use bytes::Bytes;

use super::converse_parts;
use super::parts::{self, Parts};
use crate::adapters::retry::{Retry, Retryable};
use crate::adapters::trace_headers::TraceHeaders;
use crate::adapters::{said, shortened, with_causes, with_request_id};
use crate::settings::Guardrail;

/// What a `ValidationException` says of a model that can't be called by its id:
/// it is unknown here, at its end of life, or behind an inference profile.
const GONE_PHRASES: [&str; 4] = [
    "model identifier is invalid",
    "end of its life",
    "end of life",
    "inference profile",
];

/// Something that runs models by their id.
#[async_trait]
pub trait InvokeModel: Send + Sync {
    /// Sends one body to a model and gives the answer's body back.
    async fn invoke(&self, model_id: &str, body: Bytes) -> Result<Bytes, ModelError>;

    /// Sends one request, which names its model, and gives the answer back.
    async fn converse(&self, request: ConverseInputBuilder) -> Result<ConverseOutput, ModelError>;

    /// Sends one body to a model and gives the answer's parts back as they come, a JSON
    /// document each.
    async fn invoke_in_parts(
        &self,
        model_id: &str,
        body: Bytes,
    ) -> Result<Parts<Bytes>, ModelError>;

    /// Sends one request, which names its model, and gives the answer's parts back as they
    /// come.
    async fn converse_in_parts(
        &self,
        request: ConverseInputBuilder,
    ) -> Result<Parts<ConverseStreamOutput>, ModelError>;
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What it means for the next step.
    pub kind: ModelErrorKind,
    /// Bedrock's code, the request's id where there is one, and Bedrock's words.
    pub message: String,
}

/// What an error means for the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelErrorKind {
    /// This id will not be answered again.
    Gone,
    /// The account or the role has no access to the model.
    AccessDenied,
    /// Too many calls for now, or the model is still loading.
    Throttled,
    /// A fault that may pass.
    Transient,
    /// The request itself is refused.
    Refused,
}

impl Retryable for ModelError {
    fn retry(&self) -> Retry {
        match self.kind {
            ModelErrorKind::Throttled => Retry::UntilDeadline,
            ModelErrorKind::Transient => Retry::AFewTimes,
            ModelErrorKind::Gone | ModelErrorKind::AccessDenied | ModelErrorKind::Refused => {
                Retry::Never
            }
        }
    }

    fn is_outage(&self) -> bool {
        self.kind == ModelErrorKind::Transient
    }
}

/// The models of Bedrock, or behind `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`.
pub struct SdkModels {
    client: Client,
    guardrail: Option<Guardrail>,
}

impl SdkModels {
    /// The models of `region`, by default the configuration's. Connects to
    /// nothing yet.
    pub fn new(config: &SdkConfig, region: Option<Region>) -> SdkModels {
        let mut builder =
            aws_sdk_bedrockruntime::config::Builder::from(config).interceptor(TraceHeaders);
        if region.is_some() {
            builder.set_region(region);
        }
        SdkModels {
            client: Client::from_conf(builder.build()),
            guardrail: None,
        }
    }

    /// The same models behind a guardrail, where there is one.
    pub fn with_guardrail(self, guardrail: Option<Guardrail>) -> SdkModels {
        SdkModels { guardrail, ..self }
    }
}

/// What InvokeModel is sent, whether its answer comes whole or in parts: the SDK has a type of
/// its own for each of the two calls.
macro_rules! invocation {
    ($call:ident, $guardrail:ident, $model_id:ident, $body:ident) => {
        $call
            .model_id($model_id)
            .content_type("application/json")
            .accept("application/json")
            .set_guardrail_identifier($guardrail.map(|guardrail| guardrail.id.clone()))
            .set_guardrail_version($guardrail.map(|guardrail| guardrail.version.clone()))
            .body(Blob::from_maybe_shared($body))
    };
}

#[async_trait]
impl InvokeModel for SdkModels {
    async fn invoke(&self, model_id: &str, body: Bytes) -> Result<Bytes, ModelError> {
        let call = self.client.invoke_model();
        let guardrail = self.guardrail.as_ref();
        let output = invocation!(call, guardrail, model_id, body).send().await;
        let output = output.map_err(model_error)?;
        Ok(output.body.into_inner().into())
    }

    async fn converse(&self, request: ConverseInputBuilder) -> Result<ConverseOutput, ModelError> {
        let guardrail = self.guardrail.as_ref().map(|guardrail| {
            GuardrailConfiguration::builder()
                .guardrail_identifier(&guardrail.id)
                .guardrail_version(&guardrail.version)
                .build()
        });
        request
            .set_guardrail_config(guardrail)
            .send_with(&self.client)
            .await
            .map_err(model_error)
    }

    async fn invoke_in_parts(
        &self,
        model_id: &str,
        body: Bytes,
    ) -> Result<Parts<Bytes>, ModelError> {
        let call = self.client.invoke_model_with_response_stream();
        let guardrail = self.guardrail.as_ref();
        let output = invocation!(call, guardrail, model_id, body).send().await;
        let output = output.map_err(model_error)?;
        Ok(parts::of_invoke(output.body))
    }

    async fn converse_in_parts(
        &self,
        request: ConverseInputBuilder,
    ) -> Result<Parts<ConverseStreamOutput>, ModelError> {
        // A guardrail looks at a part before it lets it through, unless it is told otherwise.
        let guardrail = self.guardrail.as_ref().map(|guardrail| {
            GuardrailStreamConfiguration::builder()
                .guardrail_identifier(&guardrail.id)
                .guardrail_version(&guardrail.version)
                .build()
        });
        let output = converse_parts::request(&request)
            .set_guardrail_config(guardrail)
            .send_with(&self.client)
            .await
            .map_err(model_error)?;
        Ok(parts::of_converse(output.stream))
    }
}

fn model_error<E>(error: SdkError<E>) -> ModelError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match &error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("unknown error");
            let message = context.err().message().unwrap_or("no message");
            let kind = classify(code, message, context.raw().status().as_u16());
            ModelError {
                kind,
                message: format!(
                    "{}: {}",
                    with_request_id(code, error.request_id()),
                    said(message)
                ),
            }
        }
        SdkError::ConstructionFailure(_) => ModelError {
            kind: ModelErrorKind::Refused,
            message: shortened(&with_causes(&error)),
        },
        _ => ModelError {
            kind: ModelErrorKind::Transient,
            message: shortened(&with_causes(&error)),
        },
    }
}

/// Bedrock's error codes:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>.
pub(super) fn classify(code: &str, message: &str, status: u16) -> ModelErrorKind {
    let message = message.to_lowercase();
    match code {
        // The setting is wrong, or the role's permission: no other model would help.
        "ResourceNotFoundException" | "ValidationException" | "AccessDeniedException"
            if message.contains("guardrail") =>
        {
            ModelErrorKind::Refused
        }
        "ResourceNotFoundException" => ModelErrorKind::Gone,
        "ValidationException" if GONE_PHRASES.iter().any(|phrase| message.contains(phrase)) => {
            ModelErrorKind::Gone
        }
        "AccessDeniedException" => ModelErrorKind::AccessDenied,
        "ThrottlingException"
        | "ServiceQuotaExceededException"
        | "ModelNotReadyException"
        | "ServiceUnavailableException" => ModelErrorKind::Throttled,
        _ => match status {
            429 | 503 => ModelErrorKind::Throttled,
            408 | 424 | 500.. => ModelErrorKind::Transient,
            _ => ModelErrorKind::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_code_and_words() {
        use ModelErrorKind::*;
        for (code, message, status, kind) in [
            (
                "ResourceNotFoundException",
                "This model version has reached the end of its life.",
                404,
                Gone,
            ),
            (
                "ValidationException",
                "The provided model identifier is invalid.",
                400,
                Gone,
            ),
            (
                "ValidationException",
                "This model version has reached its End Of Life.",
                400,
                Gone,
            ),
            (
                "ValidationException",
                "Invocation of model ID x with on-demand throughput isn’t supported. Retry your \
                 request with the ID or ARN of an inference profile that contains this model.",
                400,
                Gone,
            ),
            (
                "ValidationException",
                "temperature: range: 0..1",
                400,
                Refused,
            ),
            (
                "AccessDeniedException",
                "You don't have access to the model.",
                403,
                AccessDenied,
            ),
            (
                "ValidationException",
                "The guardrail identifier or version provided in the request does not exist.",
                400,
                Refused,
            ),
            (
                "AccessDeniedException",
                "User x is not authorized to perform: bedrock:ApplyGuardrail on resource: y",
                403,
                Refused,
            ),
            ("ThrottlingException", "Too many requests", 429, Throttled),
            ("ModelNotReadyException", "", 429, Throttled),
            ("ServiceUnavailableException", "", 503, Throttled),
            ("InternalServerException", "", 500, Transient),
            ("ModelErrorException", "", 424, Transient),
            ("ModelTimeoutException", "", 408, Transient),
            ("unknown error", "no message", 502, Transient),
            ("UnrecognizedClientException", "", 403, Refused),
        ] {
            assert_eq!(classify(code, message, status), kind, "{code}: {message}");
        }
    }
}

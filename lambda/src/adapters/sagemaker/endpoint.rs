//! One call to the endpoint.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sagemakerruntime::operation::RequestId;
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::primitives::Blob;
use bytes::Bytes;
use serde::Deserialize;

use crate::adapters::retry::{Retry, Retryable};
use crate::adapters::trace_headers::TraceHeaders;
use crate::adapters::{said, shortened, with_causes, with_request_id};
use crate::telemetry::{TRACEPARENT, Trace};

/// The model server's code for a photo that it can't use.
const PHOTO_CODE: &str = "invalid_image";

/// What SageMaker says, as a `ValidationError`, of an inference component that has scaled to zero
/// or is still being started; the failed call is what starts it.
const NO_CAPACITY: &str = "no capacity to process this request";

/// Something that answers `POST /invocations` with a JSON body.
#[async_trait]
pub trait InvokeEndpoint: Send + Sync {
    /// Sends one body and gives the answer's body back.
    async fn invoke(&self, body: Bytes) -> Result<Bytes, InvokeError>;
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// The container answered with an error of its own.
    #[error("{}: {}", answered(.status, .request_id), said(.message))]
    Model {
        /// SageMaker's `OriginalStatusCode`; 0 where the container did not answer
        /// in time.
        status: u16,
        /// SageMaker's `OriginalMessage`: the container's body.
        message: String,
        /// SageMaker's id of the request, where it gave one.
        request_id: Option<String>,
    },
    /// SageMaker turns calls away for now.
    #[error("{0}")]
    Throttled(String),
    /// SageMaker is not reached, or failed.
    #[error("{0}")]
    Unavailable(String),
    /// SageMaker refuses the call.
    #[error("{0}")]
    Refused(String),
}

fn answered(status: &u16, request_id: &Option<String>) -> String {
    with_request_id(
        &format!("the model answered {status}"),
        request_id.as_deref(),
    )
}

impl Retryable for InvokeError {
    fn retry(&self) -> Retry {
        match self {
            InvokeError::Throttled(_)
            | InvokeError::Model {
                status: 429 | 503, ..
            } => Retry::UntilDeadline,
            InvokeError::Unavailable(_)
            | InvokeError::Model {
                status: 0 | 408 | 500..,
                ..
            } => Retry::AFewTimes,
            InvokeError::Model { .. } | InvokeError::Refused(_) => Retry::Never,
        }
    }

    /// A container's 500 may be about what it was asked.
    fn is_outage(&self) -> bool {
        matches!(
            self,
            InvokeError::Unavailable(_)
                | InvokeError::Model {
                    status: 0 | 408 | 501 | 502 | 504..,
                    ..
                }
        )
    }
}

/// The body of an error of this project's own model server.
#[derive(Deserialize)]
struct OwnErrorBody {
    error: OwnError,
}

#[derive(Deserialize)]
struct OwnError {
    code: String,
    message: String,
}

impl InvokeError {
    /// What the model server says is wrong with the photo, if that is the error.
    pub fn about_photo(&self) -> Option<String> {
        self.own_error()
            .filter(|error| error.code == PHOTO_CODE)
            .map(|error| error.message)
    }

    /// Whether a container that is not this project's own calls the request
    /// itself wrong: it does not know the batched form.
    pub fn is_foreign_refusal(&self) -> bool {
        matches!(self, InvokeError::Model { status, .. }
            if matches!(status, 400..=499) && !matches!(status, 408 | 413 | 429))
            && self.own_error().is_none()
    }

    /// Whether a container that is not this project's own failed. Some answer a
    /// form that they do not know so, but a fault of any container that has
    /// nothing to do with the form looks the same.
    pub fn is_foreign_fault(&self) -> bool {
        matches!(self, InvokeError::Model { status: 500, .. }) && self.own_error().is_none()
    }

    fn own_error(&self) -> Option<OwnError> {
        let InvokeError::Model { message, .. } = self else {
            return None;
        };
        serde_json::from_str::<OwnErrorBody>(message)
            .ok()
            .map(|body| body.error)
    }
}

/// An endpoint in SageMaker, or behind `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME`.
pub struct SdkEndpoint {
    client: Client,
    endpoint_name: String,
    inference_component_name: Option<String>,
}

impl SdkEndpoint {
    /// Connects to nothing yet. Where the endpoint hosts inference components, the calls are
    /// for the one that is named.
    pub fn new(
        config: &SdkConfig,
        endpoint_name: &str,
        inference_component_name: Option<String>,
    ) -> SdkEndpoint {
        let config = aws_sdk_sagemakerruntime::config::Builder::from(config)
            .interceptor(TraceHeaders)
            .build();
        SdkEndpoint {
            client: Client::from_conf(config),
            endpoint_name: endpoint_name.to_owned(),
            inference_component_name,
        }
    }
}

#[async_trait]
impl InvokeEndpoint for SdkEndpoint {
    async fn invoke(&self, body: Bytes) -> Result<Bytes, InvokeError> {
        let output = self
            .client
            .invoke_endpoint()
            .endpoint_name(&self.endpoint_name)
            .set_inference_component_name(self.inference_component_name.clone())
            .content_type("application/json")
            .accept("application/json")
            .set_custom_attributes(custom_attributes())
            .body(Blob::from_maybe_shared(body))
            .send()
            .await
            .map_err(invoke_error)?;
        Ok(output.body.map(Blob::into_bytes).unwrap_or_default())
    }
}

/// The trace, for the container: SageMaker takes every header off a call but those of its own
/// API, and passes these attributes on as they are (the model server reads them).
/// <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html>
fn custom_attributes() -> Option<String> {
    let trace = Trace::current();
    let traceparent = trace.traceparent()?;
    Some(format!("{TRACEPARENT}={traceparent}"))
}

fn invoke_error(error: SdkError<InvokeEndpointError>) -> InvokeError {
    let words = shortened(&with_causes(&error));
    let request_id = error.request_id();
    let (service, response) = match &error {
        SdkError::ServiceError(context) => (context.err(), context.raw()),
        SdkError::ConstructionFailure(_) => return InvokeError::Refused(words),
        _ => return InvokeError::Unavailable(words),
    };
    if let InvokeEndpointError::ModelError(model) = service {
        let status = model
            .original_status_code()
            .and_then(|status| u16::try_from(status).ok());
        return InvokeError::Model {
            status: status.unwrap_or(0),
            message: model
                .original_message()
                .or(model.message())
                .unwrap_or_default()
                .to_owned(),
            request_id: request_id.map(str::to_owned),
        };
    }
    let code = service.code().unwrap_or("unknown error");
    let message = service.message().unwrap_or("no message");
    let words = format!("{}: {}", with_request_id(code, request_id), said(message));
    match (code, response.status().as_u16()) {
        ("ThrottlingException" | "ModelNotReadyException" | "ServiceUnavailable", _)
        | (_, 429 | 503) => InvokeError::Throttled(words),
        (_, 500..) => InvokeError::Unavailable(words),
        _ if message.contains(NO_CAPACITY) => InvokeError::Unavailable(words),
        _ => InvokeError::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model_error(status: u16, message: &str) -> InvokeError {
        InvokeError::Model {
            status,
            message: message.to_owned(),
            request_id: None,
        }
    }

    #[test]
    fn the_original_status_decides_about_another_try() {
        for (status, retry) in [
            (0, Retry::AFewTimes),
            (400, Retry::Never),
            (408, Retry::AFewTimes),
            (413, Retry::Never),
            (429, Retry::UntilDeadline),
            (500, Retry::AFewTimes),
            (503, Retry::UntilDeadline),
            (504, Retry::AFewTimes),
        ] {
            assert_eq!(model_error(status, "").retry(), retry, "{status}");
        }
        assert_eq!(InvokeError::Refused(String::new()).retry(), Retry::Never);
    }

    #[test]
    fn the_container_s_words_are_marked_and_cut() {
        let error = InvokeError::Model {
            status: 400,
            message: format!("«a»{}", "b ".repeat(300)),
            request_id: Some("r-7".to_owned()),
        };
        let words = error.to_string();
        let expected = format!(
            "the model answered 400 (request id r-7): «\"a\"{}…»",
            &"b ".repeat(300)[..497]
        );
        assert_eq!(words, expected);
    }

    #[test]
    fn what_one_photo_may_cause_is_no_outage() {
        for (status, outage) in [
            (0, true),
            (400, false),
            (408, true),
            (429, false),
            (500, false),
            (502, true),
            (503, false),
            (504, true),
        ] {
            assert_eq!(model_error(status, "").is_outage(), outage, "{status}");
        }
        assert!(InvokeError::Unavailable(String::new()).is_outage());
        assert!(!InvokeError::Throttled(String::new()).is_outage());
        assert!(!InvokeError::Refused(String::new()).is_outage());
    }

    #[test]
    fn a_broken_photo_is_told_from_an_unknown_form() {
        let photo = model_error(
            400,
            r#"{"error":{"code":"invalid_image","message":"cut short"}}"#,
        );
        assert_eq!(photo.about_photo().as_deref(), Some("cut short"));
        assert!(!photo.is_foreign_refusal());

        let own = model_error(
            400,
            r#"{"error":{"code":"too_many_prompts","message":"65"}}"#,
        );
        assert_eq!(own.about_photo(), None);
        assert!(!own.is_foreign_refusal());

        let foreign = r#"{"code": 400, "type": "InternalServerException", "message": "'prompt'"}"#;
        assert!(model_error(400, foreign).is_foreign_refusal());
        for status in [0, 408, 413, 429, 500, 502, 503, 504] {
            let error = model_error(status, "KeyError: 'prompt'");
            assert!(!error.is_foreign_refusal(), "{status}");
            assert_eq!(error.is_foreign_fault(), status == 500, "{status}");
        }
        let own = r#"{"error":{"code":"out_of_memory","message":"try again"}}"#;
        assert!(!model_error(500, own).is_foreign_fault());
        assert!(!InvokeError::Throttled("x".into()).is_foreign_refusal());
    }
}

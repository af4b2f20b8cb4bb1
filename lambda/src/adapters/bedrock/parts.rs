//! An answer of Bedrock in parts, as the SDK receives them.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::{ConverseStreamOutputError, ResponseStreamError};
use aws_sdk_bedrockruntime::types::{ConverseStreamOutput, ResponseStream};
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, try_unfold};

use super::models::classify;
use super::{ModelError, ModelErrorKind};
use crate::adapters::{said, shortened, with_causes};

/// The parts, in order. It ends with the answer, or with the first error.
pub type Parts<T> = BoxStream<'static, Result<T, ModelError>>;

/// The parts of `InvokeModelWithResponseStream`: a JSON document each.
pub fn of_invoke(receiver: EventReceiver<ResponseStream, ResponseStreamError>) -> Parts<Bytes> {
    let parts = try_unfold(receiver, |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(Some(ResponseStream::Chunk(part))) => {
                    let document = part.bytes.map(Blob::into_inner).unwrap_or_default();
                    return Ok(Some((Bytes::from(document), receiver)));
                }
                // Of a kind that came after this function.
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(model_error(error)),
            }
        }
    });
    parts.boxed()
}

/// The parts of `ConverseStream`.
pub fn of_converse(
    receiver: EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>,
) -> Parts<ConverseStreamOutput> {
    let parts = try_unfold(receiver, |mut receiver| async move {
        match receiver.recv().await {
            Ok(Some(part)) => Ok(Some((part, receiver))),
            Ok(None) => Ok(None),
            Err(error) => Err(model_error(error)),
        }
    });
    parts.boxed()
}

/// An exception that comes after the answer has begun: its name stands in the frame, where
/// the SDK reads it from, and not in the metadata of the error.
trait Exception: ProvideErrorMetadata + Error + 'static {
    /// Its name, as far as it says what to do.
    fn name(&self) -> &'static str;
}

impl Exception for ResponseStreamError {
    fn name(&self) -> &'static str {
        match self {
            ResponseStreamError::ThrottlingException(_) => "ThrottlingException",
            ResponseStreamError::ServiceUnavailableException(_) => "ServiceUnavailableException",
            ResponseStreamError::ValidationException(_) => "ValidationException",
            _ => "error in the answer",
        }
    }
}

impl Exception for ConverseStreamOutputError {
    fn name(&self) -> &'static str {
        match self {
            ConverseStreamOutputError::ThrottlingException(_) => "ThrottlingException",
            ConverseStreamOutputError::ServiceUnavailableException(_) => {
                "ServiceUnavailableException"
            }
            ConverseStreamOutputError::ValidationException(_) => "ValidationException",
            _ => "error in the answer",
        }
    }
}

fn model_error<E: Exception, R: Debug>(error: SdkError<E, R>) -> ModelError {
    let SdkError::ServiceError(context) = &error else {
        // The connection, or what came through it.
        return ModelError {
            kind: ModelErrorKind::Transient,
            message: shortened(&with_causes(&error)),
        };
    };
    let exception = context.err();
    let name = exception.name();
    let message = exception.message().unwrap_or("no message");
    // What is not told by its name is a fault of the model or of the service.
    let status = match name {
        "ValidationException" => 400,
        _ => 500,
    };
    ModelError {
        kind: classify(name, message, status),
        message: format!("{name}: {}", said(message)),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrockruntime::types::error::{
        InternalServerException, ThrottlingException, ValidationException,
    };

    use super::*;

    #[test]
    fn exceptions_in_an_answer_are_told_apart() {
        let throttled = ThrottlingException::builder().message("Too many").build();
        let invalid = ValidationException::builder().message("Too long").build();
        let failed = InternalServerException::builder().build();
        for (error, kind) in [
            (
                ResponseStreamError::ThrottlingException(throttled),
                ModelErrorKind::Throttled,
            ),
            (
                ResponseStreamError::ValidationException(invalid),
                ModelErrorKind::Refused,
            ),
            (
                ResponseStreamError::InternalServerException(failed),
                ModelErrorKind::Transient,
            ),
        ] {
            let words = error.to_string();
            let error = model_error(SdkError::service_error(error, ()));
            assert_eq!(error.kind, kind, "{words}");
        }
    }
}

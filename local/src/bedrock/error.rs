//! The exceptions of the Bedrock Runtime, in the form of AWS's REST-JSON protocol.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode, header};

use crate::writer::WriterError;

/// An exception; the names are those of the Bedrock Runtime API reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BedrockError {
    /// The request is wrong: 400.
    #[error("{0}")]
    Validation(String),
    /// The account may not use the model: 403.
    #[error("{0}")]
    AccessDenied(String),
    /// There is no such model, any more: 404.
    #[error("{0}")]
    ResourceNotFound(String),
    /// Too many requests: 429.
    #[error("{0}")]
    Throttling(String),
    /// An operation other than InvokeModel and Converse: 404.
    #[error("{0}")]
    UnknownOperation(String),
    /// The server's fault: 500.
    #[error("{0}")]
    InternalServer(String),
}

impl BedrockError {
    /// The exception's name, as SDKs know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationException",
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::ResourceNotFound(_) => "ResourceNotFoundException",
            Self::Throttling(_) => "ThrottlingException",
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::InternalServer(_) => "InternalServerException",
        }
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Validation(_) => StatusCode::BAD_REQUEST,
            Self::AccessDenied(_) => StatusCode::FORBIDDEN,
            Self::ResourceNotFound(_) | Self::UnknownOperation(_) => StatusCode::NOT_FOUND,
            Self::Throttling(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalServer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What AWS says of an id that no model has.
    pub fn invalid_identifier() -> Self {
        Self::Validation("The provided model identifier is invalid.".to_owned())
    }

    /// What AWS says when there is no capacity for a request.
    pub fn too_many_requests() -> Self {
        Self::Throttling("Too many requests, please wait before trying again.".to_owned())
    }
}

impl From<WriterError> for BedrockError {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::TooLong { tokens, limit } => Self::Validation(format!(
                "Input is too long for requested model: {tokens} tokens of at most {limit}."
            )),
            WriterError::Busy { .. } => Self::too_many_requests(),
            WriterError::Stopped | WriterError::Model(_) => Self::InternalServer(error.to_string()),
        }
    }
}

impl IntoResponse for BedrockError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "message": self.to_string() });
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (HeaderName::from_static("x-amzn-errortype"), self.name()),
        ];
        (self.status(), headers, body.to_string()).into_response()
    }
}

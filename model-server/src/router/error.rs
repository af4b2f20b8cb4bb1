//! Errors as the client sees them: `{"error": {"code": "…", "message": "…"}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::core::{AdapterError, CoreError, RequestError};

/// The longest message; longer ones lose their middle, so that an error about a
/// huge request stays small.
const MAX_MESSAGE_CHARACTERS: usize = 600;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The body is not JSON.
    InvalidJson,
    /// A field is missing, unknown or of a wrong type, or asks for too much.
    InvalidRequest,
    /// The same for one of the `parameters`.
    InvalidParameter,
    /// The image cannot be read.
    InvalidImage,
    /// There is no such adapter.
    UnknownAdapter,
    /// There is no such path.
    NotFound,
    /// The path takes another method.
    MethodNotAllowed,
    /// No answer can be given in a form that the client accepts.
    NotAcceptable,
    /// The request was not sent in time.
    RequestTimeout,
    /// The body is over the limit.
    PayloadTooLarge,
    /// The body is of a kind that is not read.
    UnsupportedMediaType,
    /// Too many questions wait.
    Overloaded,
    /// The server has failed.
    Internal,
    /// The adapter is not whole, or not for this model.
    UnusableAdapter,
    /// The model is being loaded, or the server is ending.
    NotReady,
}

impl ErrorCode {
    /// All of them, by status.
    pub(super) const ALL: [ErrorCode; 15] = [
        ErrorCode::InvalidJson,
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidParameter,
        ErrorCode::InvalidImage,
        ErrorCode::UnknownAdapter,
        ErrorCode::NotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::NotAcceptable,
        ErrorCode::RequestTimeout,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::Overloaded,
        ErrorCode::Internal,
        ErrorCode::UnusableAdapter,
        ErrorCode::NotReady,
    ];

    /// Status, the code's text in the answer, and after how many seconds another
    /// try may help.
    pub(super) fn contract(self) -> (StatusCode, &'static str, Option<u16>) {
        match self {
            ErrorCode::InvalidJson => (StatusCode::BAD_REQUEST, "invalid_json", None),
            ErrorCode::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request", None),
            ErrorCode::InvalidParameter => (StatusCode::BAD_REQUEST, "invalid_parameter", None),
            ErrorCode::InvalidImage => (StatusCode::BAD_REQUEST, "invalid_image", None),
            ErrorCode::UnknownAdapter => (StatusCode::BAD_REQUEST, "unknown_adapter", None),
            ErrorCode::NotFound => (StatusCode::NOT_FOUND, "not_found", None),
            ErrorCode::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", None)
            }
            ErrorCode::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not_acceptable", None),
            ErrorCode::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout", None),
            ErrorCode::PayloadTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", None)
            }
            ErrorCode::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                None,
            ),
            ErrorCode::Overloaded => (StatusCode::TOO_MANY_REQUESTS, "overloaded", Some(1)),
            ErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", None),
            ErrorCode::UnusableAdapter => {
                (StatusCode::SERVICE_UNAVAILABLE, "unusable_adapter", Some(5))
            }
            ErrorCode::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not_ready", Some(5)),
        }
    }

    /// Its text in the answer.
    pub(super) fn name(self) -> &'static str {
        self.contract().1
    }

    /// Whether it may be answered before the body of the request was read.
    fn leaves_body_unread(self) -> bool {
        matches!(
            self,
            ErrorCode::NotFound
                | ErrorCode::MethodNotAllowed
                | ErrorCode::NotAcceptable
                | ErrorCode::RequestTimeout
                | ErrorCode::PayloadTooLarge
                | ErrorCode::UnsupportedMediaType
                | ErrorCode::Overloaded
                | ErrorCode::NotReady
        )
    }
}

/// An error that a request is answered with.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    cause: Option<String>,
    leaves_body_unread: bool,
}

/// What the log says about a request that failed; travels with the response.
#[derive(Clone, Debug)]
pub(super) struct ErrorNote {
    pub(super) code: &'static str,
    pub(super) message: String,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorFields<'a>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    code: &'a str,
    message: &'a str,
}

impl ApiError {
    /// An error whose message says what to mend.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError {
            code,
            message: tidy(message.into()),
            cause: None,
            leaves_body_unread: code.leaves_body_unread(),
        }
    }

    /// A failure of the server. The cause is for the log only.
    pub(super) fn internal(cause: impl std::fmt::Display) -> ApiError {
        let message = "the server failed on this request; its log has the cause under the \
                       request id";
        ApiError {
            cause: Some(cause.to_string()),
            ..ApiError::new(ErrorCode::Internal, message)
        }
    }

    /// The same, found out before the body was read.
    pub(super) fn before_body(self) -> ApiError {
        ApiError {
            leaves_body_unread: true,
            ..self
        }
    }

    /// What to mend.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The failure behind it, which is for the log only.
    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(super) fn code(&self) -> ErrorCode {
        self.code
    }

    pub(super) fn status(&self) -> StatusCode {
        self.code.contract().0
    }

    pub(super) fn body(&self) -> impl Serialize + '_ {
        ErrorBody {
            error: ErrorFields {
                code: self.code.contract().1,
                message: &self.message,
            },
        }
    }

    /// Adds what every answer with this error has besides its body.
    pub(super) fn annotate(&self, response: &mut Response) {
        let (_, code, retry_after_s) = self.code.contract();
        if let Some(seconds) = retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.leaves_body_unread {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        let message = self.cause.clone().unwrap_or_else(|| self.message.clone());
        response
            .extensions_mut()
            .insert(ErrorNote { code, message });
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        self.annotate(&mut response);
        response
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let code = match error {
            RequestError::ParameterOverLimit { .. }
            | RequestError::Parameter(_)
            | RequestError::NoChoices { .. }
            | RequestError::TooManyChoices { .. }
            | RequestError::TooManyChoicesInAll { .. }
            | RequestError::EmptyChoice { .. }
            | RequestError::ChoiceTooLong { .. }
            | RequestError::Choices { .. }
            | RequestError::AbstainBelow { .. } => ErrorCode::InvalidParameter,
            RequestError::NoPrompts
            | RequestError::TooManyPrompts { .. }
            | RequestError::EmptyPrompt { .. }
            | RequestError::PromptTooLong { .. }
            | RequestError::PromptTooManyTokens { .. } => ErrorCode::InvalidRequest,
        };
        ApiError::new(code, error.to_string())
    }
}

impl From<AdapterError> for ApiError {
    fn from(error: AdapterError) -> Self {
        let code = match error {
            AdapterError::NotServed { .. } | AdapterError::Name { .. } => ErrorCode::InvalidRequest,
            AdapterError::Unknown { .. } => ErrorCode::UnknownAdapter,
            AdapterError::Unusable { .. } => ErrorCode::UnusableAdapter,
        };
        ApiError::new(code, error.to_string())
    }
}

impl From<CoreError> for ApiError {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Request(error) => error.into(),
            CoreError::Adapter(error) => error.into(),
            CoreError::Photo(_) => ApiError::new(ErrorCode::InvalidImage, error.to_string()),
            CoreError::Overloaded { .. } => {
                let message = format!("{error}; try again in a moment");
                ApiError::new(ErrorCode::Overloaded, message)
            }
            CoreError::Backend(_)
            | CoreError::AnswerCount { .. }
            | CoreError::OtherKind
            | CoreError::Panicked(_)
            | CoreError::Stopped => ApiError::internal(error),
        }
    }
}

/// Without line breaks and the like, which a client's own words may bring into
/// a log, and not too long.
fn tidy(message: String) -> String {
    let message = message.replace(char::is_control, " ");
    let characters = message.chars().count();
    if characters <= MAX_MESSAGE_CHARACTERS {
        return message;
    }
    let half = MAX_MESSAGE_CHARACTERS / 2;
    let head = message.chars().take(half);
    let tail = message.chars().skip(characters - half);
    head.chain(" … ".chars()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_ends() {
        let message = format!("start{}end", "ä".repeat(1_000_000));
        let error = ApiError::new(ErrorCode::InvalidJson, message);
        assert!(error.message().starts_with("start"));
        assert!(error.message().ends_with("end"));
        assert_eq!(error.message().chars().count(), MAX_MESSAGE_CHARACTERS + 3);
    }

    #[test]
    fn a_message_is_one_line() {
        let error = ApiError::new(ErrorCode::InvalidRequest, "unknown field `a\n\u{1b}[31mb`");
        assert_eq!(error.message(), "unknown field `a  [31mb`");
    }

    #[test]
    fn the_cause_of_a_failure_is_not_for_the_client() {
        let error = ApiError::internal("tensor 17");
        assert!(
            !serde_json::to_string(&error.body())
                .unwrap()
                .contains("tensor")
        );
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.extensions().get::<ErrorNote>().unwrap().message,
            "tensor 17"
        );
    }
}

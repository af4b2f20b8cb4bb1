//! The HTTP server of the Bedrock Runtime.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::behaviour::Behaviours;
use super::converse::{self, ConverseResponse};
use super::error::BedrockError;
use super::response::{Guardrail, MessagesResponse};
use super::{messages, model_id};
use crate::notifications::Notifications;
use crate::writer::{Stop, Writer, Writing};

/// The largest body that InvokeModel takes.
const MAX_BODY_BYTES: usize = 25_000_000;
/// By this header a request of InvokeModel names its guardrail.
const GUARDRAIL_HEADER: &str = "x-amzn-bedrock-guardrailidentifier";

/// What the server works with.
pub struct BedrockState {
    /// Who writes the answers.
    pub writer: Writer,
    /// Which models fail, and how.
    pub behaviours: Behaviours,
    /// Whose counts the health path tells.
    pub notifications: Notifications,
}

/// `POST /model/{modelId}/invoke` and `/converse`, and `GET /health` for those who wait for
/// the process or want to know how many notifications are under way.
pub fn router(state: BedrockState) -> Router {
    Router::new()
        .route("/health", get(health))
        .fallback(answer)
        .with_state(Arc::new(state))
}

async fn health(State(state): State<Arc<BedrockState>>) -> Response {
    let body = json!({
        "status": "ok",
        "writer": state.writer.name(),
        "notifications": state.notifications.counts(),
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

async fn answer(State(state): State<Arc<BedrockState>>, request: Request) -> Response {
    let start = Instant::now();
    let request_id = uuid::Uuid::new_v4().to_string();
    let path = request.uri().path().to_owned();
    let result = invoke(&state, &path, request, start).await;
    let error = result
        .as_ref()
        .err()
        .map(|error| format!("{}: {error}", error.name()));
    let mut response = result.unwrap_or_else(IntoResponse::into_response);
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
    tracing::info!(
        path,
        status = response.status().as_u16(),
        duration_ms = start.elapsed().as_millis(),
        request_id,
        error,
        "bedrock request"
    );
    response
}

async fn invoke(
    state: &BedrockState,
    path: &str,
    request: Request,
    start: Instant,
) -> Result<Response, BedrockError> {
    let (model_id, operation) = operation(request.method(), path)?;
    // As at AWS, whether a model can be had is told before its request is looked at. Any id may
    // be given a behaviour, also one that nobody has.
    state.behaviours.apply(&model_id).await?;
    model_id::check(&model_id)?;
    let has_header = request.headers().contains_key(GUARDRAIL_HEADER);
    let body = body(request.into_body()).await?;
    let (asked, is_guarded) = match operation {
        Operation::Invoke => (messages::parse(&body)?, has_header),
        Operation::Converse => converse::parse(&body)?,
    };
    let guardrail = match is_guarded {
        false => Guardrail::Absent,
        true if state.behaviours.intervenes(&model_id) => Guardrail::Intervened,
        true => Guardrail::Passed,
    };
    let writing = if guardrail == Guardrail::Intervened {
        blocked()
    } else {
        state.writer.write(asked).await?
    };

    let counts = (
        writing.input_tokens.to_string(),
        writing.output_tokens.to_string(),
    );
    let latency_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let body = match operation {
        Operation::Invoke => {
            serde_json::to_string(&MessagesResponse::new(&model_id, writing, guardrail))
        }
        Operation::Converse => {
            let intervened = guardrail == Guardrail::Intervened;
            serde_json::to_string(&ConverseResponse::new(writing, intervened, latency_ms))
        }
    }
    .map_err(|error| BedrockError::InternalServer(error.to_string()))?;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-amzn-bedrock-input-token-count", counts.0),
        ("x-amzn-bedrock-output-token-count", counts.1),
        ("x-amzn-bedrock-invocation-latency", latency_ms.to_string()),
        // Bedrock has no such header: it says who wrote the text in truth.
        ("x-local-cloud-writer", state.writer.name().to_owned()),
    ];
    let mut response = (StatusCode::OK, body).into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// What stands in the place of a text that a guardrail stopped. The model was not asked.
fn blocked() -> Writing {
    Writing {
        text: "Sorry, the guardrail of the local cloud stopped this.".to_owned(),
        stop: Stop::EndOfTurn,
        input_tokens: 0,
        output_tokens: 0,
    }
}

/// An operation that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Invoke,
    Converse,
}

/// The decoded model id of `/model/{modelId}/invoke` or `/converse`, and which of the two it
/// is. An ARN's slash may come as it is or encoded.
fn operation(method: &Method, path: &str) -> Result<(String, Operation), BedrockError> {
    let rest = path
        .strip_prefix("/model/")
        .filter(|_| method == Method::POST);
    let (encoded, operation) = rest
        .and_then(|rest| match rest.rsplit_once('/')? {
            (id, "invoke") => Some((id, Operation::Invoke)),
            (id, "converse") => Some((id, Operation::Converse)),
            _ => None,
        })
        .ok_or_else(|| {
            BedrockError::UnknownOperation(format!(
                "{method} {path} is not supported here: only POST /model/{{modelId}}/invoke and \
                 /model/{{modelId}}/converse are"
            ))
        })?;
    let id = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| BedrockError::invalid_identifier())?;
    Ok((id.into_owned(), operation))
}

async fn body(body: Body) -> Result<bytes::Bytes, BedrockError> {
    axum::body::to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|error| {
            BedrockError::Validation(format!(
                "the body could not be read, or has more than {MAX_BODY_BYTES} bytes: {error}"
            ))
        })
}

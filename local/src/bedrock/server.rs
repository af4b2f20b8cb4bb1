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
use super::parts;
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

/// `POST /model/{modelId}/invoke` and `/converse`, their streaming forms, and `GET /health`
/// for those who wait for the process or want to know how many notifications are under way.
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
    let (asked, is_guarded) = match operation.api {
        Api::Invoke => (messages::parse(&body)?, has_header),
        Api::Converse => converse::parse(&body)?,
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
    let answer = match operation.api {
        Api::Invoke => serde_json::to_value(MessagesResponse::new(&model_id, writing, guardrail)),
        Api::Converse => {
            let intervened = guardrail == Guardrail::Intervened;
            serde_json::to_value(ConverseResponse::new(writing, intervened, latency_ms))
        }
    }
    .map_err(|error| BedrockError::InternalServer(error.to_string()))?;
    let (content_type, body) = match (operation.in_parts, operation.api) {
        (false, _) => ("application/json", Body::from(answer.to_string())),
        (true, Api::Invoke) => (parts::CONTENT_TYPE, parts::of_invoke(&answer, latency_ms)?),
        (true, Api::Converse) => (parts::CONTENT_TYPE, parts::of_converse(&answer)?),
    };
    let headers = [
        ("content-type", content_type.to_owned()),
        ("x-amzn-bedrock-input-token-count", counts.0),
        ("x-amzn-bedrock-output-token-count", counts.1),
        ("x-amzn-bedrock-invocation-latency", latency_ms.to_string()),
        // Bedrock has no such header: it says who wrote the text in truth.
        ("x-local-cloud-writer", state.writer.name().to_owned()),
    ];
    let mut response = (StatusCode::OK, body).into_response();
    let content_type_of_parts = ("x-amzn-bedrock-content-type", "application/json".to_owned());
    let of_parts = operation.in_parts.then_some(content_type_of_parts);
    for (name, value) in headers.into_iter().chain(of_parts) {
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
struct Operation {
    api: Api,
    /// Whether it is the streaming form.
    in_parts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    Invoke,
    Converse,
}

/// The last part of each operation's path.
const OPERATIONS: [(&str, Api, bool); 4] = [
    ("invoke", Api::Invoke, false),
    ("invoke-with-response-stream", Api::Invoke, true),
    ("converse", Api::Converse, false),
    ("converse-stream", Api::Converse, true),
];

/// The decoded model id of `/model/{modelId}/{operation}`, and which operation it is. An ARN's
/// slash may come as it is or encoded.
fn operation(method: &Method, path: &str) -> Result<(String, Operation), BedrockError> {
    let rest = path
        .strip_prefix("/model/")
        .filter(|_| method == Method::POST);
    let (encoded, operation) = rest
        .and_then(|rest| {
            let (id, name) = rest.rsplit_once('/')?;
            let known = OPERATIONS.iter().find(|(known, _, _)| *known == name);
            let (_, api, in_parts) = *known?;
            Some((id, Operation { api, in_parts }))
        })
        .ok_or_else(|| {
            let names = OPERATIONS.map(|(name, _, _)| name).join(", ");
            BedrockError::UnknownOperation(format!(
                "{method} {path} is not supported here: only POST /model/{{modelId}}/… is, with \
                 one of {names}"
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

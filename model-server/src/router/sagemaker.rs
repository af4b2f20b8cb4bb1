//! The server as its clients see it behind SageMaker Runtime.
//!
//! `InvokeEndpoint` posts to `/endpoints/{name}/invocations`, and gives every
//! error of the container as a `ModelError`: status 424, the container's own
//! status and body inside. See the API reference of `InvokeEndpoint`, and the
//! error's shape in the service model that the AWS SDKs are generated from.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::invocations::invocations;
use super::{ApiError, App};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModelError {
    message: String,
    original_status_code: u16,
    original_message: String,
    log_stream_arn: String,
}

pub(super) async fn endpoint_invocations(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match invocations(State(app), request).await {
        Ok(response) => response,
        // The name is for the error's words alone; one that is no UTF-8 has none.
        Err(error) => model_error(name.as_ref().map_or("", |Path(name)| name), &error),
    }
}

fn model_error(endpoint: &str, error: &ApiError) -> Response {
    let status = error.status();
    let side = if status.is_server_error() {
        "server"
    } else {
        "client"
    };
    let original_message = serde_json::to_string(&error.body()).unwrap_or_default();
    let model_error = ModelError {
        message: format!(
            "Received {side} error ({}) from primary with message \"{original_message}\". \
             See the log of the model server for more information.",
            status.as_u16()
        ),
        original_status_code: status.as_u16(),
        original_message,
        // The form of an ARN in a region and an account that do not exist.
        log_stream_arn: format!(
            "arn:aws:logs:local:000000000000:log-group:/aws/sagemaker/Endpoints/{endpoint}"
        ),
    };
    let mut response = (StatusCode::FAILED_DEPENDENCY, Json(model_error)).into_response();
    error.annotate(&mut response);
    response
        .headers_mut()
        .insert("x-amzn-errortype", HeaderValue::from_static("ModelError"));
    response
}

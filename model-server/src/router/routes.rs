//! What can be asked of the server, and what is answered elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::{Value, json};

use super::execution::ExecutionParameters;
use super::invocations::invocations;
use super::lifecycle::{LOADING, not_ready};
use super::sagemaker::endpoint_invocations;
use super::{ApiError, App, ErrorCode, openapi};
use crate::core::Metrics;

/// A method, a path and what answers there.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) handler: fn() -> MethodRouter<Arc<App>>,
}

/// Everything that is answered.
pub(super) const ROUTES: [Route; 6] = [
    Route {
        method: "GET",
        path: "/ping",
        handler: || get(ping),
    },
    Route {
        method: "POST",
        path: "/invocations",
        handler: || post(invocations),
    },
    Route {
        method: "POST",
        path: "/endpoints/{name}/invocations",
        handler: || post(endpoint_invocations),
    },
    Route {
        method: "GET",
        path: "/execution-parameters",
        handler: || get(execution_parameters),
    },
    Route {
        method: "GET",
        path: "/metrics",
        handler: || get(metrics),
    },
    Route {
        method: "GET",
        path: "/openapi.json",
        handler: || get(openapi_document),
    },
];

/// Looks at the state of the server only, so that it answers at once however
/// busy the model is.
async fn ping(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    app.lifecycle.check_ready()?;
    Ok(Json(json!({"status": "ready"})))
}

async fn execution_parameters(State(app): State<Arc<App>>) -> Json<ExecutionParameters> {
    Json(ExecutionParameters::new(&app.limits))
}

/// What there is to tell in any state: before the model is loaded, that it is
/// not.
async fn metrics(State(app): State<Arc<App>>) -> Response {
    let ready = u8::from(app.lifecycle.check_ready().is_ok());
    let own = format!(
        "# HELP model_ready Whether requests are accepted.\n# TYPE model_ready gauge\n\
         model_ready {ready}\n"
    );
    let loaded = app.lifecycle.loaded();
    let of_core = loaded.map_or_else(|| "# EOF\n".to_owned(), |core| core.metrics().encode());
    let content_type = HeaderValue::from_static(Metrics::CONTENT_TYPE);
    ([(header::CONTENT_TYPE, content_type)], own + &of_core).into_response()
}

async fn openapi_document(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiError> {
    let core = app.lifecycle.loaded().ok_or_else(|| not_ready(LOADING))?;
    openapi::document(core.default_parameters(), core.limits())
        .map(Json)
        .map_err(ApiError::internal)
}

pub(super) async fn not_found(uri: Uri) -> ApiError {
    let routes = ROUTES.map(|route| format!("{} {}", route.method, route.path));
    let message = format!(
        "there is no {}; this server has {}",
        uri.path(),
        routes.join(", ")
    );
    ApiError::new(ErrorCode::NotFound, message)
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    // The one path that is a pattern takes POST.
    let route = ROUTES.iter().find(|route| route.path == uri.path());
    let wanted = route.map_or("POST", |route| route.method);
    let message = format!("{} does not take {method}: use {wanted}", uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}

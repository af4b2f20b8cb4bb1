//! HTTP: the SageMaker container contract.
//!
//! `GET /ping` and `POST /invocations` are what SageMaker calls;
//! `POST /endpoints/{name}/invocations` is what an AWS SDK calls that has this
//! server as its SageMaker Runtime.

mod body;
mod content_type;
mod error;
mod field;
mod image_field;
mod invocation;
mod invocations;
mod json_size;
mod lifecycle;
mod linger;
mod parameters;
mod request_id;
mod request_log;
mod response;
mod sagemaker;
mod server;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};

pub use error::{ApiError, ErrorCode};
pub use lifecycle::Lifecycle;
pub use parameters::{InvocationParameters, parse_parameters};
pub use response::detailed;
pub use server::serve_connections;

/// How much and how long the server listens to one client.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// The longest body of a request, in bytes.
    pub max_body_bytes: u64,
    /// How long the headers of a request may take, and how long a connection
    /// may be idle.
    pub header_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long a body may still take after the server was told to stop.
    pub draining_body_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            max_body_bytes: 64 << 20,
            // Above the 60 s that load balancers and SageMaker keep idle
            // connections, so that it is they who close them.
            header_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            draining_body_timeout: Duration::from_secs(5),
        }
    }
}

struct App {
    lifecycle: Arc<Lifecycle>,
    limits: HttpLimits,
}

/// All routes.
pub fn router(lifecycle: Arc<Lifecycle>, limits: HttpLimits) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/invocations", post(invocations::invocations))
        .route(
            "/endpoints/{name}/invocations",
            post(sagemaker::endpoint_invocations),
        )
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(request_log::log_request))
        .with_state(Arc::new(App { lifecycle, limits }))
}

/// Looks at the state of the server only, so that it answers at once however
/// busy the model is.
async fn ping(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    app.lifecycle.check_ready()?;
    Ok((StatusCode::OK, Json(serde_json::json!({"status": "ready"}))).into_response())
}

async fn not_found(uri: Uri) -> ApiError {
    let message = format!(
        "there is no {}; this server has GET /ping, POST /invocations and \
         POST /endpoints/{{name}}/invocations",
        uri.path()
    );
    ApiError::new(ErrorCode::NotFound, message)
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let wanted = if uri.path() == "/ping" { "GET" } else { "POST" };
    let message = format!("{} does not take {method}: use {wanted}", uri.path());
    ApiError::new(ErrorCode::MethodNotAllowed, message)
}

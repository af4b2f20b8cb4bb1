//! HTTP: the SageMaker container contract.
//!
//! `GET /ping`, `POST /invocations` and `GET /execution-parameters` are what
//! SageMaker calls; `POST /endpoints/{name}/invocations` is what an AWS SDK
//! calls that has this server as its SageMaker Runtime. `GET /metrics` is for
//! Prometheus, and `GET /openapi.json` describes all of them.

mod accept;
mod adapter;
mod answering;
mod bodies;
mod body;
mod choices;
mod content_type;
mod custom_attributes;
mod error;
mod execution;
mod field;
#[cfg(test)]
mod fuzz;
mod image_cache;
mod image_field;
mod invocation;
mod invocations;
mod json_size;
mod lifecycle;
mod lines;
mod media_type;
mod openapi;
mod parameters;
mod patience;
mod request_id;
mod request_log;
mod response;
mod routes;
mod sagemaker;
mod server;
mod trace_context;

use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};

pub use choices::ChoicesForm;
pub use error::{ApiError, ErrorCode};
pub use lifecycle::Lifecycle;
pub use parameters::{InvocationParameters, parse_parameters};
pub use response::{DetailedAnswer, detailed};
pub use server::serve_connections;

use answering::Readers;
use bodies::Bodies;
use routes::ROUTES;

/// How much and how long the server listens to one client.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// The longest body of a request, in bytes; of a body of lines, the longest
    /// line.
    pub max_body_bytes: u64,
    /// How much of the bodies of requests that are not answered yet is held, in
    /// bytes; not counted are bodies of lines, which have limits of their own.
    pub max_held_bytes: u64,
    /// How long the headers of a request may take, and how long a connection
    /// may be idle.
    pub header_timeout: Duration,
    /// How long the body of a request may take; of a body of lines, how long
    /// nothing of it may come.
    pub body_timeout: Duration,
    /// How long a body may still take after the server was told to stop.
    pub draining_body_timeout: Duration,
    /// How long a client may take nothing of what it is sent.
    pub write_timeout: Duration,
    /// Lines of one body that are answered at one time.
    pub max_lines_in_work: usize,
    /// While the lines of one body that are being answered have so many bytes,
    /// no more is read of it.
    pub max_line_bytes_in_work: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            max_body_bytes: 64 << 20,
            max_held_bytes: 512 << 20,
            // Above the 60 s that load balancers and SageMaker keep idle
            // connections, so that it is they who close them.
            header_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            draining_body_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(60),
            max_lines_in_work: 32,
            max_line_bytes_in_work: 16 << 20,
        }
    }
}

struct App {
    lifecycle: Arc<Lifecycle>,
    bodies: Bodies,
    readers: Readers,
    limits: HttpLimits,
}

/// All routes.
pub fn router(lifecycle: Arc<Lifecycle>, limits: HttpLimits) -> Router {
    ROUTES
        .iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, (route.handler)())
        })
        .fallback(routes::not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .layer(middleware::from_fn(request_log::log_request))
        .with_state(Arc::new(App {
            lifecycle,
            bodies: Bodies::new(limits.max_held_bytes),
            readers: Readers::default(),
            limits,
        }))
}

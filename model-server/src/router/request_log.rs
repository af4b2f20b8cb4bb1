//! One line in the log for each request, whatever becomes of it.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::{Instrument, Span, field};

use super::ApiError;
use super::error::ErrorNote;
use super::request_id::{request_id, set_request_id};
use super::trace_context::{TraceContext, amazon_trace_id};

/// A path is as long as the client likes.
const MAX_PATH_CHARACTERS: usize = 200;

/// Paths that are asked for every few seconds.
const PROBES: [&str; 2] = ["/ping", "/metrics"];

/// Gives the request its id, answers a panic with an error, and logs the
/// outcome. What was asked about is recorded by the handlers in the span's
/// empty fields; images and prompts are never logged.
pub(super) async fn log_request(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let path: String = request
        .uri()
        .path()
        .chars()
        .take(MAX_PATH_CHARACTERS)
        .collect();
    // Of the highest level, so that the id stands on every line that is logged.
    let span = tracing::error_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path,
        trace_id = field::Empty,
        parent_id = field::Empty,
        amazon_trace_id = field::Empty,
        prompts = field::Empty,
        width = field::Empty,
        height = field::Empty,
        adapter = field::Empty,
    );
    record_trace(&span, request.headers());
    let is_probe = PROBES.contains(&path.as_str());
    let mut outcome = Outcome {
        span: span.clone(),
        started: Instant::now(),
        is_logged: false,
    };

    let answer = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span)
        .await;
    let mut response =
        answer.unwrap_or_else(|_| ApiError::internal("a handler panicked").into_response());
    set_request_id(response.headers_mut(), &id);
    outcome.log(&response, is_probe);
    response
}

fn record_trace(span: &Span, headers: &HeaderMap) {
    if let Some(TraceContext {
        trace_id,
        parent_id,
    }) = TraceContext::of(headers)
    {
        span.record("trace_id", trace_id);
        span.record("parent_id", parent_id);
    }
    if let Some(id) = amazon_trace_id(headers) {
        span.record("amazon_trace_id", id);
    }
}

/// The outcome of a request, logged when known or when the client has left,
/// which ends the handler without further notice.
struct Outcome {
    span: Span,
    started: Instant,
    is_logged: bool,
}

impl Outcome {
    fn log(&mut self, response: &Response, is_probe: bool) {
        self.is_logged = true;
        let _entered = self.span.enter();
        let (status, ms) = (response.status().as_u16(), self.elapsed_ms());
        match response.extensions().get::<ErrorNote>() {
            Some(ErrorNote { code, message }) if *code == "internal" => {
                tracing::error!(status, ms, code, "{message}");
            }
            Some(ErrorNote { code, message }) if !is_probe => {
                tracing::warn!(status, ms, code, "{message}");
            }
            _ if is_probe => tracing::debug!(status, ms, "probed"),
            _ => tracing::info!(status, ms, "answered"),
        }
    }

    fn elapsed_ms(&self) -> f64 {
        (self.started.elapsed().as_secs_f64() * 1e5).round() / 1e2
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if !self.is_logged {
            let ms = self.elapsed_ms();
            self.span
                .in_scope(|| tracing::info!(ms, "the client left before the answer"));
        }
    }
}

//! From a request as it was sent to what the core is asked, and its outcome as
//! it is measured.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::ApiError;
use super::invocation::Invocation;
use super::response::ResponseForm;
use crate::core::{AnswerRequest, Core};

/// One request, unread.
pub(super) enum Sent {
    /// All of it as JSON.
    Json(Bytes),
    /// The same, a line of a body.
    Line(Bytes),
    /// An image, and the rest as JSON.
    Image { image: Bytes, attributes: String },
}

/// Who reads requests: as many at one time as there are processors, because
/// more would not be faster, and reading takes three times the memory of what is
/// read.
#[derive(Clone, Debug)]
pub(super) struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Readers(Arc::new(Semaphore::new(processors)))
    }
}

/// Reads the request and checks it against the limits. Off the event loop:
/// 64 MiB of base64 take a while.
pub(super) async fn read_request(
    core: &Arc<Core>,
    readers: &Readers,
    sent: Sent,
) -> Result<(ResponseForm, AnswerRequest), ApiError> {
    let core = Arc::clone(core);
    let reader = Arc::clone(&readers.0).acquire_owned().await;
    let reading = tokio::task::spawn_blocking(move || {
        let _reader = reader;
        read(&core, sent)
    });
    reading.await.map_err(ApiError::internal)?
}

fn read(core: &Core, sent: Sent) -> Result<(ResponseForm, AnswerRequest), ApiError> {
    let defaults = core.default_parameters();
    let Invocation {
        image,
        prompts,
        wants_array,
        parameters,
        adapter,
    } = match sent {
        Sent::Json(body) => Invocation::parse(&body, defaults),
        Sent::Line(line) => Invocation::parse_line(&line, defaults),
        Sent::Image { image, attributes } => Invocation::with_image(image, &attributes, defaults),
    }?;
    let form = ResponseForm {
        prompts: prompts.len(),
        wants_array,
        details: parameters.details,
        adapter: adapter.clone(),
    };
    let questions = parameters.questions(prompts)?;
    let request = AnswerRequest::new(image, questions, core.limits())?;
    Ok((form, request.with_adapter(adapter)))
}

/// Counts the request that `answering` answers, which may be a line of a body.
pub(super) async fn measured<T>(
    core: &Core,
    answering: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let _in_flight = core.metrics().request_in_flight();
    let started = Instant::now();
    let result = answering.await;
    let status = result
        .as_ref()
        .map_or_else(ApiError::status, |_| StatusCode::OK);
    observe(core, status, started);
    result
}

/// Counts the body of lines that `opening` is the beginning of where it is
/// refused; else each of its lines counts by itself.
pub(super) async fn measured_if_refused<T>(
    core: &Core,
    opening: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let started = Instant::now();
    opening
        .await
        .inspect_err(|error| observe(core, error.status(), started))
}

fn observe(core: &Core, status: StatusCode, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    core.metrics().observe_request(status.as_u16(), seconds);
}

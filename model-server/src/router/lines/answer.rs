//! The answer to one line.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use serde::Serialize;

use crate::core::{AnswerRequest, Answered, Core, CoreError};
use crate::router::ApiError;
use crate::router::answering::{Readers, Sent, measured, read_request};

/// A line that finds no place in the queue asks again, at first after this, and
/// twice as long after every try up to the other. Requests that are not part of
/// a stream are answered 429 in that time, so they go first.
const FIRST_RETRY: Duration = Duration::from_millis(5);
const LAST_RETRY: Duration = Duration::from_millis(200);

/// What a line of a body is answered with.
pub(super) struct LineAnswer {
    /// One line, its line feed included.
    pub(super) text: Bytes,
    pub(super) is_error: bool,
    /// How long the line was that it answers.
    pub(super) line_bytes: u64,
}

impl LineAnswer {
    /// An error about line `number`, of which nothing is kept.
    pub(super) fn refused(error: &ApiError, number: u64) -> LineAnswer {
        log(error, number);
        LineAnswer {
            text: json_line(&error.body()),
            is_error: true,
            line_bytes: 0,
        }
    }
}

/// Answers the line, which is `number` of its body, with what it asks for or
/// with an error.
pub(super) async fn answer_line(
    core: Arc<Core>,
    readers: Readers,
    line: Bytes,
    number: u64,
) -> LineAnswer {
    let line_bytes = line.len() as u64;
    let answering = measured(&core, async {
        let (form, request) = read_request(&core, &readers, Sent::Line(line)).await?;
        let answered = answer_patiently(&core, form.prompts, request).await?;
        Ok(json_line(&form.render(&answered.answers)))
    });
    // A panic is an error of one line, as elsewhere of one request.
    let result = AssertUnwindSafe(answering)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(ApiError::internal("answering a line panicked")));
    match result {
        Ok(text) => LineAnswer {
            text,
            is_error: false,
            line_bytes,
        },
        Err(error) => LineAnswer {
            line_bytes,
            ..LineAnswer::refused(&error, number)
        },
    }
}

/// The line was accepted, so it waits where another request would be told that
/// the server is busy.
async fn answer_patiently(
    core: &Core,
    prompts: usize,
    request: AnswerRequest,
) -> Result<Answered, CoreError> {
    let mut retry = FIRST_RETRY;
    loop {
        match core.answer(request.clone()).await {
            Err(CoreError::Overloaded { limit, .. }) if prompts <= limit => {
                tokio::time::sleep(retry).await;
                retry = (2 * retry).min(LAST_RETRY);
            }
            result => return result,
        }
    }
}

fn json_line(value: &impl Serialize) -> Bytes {
    // Values of this crate's own making, whose keys are strings.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn log(error: &ApiError, number: u64) {
    let code = error.code().name();
    match error.cause() {
        Some(cause) => tracing::error!(line = number, code, "{cause}"),
        // A body of millions of bad lines is not to fill the log.
        None => tracing::debug!(line = number, code, "{}", error.message()),
    }
}

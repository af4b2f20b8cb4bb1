//! `application/jsonlines`: a request a line, an answer a line, in order; both
//! ways as they come. This is what SageMaker's Batch Transform sends.

mod answer;
mod input;
mod pump;
pub(super) mod splitter;

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tracing::{Instrument, Span};

use self::input::LineInput;
use self::pump::{Piece, Pump};
use super::accept::ResponseKind;
use super::lifecycle::Accepted;
use super::{ApiError, App};

/// Answers the lines of `body`. The response begins with the first answer; what
/// goes wrong before a line was read is an error as of any request.
pub(super) async fn answer_lines(
    app: &App,
    accepted: Accepted,
    body: Body,
) -> Result<Response, ApiError> {
    let limits = app.limits.clone();
    let max_line_bytes = usize::try_from(limits.max_body_bytes).unwrap_or(usize::MAX);
    let input = LineInput::new(body, max_line_bytes, limits.body_timeout);
    let pump = Pump::new(
        Arc::clone(&accepted.core),
        app.readers.clone(),
        limits,
        input,
    );
    // What waits here is taken at once where the client reads.
    let (sender, mut pieces) = mpsc::channel(1);
    tokio::spawn(
        pump.run(Arc::clone(&app.lifecycle), sender)
            .instrument(Span::current()),
    );
    match pieces.recv().await {
        Some(Piece::Answers(first)) => Ok(respond(answers(first, pieces, accepted))),
        Some(Piece::End) => Ok(respond(Body::empty())),
        Some(Piece::Failed(error)) => Err(error),
        None => Err(ApiError::internal("the task that answers lines has failed")),
    }
}

/// The server owes the client all of this, so `accepted` lives as long.
fn answers(first: Bytes, pieces: mpsc::Receiver<Piece>, accepted: Accepted) -> Body {
    let rest = stream::unfold((pieces, accepted), |(mut pieces, accepted)| async move {
        let piece = match pieces.recv().await {
            Some(Piece::Answers(answers)) => Ok(answers),
            Some(Piece::End) => return None,
            // The connection is cut, so that the client sees that some are missing.
            Some(Piece::Failed(_)) | None => Err(io::Error::other("answers are missing")),
        };
        Some((piece, (pieces, accepted)))
    });
    Body::from_stream(stream::iter([Ok(first)]).chain(rest))
}

fn respond(body: Body) -> Response {
    let content_type = HeaderValue::from_static(ResponseKind::JsonLines.media_type());
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

//! Reading the body of a request, neither too much of it nor for too long.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::bodies::{Bodies, Room};
use super::{ApiError, App, ErrorCode, HttpLimits, Lifecycle};

/// What is reserved at once for a body, however long it says that it is.
const MAX_RESERVED_BYTES: u64 = 4 << 20;

/// The whole body, or an error as soon as it is known to be too long or that
/// there is no room for it. It takes its room until the second of the two is
/// dropped.
pub(super) async fn read_body(body: Body, app: &App) -> Result<(Bytes, Room), ApiError> {
    tokio::select! {
        read = read_up_to(body, app.limits.max_body_bytes, &app.bodies) => read,
        error = patience(&app.limits, &app.lifecycle) => Err(error),
    }
}

async fn read_up_to(
    mut body: Body,
    limit: u64,
    bodies: &Bodies,
) -> Result<(Bytes, Room), ApiError> {
    // The length that the client declares, where it declares one.
    let declared = body.size_hint().lower();
    if declared > limit {
        return Err(too_large("body", limit));
    }
    let mut room = bodies.none();
    let mut bytes = Vec::with_capacity(declared.min(MAX_RESERVED_BYTES) as usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(cut_off)?;
        if let Ok(data) = frame.into_data() {
            let length = bytes.len() as u64 + data.len() as u64;
            if length > limit {
                return Err(too_large("body", limit));
            }
            // What came takes room, not what was promised: a client that sends
            // nothing is in nobody's way.
            room.grow_to(length)?;
            bytes.extend_from_slice(&data);
        }
    }
    Ok((bytes.into(), room))
}

/// Ends when the client has had time enough.
async fn patience(limits: &HttpLimits, lifecycle: &Lifecycle) -> ApiError {
    tokio::select! {
        () = tokio::time::sleep(limits.body_timeout) => {
            let seconds = limits.body_timeout.as_secs_f64();
            let message = format!("the body was not sent within {seconds} s: send it faster");
            ApiError::new(ErrorCode::RequestTimeout, message)
        }
        () = until_ending(limits, lifecycle) => ApiError::new(
            ErrorCode::NotReady,
            "the server is ending and the body had not arrived; ask another instance",
        ),
    }
}

/// Ends when the server is ending and reads no more of any body.
pub(super) async fn until_ending(limits: &HttpLimits, lifecycle: &Lifecycle) {
    lifecycle.until_draining().await;
    tokio::time::sleep(limits.draining_body_timeout).await;
}

/// The client, or what is between, broke off in the middle of the body.
pub(super) fn cut_off(error: axum::Error) -> ApiError {
    let message = format!("the body was cut off: {error}");
    ApiError::new(ErrorCode::InvalidRequest, message)
}

/// `what` is the body, or a line of it.
pub(super) fn too_large(what: &str, limit: u64) -> ApiError {
    let message = format!(
        "the {what} is longer than {limit} bytes, the limit of this server: send a smaller photo, \
         or start the server with a higher --max-body-mib"
    );
    ApiError::new(ErrorCode::PayloadTooLarge, message)
}

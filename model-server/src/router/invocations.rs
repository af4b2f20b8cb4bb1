//! `POST /invocations`: from an HTTP request to its answers.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tracing::Span;

use super::accept::{ResponseKind, response_kind};
use super::adapter::set_adapter;
use super::answering::{Sent, measured, measured_if_refused, read_request};
use super::body::read_body;
use super::content_type::{BodyKind, body_kind};
use super::custom_attributes::custom_attributes;
use super::image_cache::set_image_cache;
use super::lines::answer_lines;
use super::{ApiError, App};
use crate::core::Core;

pub(super) async fn invocations(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, ApiError> {
    let accepted = app.lifecycle.accept()?;
    let (head, body) = request.into_parts();
    let core = Arc::clone(&accepted.core);
    match body_kind(&head.headers) {
        Ok(BodyKind::JsonLines) => {
            measured_if_refused(&core, async {
                response_kind(&head.headers, BodyKind::JsonLines)?;
                core.check_capacity()?;
                answer_lines(&app, accepted, body).await
            })
            .await
        }
        kind => {
            measured(&core, async {
                tokio::select! {
                    answered = answer_one(&app, &core, kind?, &head.headers, body) => answered,
                    error = app.lifecycle.until_over() => Err(error),
                }
            })
            .await
        }
    }
}

/// Answers a request that is one body.
async fn answer_one(
    app: &App,
    core: &Arc<Core>,
    kind: BodyKind,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let response_kind = response_kind(headers, kind)?;
    // What is wrong with a header is known before the body is read.
    let attributes = match kind {
        BodyKind::Image => {
            let attributes = custom_attributes(headers).map_err(ApiError::before_body)?;
            Some(attributes.to_owned())
        }
        _ => None,
    };
    core.check_capacity()?;

    // Its place is kept until it is answered: what waits is held in memory.
    let (body, _place) = read_body(body, app).await?;
    let sent = match attributes {
        Some(attributes) => Sent::Image {
            image: body,
            attributes,
        },
        None => Sent::Json(body),
    };
    let (form, request) = read_request(core, &app.readers, sent).await?;
    Span::current().record("prompts", form.prompts);

    let answered = core.answer(request).await?;
    // It is one of those there are: before, it was anything.
    Span::current().record("adapter", form.adapter.as_deref());
    Span::current().record("width", answered.photo.width);
    Span::current().record("height", answered.photo.height);
    let mut response = respond(response_kind, form.render(&answered.answers));
    set_image_cache(response.headers_mut(), answered.image_cache);
    if let Some(adapter) = &form.adapter {
        set_adapter(response.headers_mut(), adapter);
    }
    Ok(response)
}

fn respond(kind: ResponseKind, answers: Value) -> Response {
    match kind {
        ResponseKind::Json => Json(answers).into_response(),
        ResponseKind::JsonLines => {
            let content_type = HeaderValue::from_static(kind.media_type());
            (
                [(header::CONTENT_TYPE, content_type)],
                format!("{answers}\n"),
            )
                .into_response()
        }
    }
}

//! `POST /invocations`: from an HTTP request to its answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tracing::Span;

use super::body::read_body;
use super::content_type::check_content_type;
use super::invocation::Invocation;
use super::response::response_body;
use super::{ApiError, App};
use crate::core::{AnswerRequest, Core, QuestionForm, TaskForm};

pub(super) async fn invocations(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, ApiError> {
    let accepted = app.lifecycle.accept()?;
    let core = &accepted.core;
    let (head, body) = request.into_parts();
    check_content_type(&head.headers)?;
    core.check_capacity()?;

    let body = read_body(body, &app.limits, &app.lifecycle).await?;
    let (parsing_core, arrival) = (Arc::clone(core), core.announce());
    let parsed = tokio::task::spawn_blocking(move || {
        let _arrival = arrival;
        parse(&body, &parsing_core)
    })
    .await;
    let (form, request) = parsed.map_err(ApiError::internal)??;
    Span::current().record("prompts", form.prompts);

    let answered = core.answer(request).await?;
    Span::current().record("width", answered.photo.width);
    Span::current().record("height", answered.photo.height);
    let body = response_body(&answered.answers, form.wants_array, form.details);
    Ok(Json(body).into_response())
}

/// In which form the answers are wanted.
struct ResponseForm {
    prompts: usize,
    wants_array: bool,
    details: bool,
}

/// Off the event loop: 64 MiB of base64 take a while.
fn parse(body: &[u8], core: &Core) -> Result<(ResponseForm, AnswerRequest), ApiError> {
    let Invocation {
        image,
        prompts,
        wants_array,
        parameters,
    } = Invocation::parse(body, core.default_parameters())?;
    let form = ResponseForm {
        prompts: prompts.len(),
        wants_array,
        details: parameters.details,
    };
    let questions = prompts
        .into_iter()
        .map(|prompt| QuestionForm {
            prompt,
            task: TaskForm::Generate(parameters.generation.clone()),
        })
        .collect();
    let request = AnswerRequest::new(image.into(), questions, core.limits())?;
    Ok((form, request))
}

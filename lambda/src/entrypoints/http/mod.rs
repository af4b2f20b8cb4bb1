//! `POST /descriptions` and `POST /descriptions:batch`, whatever HTTP trigger
//! they come through.

mod batch;
mod idempotency;
pub mod load_balancer;
mod members;
pub mod payload_v1;
pub mod payload_v2;

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::batch::Described;
use self::idempotency::{Begun, Keyed};
use super::App;
use super::request_body::{self, RequestBody, invalid, unreadable};
use crate::domain::{Deadline, DescribeRequest, describe_product, excerpt};
use crate::problem::{Problem, ProblemKind};

const PATH: &str = "/descriptions";
const METHOD: &str = "POST";
const PHOTO_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// A request, free of its trigger's form.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// In upper case.
    pub method: &'a str,
    /// Without the stage of the API.
    pub path: &'a str,
    /// The content type as it was sent.
    pub content_type: Option<&'a str>,
    /// By which a call that is made again is known.
    pub idempotency_key: Option<&'a str>,
    /// The query's parameters, decoded.
    pub query: &'a HashMap<String, String>,
    /// Decoded; the error is a problem of the request.
    pub body: Result<Bytes, Problem>,
}

/// A response, free of its trigger's form.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body, a JSON text.
    pub body: String,
}

impl From<Problem> for HttpResponse {
    fn from(problem: Problem) -> HttpResponse {
        let headers = match problem.kind {
            ProblemKind::MethodNotAllowed => vec![("allow", METHOD)],
            ProblemKind::CallInProgress => vec![("retry-after", idempotency::RETRY_AFTER_S)],
            _ => Vec::new(),
        };
        HttpResponse {
            status: problem.kind.status(),
            content_type: "application/problem+json",
            headers,
            body: problem.to_json().to_string(),
        }
    }
}

impl HttpResponse {
    fn of(body: String) -> HttpResponse {
        HttpResponse {
            status: 200,
            content_type: "application/json",
            headers: Vec::new(),
            body,
        }
    }

    /// Every header with its value, as `shaped` writes it.
    fn all_headers(&self, shaped: impl Fn(&str) -> Value) -> Map<String, Value> {
        let content_type = ("content-type", self.content_type);
        std::iter::once(content_type)
            .chain(self.headers.iter().copied())
            .map(|(name, value)| (name.to_owned(), shaped(value)))
            .collect()
    }
}

/// What a request asks for.
enum Call {
    One(DescribeRequest),
    Batch(Vec<Value>),
}

/// Answers a request by the deadline, or by the longest time of an HTTP call.
pub async fn respond(app: &App, request: HttpRequest<'_>, deadline: Deadline) -> HttpResponse {
    let deadline = deadline.of_http_call(app.settings.http_timeout_ms);
    let keyed = Keyed::read(app, &request);
    let outcome = match read(request) {
        Ok(call) => answer(app, call, keyed, deadline).await,
        Err(problem) => Err(problem),
    };
    outcome.unwrap_or_else(|problem| {
        let status = problem.kind.status();
        tracing::warn!(status, detail = problem.detail, "answered with a problem");
        problem.into()
    })
}

/// Answers a call, once if it has a key.
async fn answer(
    app: &App,
    call: Call,
    keyed: Result<Option<Keyed>, Problem>,
    deadline: Deadline,
) -> Result<HttpResponse, Problem> {
    let Some(keyed) = keyed? else {
        let described = describe(app, call, deadline).await?;
        return Ok(HttpResponse::of(described.body.to_string()));
    };
    let claim = match keyed.begin(app, deadline).await? {
        Begun::Answered(body) => {
            return Ok(HttpResponse {
                headers: vec![("idempotency-replayed", "true")],
                ..HttpResponse::of(body)
            });
        }
        Begun::Claimed(claim) => claim,
    };
    match describe(app, call, deadline.of_work()).await {
        Ok(Described { body, is_final }) => {
            let body = body.to_string();
            if is_final {
                claim.keep(app, &body, deadline).await;
            } else {
                claim.release(app, deadline).await;
            }
            Ok(HttpResponse::of(body))
        }
        Err(problem) => {
            claim.release(app, deadline).await;
            Err(problem)
        }
    }
}

async fn describe(app: &App, call: Call, deadline: Deadline) -> Result<Described, Problem> {
    match call {
        Call::One(request) => {
            let product = describe_product(&app.services, request, deadline).await?;
            Ok(Described {
                body: json!(product),
                is_final: true,
            })
        }
        Call::Batch(products) => Ok(batch::describe_all(app, products, deadline).await),
    }
}

fn read(request: HttpRequest<'_>) -> Result<Call, Problem> {
    let is_batch = batch::is_path(request.path);
    if request.path != PATH && !is_batch {
        let path = excerpt(request.path);
        let detail = format!(
            "there is no {path:?} here: send {METHOD} to {PATH} or to {}",
            batch::PATH
        );
        return Err(Problem::new(ProblemKind::NoSuchResource, detail));
    }
    if request.method != METHOD {
        let path = if is_batch { batch::PATH } else { PATH };
        let method = excerpt(request.method);
        let detail = format!("{path} takes {METHOD} alone, not {method}");
        return Err(Problem::new(ProblemKind::MethodNotAllowed, detail));
    }
    let content_type = media_type(request.content_type);
    let is_photo = !is_batch && PHOTO_TYPES.contains(&content_type.as_str());
    if !is_photo && content_type != "application/json" {
        let content_type = excerpt(&content_type);
        let detail = if is_batch {
            format!("the content type is {content_type:?}: send application/json")
        } else {
            format!(
                "the content type is {content_type:?}: send application/json, or a photo as {}",
                PHOTO_TYPES.join(", ")
            )
        };
        return Err(Problem::new(ProblemKind::UnsupportedContent, detail));
    }
    let body = request.body?;
    if body.is_empty() {
        return Err(invalid("the request has no body"));
    }
    if is_batch {
        return batch::read(&body).map(Call::Batch);
    }
    if is_photo {
        return request_body::from_photo(body, request.query).map(Call::One);
    }
    let body: RequestBody = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    DescribeRequest::try_from(body).map(Call::One)
}

/// `image/jpeg` of `Image/JPEG; q=1`.
fn media_type(content_type: Option<&str>) -> String {
    let content_type = content_type.unwrap_or_default();
    content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

//! `POST /descriptions`, whatever HTTP trigger it comes through.

pub mod payload_v2;

use bytes::Bytes;
use serde_json::{Value, json};

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
    /// The body.
    pub body: Value,
}

impl From<Problem> for HttpResponse {
    fn from(problem: Problem) -> HttpResponse {
        let headers = match problem.kind {
            ProblemKind::MethodNotAllowed => vec![("allow", METHOD)],
            _ => Vec::new(),
        };
        HttpResponse {
            status: problem.kind.status(),
            content_type: "application/problem+json",
            headers,
            body: problem.to_json(),
        }
    }
}

/// Answers a request by the deadline, or by the longest time of an HTTP call.
pub async fn respond<'a>(
    app: &App,
    request: HttpRequest<'a>,
    query: impl Fn(&str) -> Option<&'a str>,
    deadline: Deadline,
) -> HttpResponse {
    let deadline = deadline.of_http_call(app.settings.http_timeout_ms);
    let outcome = match read(request, query) {
        Ok(request) => describe_product(&app.services, request, deadline)
            .await
            .map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(product) => HttpResponse {
            status: 200,
            content_type: "application/json",
            headers: Vec::new(),
            body: json!(product),
        },
        Err(problem) => {
            let status = problem.kind.status();
            tracing::warn!(status, detail = problem.detail, "answered with a problem");
            problem.into()
        }
    }
}

fn read<'a>(
    request: HttpRequest<'a>,
    query: impl Fn(&str) -> Option<&'a str>,
) -> Result<DescribeRequest, Problem> {
    if request.path != PATH {
        let path = excerpt(request.path);
        let detail = format!("there is no {path:?} here: send {METHOD} to {PATH}");
        return Err(Problem::new(ProblemKind::NoSuchResource, detail));
    }
    if request.method != METHOD {
        let method = excerpt(request.method);
        let detail = format!("{PATH} takes {METHOD} alone, not {method}");
        return Err(Problem::new(ProblemKind::MethodNotAllowed, detail));
    }
    let content_type = media_type(request.content_type);
    let is_photo = PHOTO_TYPES.contains(&content_type.as_str());
    if !is_photo && content_type != "application/json" {
        let detail = format!(
            "the content type is {:?}: send application/json, or a photo as {}",
            excerpt(&content_type),
            PHOTO_TYPES.join(", ")
        );
        return Err(Problem::new(ProblemKind::UnsupportedContent, detail));
    }
    let body = request.body?;
    if body.is_empty() {
        return Err(invalid("the request has no body"));
    }
    if is_photo {
        return request_body::from_photo(body, query);
    }
    let body: RequestBody = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    body.try_into()
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

//! `POST /descriptions` and `POST /descriptions:batch`, whatever HTTP trigger
//! they come through.

mod batch;
mod event_stream;
mod idempotency;
pub mod load_balancer;
mod members;
pub mod payload_v1;
pub mod payload_v2;
pub mod streamed;

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::batch::Described;
use self::idempotency::{Begun, Keyed};
use self::members::header;
use super::App;
use super::request_body::{self, RequestBody, invalid, product_id_of, unreadable};
use crate::domain::{Audience, Deadline, DescribeRequest, describe_product_aloud, excerpt};
use crate::problem::{Problem, ProblemKind};
use crate::telemetry::{About, TRACEPARENT, TRACESTATE, Trace, Worked, follow};

const PATH: &str = "/descriptions";
const METHOD: &str = "POST";
const PHOTO_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// A request, free of its trigger's form. It can't be written into a log by mistake.
pub struct HttpRequest<'a> {
    /// In upper case.
    pub method: &'a str,
    /// Without the stage of the API.
    pub path: &'a str,
    /// One value a name.
    pub headers: &'a HashMap<String, String>,
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

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> HttpResponse {
        let replayed = answer
            .is_replayed
            .then_some(("idempotency-replayed", "true"));
        HttpResponse {
            status: 200,
            content_type: "application/json",
            headers: replayed.into_iter().collect(),
            body: answer.body,
        }
    }
}

impl From<Result<Answer, Problem>> for HttpResponse {
    fn from(outcome: Result<Answer, Problem>) -> HttpResponse {
        match outcome {
            Ok(answer) => answer.into(),
            Err(problem) => problem.into(),
        }
    }
}

impl HttpResponse {
    /// Whether it is no problem.
    fn is_success(&self) -> bool {
        self.status < 300
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

/// What is answered to a call that succeeds.
struct Answer {
    /// A JSON text.
    body: String,
    /// Whether it was answered before, so that there was nothing to do.
    is_replayed: bool,
}

impl Worked for Answer {
    fn passed_over(&self) -> Option<&'static str> {
        self.is_replayed.then_some("answered before")
    }
}

/// Answers a request by the deadline, or by the longest time of an HTTP call. What is called
/// for it hears of the trace that its caller sent.
pub async fn respond(app: &App, request: HttpRequest<'_>, deadline: Deadline) -> HttpResponse {
    let trace = trace_of(&request);
    trace.scope(answer(app, request, deadline)).await
}

/// The trace that a request belongs to: its caller's, where that sent one.
fn trace_of(request: &HttpRequest<'_>) -> Trace {
    Trace::current().with_w3c(
        header(request.headers, TRACEPARENT),
        header(request.headers, TRACESTATE),
    )
}

async fn answer(app: &App, request: HttpRequest<'_>, deadline: Deadline) -> HttpResponse {
    let deadline = deadline.of_http_call(app.settings.http_timeout_ms);
    let ignored_key = idempotency::ignored_key(app, &request);
    let outcome = match read_call(app, request) {
        Ok((Call::One(request), keyed)) => describe(app, request, keyed, None, deadline).await,
        Ok((Call::Batch(products), keyed)) => describe_batch(app, products, keyed, deadline).await,
        Err(problem) => Err(problem),
    };
    let mut response = HttpResponse::from(outcome);
    response.headers.extend(ignored_key);
    response
}

/// Reads a request and its idempotency key. What is no request for a product has no line of
/// its own in the log and is logged here.
fn read_call(app: &App, request: HttpRequest<'_>) -> Result<(Call, Option<Keyed>), Problem> {
    let keyed = Keyed::read(app, &request);
    let call = read(request).and_then(|call| keyed.map(|keyed| (call, keyed)));
    if let Err(problem) = &call {
        let status = problem.kind.status();
        let detail = problem.loggable_detail();
        tracing::warn!(status, detail = &*detail, "no request for a product");
    }
    call
}

/// Describes one product, and says in the log what came of it.
async fn describe(
    app: &App,
    request: DescribeRequest,
    keyed: Option<Keyed>,
    audience: Option<&dyn Audience>,
    deadline: Deadline,
) -> Result<Answer, Problem> {
    let product_id = request.product_id.clone();
    let work = async |deadline: Deadline| {
        let product = describe_product_aloud(&app.services, request, audience, deadline).await?;
        Ok::<Described, Problem>(Described {
            body: json!(product),
            is_final: true,
        })
    };
    let about = About {
        source: None,
        product_id: product_id.as_deref(),
    };
    follow(about, once(app, keyed, deadline, work)).await
}

async fn describe_batch(
    app: &App,
    products: Vec<Value>,
    keyed: Option<Keyed>,
    deadline: Deadline,
) -> Result<Answer, Problem> {
    let product_ids: Vec<Option<String>> = products
        .iter()
        .map(|product| product_id_of(product).map(str::to_owned))
        .collect();
    let work = async |deadline: Deadline| {
        let described = batch::describe_all(app, products, deadline).await;
        Ok::<Described, Problem>(described)
    };
    let outcome = once(app, keyed, deadline, work).await;
    let was_worked_on = outcome.as_ref().is_ok_and(|answer| !answer.is_replayed);
    if !was_worked_on {
        // The key alone decided about all products: each has its line all the same.
        for product_id in product_ids {
            let decided = async {
                match &outcome {
                    Ok(answer) => Ok(Answer {
                        body: String::new(),
                        is_replayed: answer.is_replayed,
                    }),
                    Err(problem) => Err(problem.clone()),
                }
            };
            let about = About {
                source: None,
                product_id: product_id.as_deref(),
            };
            // What came of the call is answered below.
            let _ = follow(about, decided).await;
        }
    }
    outcome
}

/// Does the work of a call, once if it has a key.
async fn once(
    app: &App,
    keyed: Option<Keyed>,
    deadline: Deadline,
    work: impl AsyncFnOnce(Deadline) -> Result<Described, Problem>,
) -> Result<Answer, Problem> {
    let Some(keyed) = keyed else {
        let described = work(deadline).await?;
        return Ok(Answer {
            body: described.body.to_string(),
            is_replayed: false,
        });
    };
    let claim = match keyed.begin(app, deadline).await? {
        Begun::Answered(body) => {
            return Ok(Answer {
                body,
                is_replayed: true,
            });
        }
        Begun::Claimed(claim) => claim,
    };
    match work(deadline.of_work()).await {
        Ok(Described { body, is_final }) => {
            let body = body.to_string();
            if is_final {
                claim.keep(app, &body, deadline).await;
            } else {
                claim.release(app, deadline).await;
            }
            Ok(Answer {
                body,
                is_replayed: false,
            })
        }
        Err(problem) => {
            claim.release(app, deadline).await;
            Err(problem)
        }
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
        let detail = format!("{path} takes {METHOD} alone, not {method:?}");
        return Err(Problem::new(ProblemKind::MethodNotAllowed, detail));
    }
    let content_type = media_type(header(request.headers, "content-type"));
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

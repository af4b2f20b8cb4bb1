//! What stands between `lookbook` and moto: it passes everything on, but for what a test
//! wants to be refused, late or otherwise. moto completes everything at once and fails
//! nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tests::loopback::Loopback;

/// The id of every request that the proxy answers by itself.
pub const REQUEST_ID: &str = "11111111-2222-4333-8444-555555555555";

const POLL: Duration = Duration::from_millis(20);

/// What becomes of an operation, by its name: `CreateModel`, of S3 `S3 PUT`.
#[derive(Clone, Debug)]
pub enum Rule {
    /// It is refused as IAM refuses.
    Deny,
    /// It is answered with this, and moto hears nothing of it.
    Answer(Value),
    /// moto's answers have these members in the place of their own: the first answer the
    /// first, and so on; the last stays.
    Overlays(Vec<Value>),
    /// It waits until there is another rule, or none.
    Hold,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: String,
    /// Its body, where that is JSON.
    pub body: Value,
}

pub struct Proxy {
    server: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    moto: String,
    client: reqwest::Client,
    rules: Mutex<HashMap<String, Rule>>,
    calls: Mutex<Vec<Call>>,
}

impl Proxy {
    pub async fn start(moto: &str) -> Proxy {
        let shared = Arc::new(Shared {
            moto: moto.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            rules: Mutex::default(),
            calls: Mutex::default(),
        });
        let router = Router::new()
            .fallback(handle)
            .with_state(Arc::clone(&shared));
        let server = Loopback::serve(router).await.unwrap();
        Proxy { server, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub fn rule(&self, operation: &str, rule: Rule) {
        let mut rules = self.shared.rules.lock().unwrap();
        rules.insert(operation.to_owned(), rule);
    }

    /// Every operation is passed on again.
    pub fn no_rules(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// The requests for an operation that came so far.
    pub fn calls(&self, operation: &str) -> Vec<Call> {
        let calls = self.shared.calls.lock().unwrap();
        let of = calls.iter().filter(|call| call.operation == operation);
        of.cloned().collect()
    }

    /// Waits until an operation has been asked for so many times.
    pub async fn until(&self, operation: &str, times: usize) -> Call {
        let start = Instant::now();
        loop {
            let calls = self.calls(operation);
            if calls.len() >= times {
                return calls[times - 1].clone();
            }
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "{operation} was asked for {} times, not {times}",
                calls.len()
            );
            tokio::time::sleep(POLL).await;
        }
    }
}

/// What is done about a request.
enum Act {
    Pass,
    Deny,
    Answer(Value),
    Overlay(Value),
    Wait,
}

impl Shared {
    fn act(&self, operation: &str) -> Act {
        match self.rules.lock().unwrap().get_mut(operation) {
            None => Act::Pass,
            Some(Rule::Deny) => Act::Deny,
            Some(Rule::Answer(answer)) => Act::Answer(answer.clone()),
            Some(Rule::Hold) => Act::Wait,
            Some(Rule::Overlays(overlays)) => {
                let overlay = overlays[0].clone();
                if overlays.len() > 1 {
                    overlays.remove(0);
                }
                Act::Overlay(overlay)
            }
        }
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let operation = operation(&parts);
    shared.calls.lock().unwrap().push(Call {
        operation: operation.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    loop {
        match shared.act(&operation) {
            Act::Wait => tokio::time::sleep(POLL).await,
            Act::Pass => return pass(&shared, &parts, body, None).await,
            Act::Overlay(overlay) => return pass(&shared, &parts, body, Some(overlay)).await,
            Act::Deny => return denied(&operation),
            Act::Answer(answer) => {
                let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];
                return (kind, answer.to_string()).into_response();
            }
        }
    }
}

/// Operations in JSON have a header for it, S3 its methods.
fn operation(parts: &Parts) -> String {
    let target = parts.headers.get("x-amz-target");
    match target.and_then(|target| target.to_str().ok()?.split_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None => format!("S3 {}", parts.method),
    }
}

fn denied(operation: &str) -> Response {
    if operation.starts_with("S3 ") {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access \
             Denied</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
        );
        let headers = [
            ("content-type", "application/xml"),
            ("x-amz-request-id", REQUEST_ID),
        ];
        return (StatusCode::FORBIDDEN, headers, body).into_response();
    }
    let message = format!("User: test is not authorized to perform: {operation}");
    let body = serde_json::json!({"__type": "AccessDeniedException", "Message": message});
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amzn-requestid", REQUEST_ID),
    ];
    (StatusCode::BAD_REQUEST, headers, body.to_string()).into_response()
}

/// moto's answer, with other members where there are any.
async fn pass(shared: &Shared, parts: &Parts, body: Bytes, overlay: Option<Value>) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", shared.moto);
    let answer = shared
        .client
        .request(parts.method.clone(), url)
        .headers(passed_on(&parts.headers))
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let mut headers = passed_on(answer.headers());
    if parts.method == axum::http::Method::HEAD
        && let Some(length) = answer.headers().get(header::CONTENT_LENGTH)
    {
        headers.insert(header::CONTENT_LENGTH, length.clone());
    }
    let mut body = answer.bytes().await.unwrap();
    if let (Some(Value::Object(overlay)), true) = (overlay, status.is_success()) {
        let mut whole: Value = serde_json::from_slice(&body).unwrap();
        let members = whole.as_object_mut().unwrap();
        members.extend(overlay);
        body = whole.to_string().into();
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Headers but for those of one connection.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let of_connection = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::EXPECT,
    ];
    let passed = headers
        .iter()
        .filter(|(name, _)| !of_connection.contains(name));
    passed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

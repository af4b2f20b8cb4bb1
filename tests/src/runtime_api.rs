//! The Runtime API of AWS Lambda for one process of a function, with the times at which
//! events and answers pass through it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! In the place of cargo-lambda's emulator: that is a process of its own, whose time a
//! benchmark would count with the function's, and which knows nothing of processes that are
//! killed. Whoever starts a process gives it an API of its own, so that nothing that a dead
//! one has left, an event or a late answer, reaches the next.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use local_stack::FUNCTION;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::loopback::Loopback;

/// How long an invocation may take, as the function is told, where nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// By this header a function says that its answer comes as it comes to be.
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";

/// The trace header of Lambda's documentation.
const TRACE_ID: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0";

/// The API, until it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    server: Loopback,
    events: mpsc::UnboundedSender<Event>,
    shared: Arc<Shared>,
}

/// What a function answered to an event.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its JSON, or that of its error. Where it is streamed: status and headers in JSON, eight
    /// zero bytes, and the body.
    pub body: Bytes,
    /// Whether it is an error.
    pub failed: bool,
    /// Whether the function says that it is streamed.
    pub streamed: bool,
    /// When the event was handed over.
    pub handed: Instant,
    /// When the first of the answer was there.
    pub begun: Instant,
    /// When the whole answer was there.
    pub answered: Instant,
}

impl Answer {
    /// Its JSON; what is none, as a text.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }
}

/// What waits to be handed over.
#[derive(Debug)]
struct Event {
    /// Nothing where the API is to choose one.
    request_id: Option<String>,
    body: Bytes,
    end: SystemTime,
    answer: oneshot::Sender<Answer>,
}

/// What was handed over and is not answered.
#[derive(Debug)]
struct UnderWay {
    request_id: String,
    handed: Instant,
    answer: oneshot::Sender<Answer>,
}

/// What a function sends as an answer.
struct Sent {
    body: Bytes,
    failed: bool,
    streamed: bool,
    begun: Instant,
}

#[derive(Debug)]
struct Shared {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    /// One at a time, as Lambda gives them to a process.
    under_way: Mutex<Option<UnderWay>>,
    initialization_error: Mutex<Option<String>>,
    handed: AtomicU64,
}

impl RuntimeApi {
    /// Listens when it returns.
    ///
    /// # Errors
    /// When the system has no port.
    pub async fn start() -> Result<RuntimeApi> {
        let (events, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: tokio::sync::Mutex::new(waiting),
            under_way: Mutex::new(None),
            initialization_error: Mutex::new(None),
            handed: AtomicU64::new(0),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(respond),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
            .route("/2018-06-01/runtime/init/error", post(fail_to_start))
            // An answer may have 6 MiB, a streamed one more: a limit is none of this API's.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let server = Loopback::serve(router).await?;
        Ok(RuntimeApi {
            server,
            events,
            shared,
        })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`: host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Hands an event over when the function asks for one, and waits for the answer.
    ///
    /// # Errors
    /// When the function asks for another event in the place of an answer.
    pub async fn invoke(&self, event: Bytes) -> Result<Answer> {
        self.hand_over(None, event, TIMEOUT).await
    }

    /// The same under an id of one's own, which the function's log has then, with so much
    /// `time` as the function is told. It is not ended by this.
    ///
    /// # Errors
    /// When the function asks for another event in the place of an answer.
    pub async fn invoke_as(
        &self,
        request_id: String,
        event: Bytes,
        time: Duration,
    ) -> Result<Answer> {
        self.hand_over(Some(request_id), event, time).await
    }

    async fn hand_over(
        &self,
        request_id: Option<String>,
        body: Bytes,
        time: Duration,
    ) -> Result<Answer> {
        let (answer, answered) = oneshot::channel();
        let event = Event {
            request_id,
            body,
            end: SystemTime::now() + time,
            answer,
        };
        self.events
            .send(event)
            .ok()
            .context("the Runtime API has ended")?;
        answered
            .await
            .context("the function did not answer the event")
    }

    /// Why the function could not start, as it said itself. Whoever says so ends.
    #[must_use]
    pub fn initialization_error(&self) -> Option<String> {
        locked(&self.shared.initialization_error).clone()
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    // A process that dies here takes no event with it: the request's end drops this future
    // while it waits.
    let event = shared.waiting.lock().await.recv().await;
    let Some(Event {
        request_id,
        body,
        end,
        answer,
    }) = event
    else {
        return StatusCode::GONE.into_response();
    };
    let number = shared.handed.fetch_add(1, Ordering::Relaxed);
    let request_id = request_id.unwrap_or_else(|| format!("00000000-0000-4000-8000-{number:012x}"));
    let end = end.duration_since(UNIX_EPOCH).unwrap_or_default();
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}");
    let headers = [
        ("lambda-runtime-aws-request-id", request_id.clone()),
        ("lambda-runtime-deadline-ms", end.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", function),
        ("lambda-runtime-trace-id", TRACE_ID.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    // Of one before that was not answered nobody hears any more.
    *locked(&shared.under_way) = Some(UnderWay {
        request_id,
        handed: Instant::now(),
        answer,
    });
    (headers, body).into_response()
}

async fn respond(
    State(shared): State<Arc<Shared>>,
    Path(request_id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let mut begun = None;
    let mut whole = Vec::new();
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        // It ended in the middle: this is no answer.
        let Ok(part) = part else {
            return StatusCode::BAD_REQUEST;
        };
        begun.get_or_insert_with(Instant::now);
        whole.extend_from_slice(&part);
    }
    let mode = headers.get(RESPONSE_MODE);
    let sent = Sent {
        body: whole.into(),
        failed: false,
        streamed: mode.is_some_and(|mode| mode == "streaming"),
        begun: begun.unwrap_or_else(Instant::now),
    };
    shared.settle(&request_id, sent)
}

async fn fail(
    State(shared): State<Arc<Shared>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    let sent = Sent {
        body,
        failed: true,
        streamed: false,
        begun: Instant::now(),
    };
    shared.settle(&request_id, sent)
}

async fn fail_to_start(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let reason = String::from_utf8_lossy(&body).into_owned();
    *locked(&shared.initialization_error) = Some(reason);
    StatusCode::ACCEPTED
}

impl Shared {
    /// Passes an answer on. As AWS has it, one to a request that is not under way is a 400.
    fn settle(&self, request_id: &str, sent: Sent) -> StatusCode {
        let answered = Instant::now();
        let Sent {
            body,
            failed,
            streamed,
            begun,
        } = sent;
        let under_way = locked(&self.under_way).take_if(|one| one.request_id == request_id);
        let Some(UnderWay { handed, answer, .. }) = under_way else {
            return StatusCode::BAD_REQUEST;
        };
        // Whoever invoked it may have gone.
        let _ = answer.send(Answer {
            body,
            failed,
            streamed,
            handed,
            begun,
            answered,
        });
        StatusCode::ACCEPTED
    }
}

/// What it holds is whole at any time.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A runtime that takes an event and posts `answer` to `path` of it, twice.
    async fn run(address: SocketAddr, path: &str, answer: &'static str) -> (String, [u16; 2]) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://{address}/2018-06-01/runtime/invocation");
        let next = client.get(format!("{base}/next")).send().await.unwrap();
        let header = |name: &str| next.headers()[name].to_str().unwrap().to_owned();
        let id = header("lambda-runtime-aws-request-id");
        let deadline: u128 = header("lambda-runtime-deadline-ms").parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(deadline > now.as_millis(), "{deadline}");
        let event = next.text().await.unwrap();
        let mut statuses = [0; 2];
        for status in &mut statuses {
            let url = format!("{base}/{id}/{path}");
            let response = client.post(url).body(answer).send().await.unwrap();
            *status = response.status().as_u16();
        }
        (event, statuses)
    }

    #[tokio::test]
    async fn an_event_is_handed_over_and_answered_once() {
        let api = RuntimeApi::start().await.unwrap();
        for (path, answer, failed) in [
            ("response", "{\"b\":2}", false),
            ("error", "{\"errorType\":\"c\"}", true),
        ] {
            let event = Bytes::from_static(b"{\"a\":1}");
            let (answered, (event, statuses)) =
                tokio::join!(api.invoke(event), run(api.address(), path, answer));
            assert_eq!((event.as_str(), statuses), ("{\"a\":1}", [202, 400]));
            let answered = answered.unwrap();
            assert_eq!(
                (&answered.body[..], answered.failed),
                (answer.as_bytes(), failed)
            );
            assert!(!answered.streamed);
            assert!(answered.begun >= answered.handed);
            assert!(answered.answered >= answered.begun);
        }
    }

    #[tokio::test]
    async fn an_event_that_is_dropped_for_the_next_is_an_error() {
        let api = RuntimeApi::start().await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let next = format!(
            "http://{}/2018-06-01/runtime/invocation/next",
            api.address()
        );
        let asks = async {
            for _ in 0..2 {
                client.get(&next).send().await.unwrap();
            }
        };
        let second = api.invoke(Bytes::from_static(b"2"));
        let (first, second, ()) = tokio::join!(
            api.invoke(Bytes::from_static(b"1")),
            tokio::time::timeout(Duration::from_secs(1), second),
            asks
        );
        assert!(first.unwrap_err().to_string().contains("did not answer"));
        assert!(second.is_err());
    }

    #[tokio::test]
    async fn an_id_and_a_time_of_one_s_own_are_the_function_s() {
        let api = RuntimeApi::start().await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://{}/2018-06-01/runtime/invocation", api.address());
        let time = Duration::from_secs(900);
        // More than what a body may have by default.
        let answer = vec![b'7'; 5 * 1024 * 1024];
        let runs = async {
            let next = client.get(format!("{base}/next")).send().await.unwrap();
            let header = |name: &str| next.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("lambda-runtime-aws-request-id"), "mine");
            let deadline: u64 = header("lambda-runtime-deadline-ms").parse().unwrap();
            let least = SystemTime::now() + time - Duration::from_secs(60);
            assert!(UNIX_EPOCH + Duration::from_millis(deadline) > least);
            let url = |id: &str| format!("{base}/{id}/response");
            let unknown = client.post(url("another")).body("1").send().await.unwrap();
            assert_eq!(unknown.status().as_u16(), 400);
            let known = client.post(url("mine")).body(answer.clone());
            assert_eq!(known.send().await.unwrap().status().as_u16(), 202);
        };
        let invoked = api.invoke_as("mine".to_owned(), Bytes::from_static(b"1"), time);
        let (answered, ()) = tokio::join!(invoked, runs);
        assert_eq!(answered.unwrap().body, answer);
    }

    #[tokio::test]
    async fn why_a_function_could_not_start_is_kept() {
        let api = RuntimeApi::start().await.unwrap();
        assert_eq!(api.initialization_error(), None);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/2018-06-01/runtime/init/error", api.address());
        let reason = "{\"errorMessage\":\"no module\"}";
        let response = client.post(url).body(reason).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 202);
        assert_eq!(api.initialization_error().as_deref(), Some(reason));
    }
}

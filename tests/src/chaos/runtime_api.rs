//! The Runtime API of Lambda, for processes of the function that a run starts and
//! kills as it likes, each under a path of its own.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use local_stack::FUNCTION;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// An invocation on its way to a process.
#[derive(Debug)]
struct Job {
    id: String,
    deadline_ms: u128,
    event: String,
}

/// What a process says to its invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Its result.
    Result(Value),
    /// Its error.
    Error(Value),
}

/// The server.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    processes: Arc<Processes>,
}

#[derive(Debug, Default)]
struct Processes(Mutex<HashMap<String, Arc<Mailbox>>>);

/// What lies between a process and whoever invokes it.
#[derive(Debug)]
struct Mailbox {
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    answers: mpsc::Sender<(String, Answer)>,
}

/// A process as whoever invokes it knows it. It is forgotten when this is dropped.
#[derive(Debug)]
pub struct Line {
    /// The value of `AWS_LAMBDA_RUNTIME_API` for the process.
    pub address: String,
    name: String,
    processes: Arc<Processes>,
    jobs: mpsc::Sender<Job>,
    answers: mpsc::Receiver<(String, Answer)>,
}

impl RuntimeApi {
    /// Listens on a port of the system's choice, as long as the runtime lives.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<RuntimeApi> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("cannot listen on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let processes = Arc::new(Processes::default());
        let router = Router::new()
            .route("/{process}/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/{process}/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route(
                "/{process}/2018-06-01/runtime/invocation/{id}/error",
                post(error),
            )
            .with_state(Arc::clone(&processes));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(RuntimeApi { address, processes })
    }

    /// A place for a process that is about to be started.
    pub fn line(&self, name: String) -> Line {
        let (jobs, waiting) = mpsc::channel(1);
        let (sender, answers) = mpsc::channel(1);
        let mailbox = Mailbox {
            jobs: tokio::sync::Mutex::new(waiting),
            answers: sender,
        };
        self.processes.enter(name.clone(), mailbox);
        Line {
            address: format!("http://{}/{name}", self.address),
            name,
            processes: Arc::clone(&self.processes),
            jobs,
            answers,
        }
    }
}

impl Line {
    /// Has the process invoked with an event that it must have answered in `time`.
    ///
    /// # Errors
    /// When an invocation before was not answered.
    pub async fn invoke(&self, id: &str, event: &Value, time: Duration) -> Result<()> {
        let end = SystemTime::now() + time;
        let job = Job {
            id: id.to_owned(),
            deadline_ms: end.duration_since(UNIX_EPOCH)?.as_millis(),
            event: event.to_string(),
        };
        let sent = self.jobs.send(job).await;
        sent.ok().context("the process has no place any more")
    }

    /// What the process answers to the invocation `id`.
    pub async fn answer(&mut self, id: &str) -> Option<Answer> {
        loop {
            let (of, answer) = self.answers.recv().await?;
            if of == id {
                return Some(answer);
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.processes.leave(&self.name);
    }
}

impl Processes {
    fn enter(&self, name: String, mailbox: Mailbox) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name, Arc::new(mailbox));
    }

    fn leave(&self, name: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(name);
    }

    fn find(&self, name: &str) -> Option<Arc<Mailbox>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(name).cloned()
    }
}

async fn next(State(processes): State<Arc<Processes>>, Path(process): Path<String>) -> Response {
    let Some(mailbox) = processes.find(&process) else {
        return StatusCode::GONE.into_response();
    };
    // A process that dies here takes no job with it: the request's end drops this
    // future while it waits.
    let Some(job) = mailbox.jobs.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let function = format!("arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}");
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", job.id),
        ("lambda-runtime-deadline-ms", job.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", function),
    ];
    (headers, job.event).into_response()
}

async fn response(
    State(processes): State<Arc<Processes>>,
    Path((process, id)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    take(&processes, &process, id, body, Answer::Result).await
}

async fn error(
    State(processes): State<Arc<Processes>>,
    Path((process, id)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    take(&processes, &process, id, body, Answer::Error).await
}

async fn take(
    processes: &Processes,
    process: &str,
    id: String,
    body: String,
    form: fn(Value) -> Answer,
) -> StatusCode {
    let Some(mailbox) = processes.find(process) else {
        return StatusCode::GONE;
    };
    // Lambda takes any text; ours has to be JSON to be of use.
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    match mailbox.answers.send((id, form(body))).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::GONE,
    }
}

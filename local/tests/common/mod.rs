//! What the tests share: the program as a process, a function that records what it is sent,
//! and clients of the AWS SDK.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

pub const BUCKET: &str = "lookbook-catalogue";

/// Where the weights of the language model lie on a machine that has them.
pub fn writer_model() -> Option<PathBuf> {
    let in_repository = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../.tools/models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let path = std::env::var_os("LOOKBOOK_WRITER_MODEL").map_or(in_repository, PathBuf::from);
    if path.is_file() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: no language model at {} (see LOOKBOOK_WRITER_MODEL)",
        path.display()
    );
    None
}

/// A running `local-cloud`, killed when it goes out of scope.
pub struct LocalCloud {
    process: Child,
    pub folder: TempDir,
    pub s3: String,
    pub bedrock: String,
}

impl LocalCloud {
    /// Starts the program with the template writer.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(&[&["--writer", "template"], arguments].concat())
    }

    /// Starts the program and waits for its ready file.
    pub fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready_file = folder.path().join("ready.json");
        let mut process = command(folder.path())
            .args(["--ready-file".as_ref(), ready_file.as_os_str()])
            .args(arguments)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !ready_file.exists() {
            assert!(
                process.try_wait().unwrap().is_none(),
                "local-cloud ended before it was ready"
            );
            assert!(
                Instant::now() < deadline,
                "local-cloud was not ready in time"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let ready: Value = serde_json::from_slice(&std::fs::read(&ready_file).unwrap()).unwrap();
        let url = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            process,
            s3: url("s3"),
            bedrock: url("bedrock"),
            folder,
        }
    }

    pub fn s3_client(&self) -> aws_sdk_s3::Client {
        self.s3_client_with("local", "local")
    }

    pub fn s3_client_with(&self, access_key: &str, secret_key: &str) -> aws_sdk_s3::Client {
        use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.s3)
            .force_path_style(true)
            .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub fn bedrock_client(&self) -> aws_sdk_bedrockruntime::Client {
        use aws_sdk_bedrockruntime::config::{
            BehaviorVersion, Credentials, Region, retry::RetryConfig,
        };
        let config = aws_sdk_bedrockruntime::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.bedrock)
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_bedrockruntime::Client::from_conf(config)
    }

    /// The counts of the health path: accepted, delivered, retries, lost, pending.
    pub async fn notification_counts(&self) -> Value {
        let health = reqwest::get(format!("{}/health", self.bedrock))
            .await
            .unwrap();
        health.json::<Value>().await.unwrap()["notifications"].clone()
    }

    /// Waits until a count has a value.
    pub async fn wait_for_count(&self, name: &str, value: u64) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let counts = self.notification_counts().await;
            if counts[name] == value {
                return counts;
            }
            assert!(
                Instant::now() < deadline,
                "{name} never became {value}: {counts}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a signal and waits for the end.
    pub fn end_with(mut self, signal: &str) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        (self.process.wait().unwrap(), start.elapsed())
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, for a folder, with nothing of this environment that could change its settings.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local-cloud"));
    command
        .env_remove("LOOKBOOK_WRITER_MODEL")
        .env("RUST_LOG", "warn");
    command.args(["--root".as_ref(), folder.join("s3").as_os_str()]);
    command
}

/// One invocation that the function got.
#[derive(Clone)]
pub struct Invocation {
    pub headers: HeaderMap,
    pub event: Value,
}

impl Invocation {
    /// The event's only record.
    pub fn record(&self) -> &Value {
        let records = self.event["Records"].as_array().unwrap();
        assert_eq!(records.len(), 1);
        &records[0]
    }

    pub fn key(&self) -> &str {
        self.record()["s3"]["object"]["key"].as_str().unwrap()
    }
}

/// How the function answers one invocation.
#[derive(Clone, Copy)]
pub enum Answer {
    /// As Lambda takes an asynchronous invocation.
    Accepted,
    /// As the emulator reports a function error.
    Status500,
    /// As Lambda reports a function error.
    FunctionErrorHeader,
    /// Too late.
    After(Duration),
}

#[derive(Default)]
struct Recorded {
    invocations: Mutex<Vec<Invocation>>,
    answers: Mutex<Vec<Answer>>,
}

/// A stand-in for Lambda's Invoke API that records what it is sent.
pub struct Function {
    pub url: String,
    recorded: Arc<Recorded>,
}

impl Function {
    /// Gives the answers in their order, and after them accepts.
    pub async fn start(answers: &[Answer]) -> Self {
        let recorded = Arc::new(Recorded {
            answers: Mutex::new(answers.iter().rev().copied().collect()),
            ..Recorded::default()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route(
                "/2015-03-31/functions/describe-product/invocations",
                axum::routing::post(invoked),
            )
            .with_state(Arc::clone(&recorded));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let url = format!("http://{address}/2015-03-31/functions/describe-product/invocations");
        Self { url, recorded }
    }

    pub fn invocations(&self) -> Vec<Invocation> {
        self.recorded.invocations.lock().unwrap().clone()
    }
}

async fn invoked(
    State(recorded): State<Arc<Recorded>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let event = serde_json::from_slice(&body).unwrap();
    recorded
        .invocations
        .lock()
        .unwrap()
        .push(Invocation { headers, event });
    let answer = recorded
        .answers
        .lock()
        .unwrap()
        .pop()
        .unwrap_or(Answer::Accepted);
    match answer {
        Answer::Accepted => StatusCode::ACCEPTED.into_response(),
        Answer::Status500 => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
        Answer::FunctionErrorHeader => (
            StatusCode::OK,
            [("x-amz-function-error", "Unhandled")],
            "{}",
        )
            .into_response(),
        Answer::After(delay) => {
            tokio::time::sleep(delay).await;
            StatusCode::ACCEPTED.into_response()
        }
    }
}

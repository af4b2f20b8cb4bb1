//! How a request reaches a model server and its answer comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long an answer of any kind is waited for at first.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// The way to a model server: HTTP, or another program's client of what stands before
/// the server.
pub trait Wire: Send + Sync {
    /// What errors and reports call the server.
    fn name(&self) -> String;

    /// Sends the body of one request, JSON, to `/invocations`: the status and the body of
    /// the answer as the model server gave them.
    ///
    /// # Errors
    /// When nobody answered. The request is sent again some times then.
    fn post(&self, body: Vec<u8>) -> BoxFuture<'_, Result<(StatusCode, Vec<u8>)>>;

    /// Whether anybody answers, whatever the answer: known before long work.
    ///
    /// # Errors
    /// When nobody does.
    fn reach(&self) -> BoxFuture<'_, Result<()>>;
}

/// A server that is reached by its URL.
pub(super) struct Http {
    client: Client,
    url: Url,
}

/// How SageMaker Runtime wraps an error of the model server, under the status 424.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModelError {
    original_status_code: u16,
    original_message: String,
}

/// The URL that is asked: without a path, that is `/invocations`.
///
/// # Errors
/// When it is none that this program can reach.
pub fn endpoint_url(text: &str) -> Result<Url> {
    let mut url = Url::parse(text).with_context(|| format!("--endpoint: {text:?} is no URL"))?;
    ensure!(
        url.scheme() == "http",
        "--endpoint: {url} has to begin with http://; the trainer signs and encrypts nothing: \
         `lookbook evaluate --endpoint NAME` asks a SageMaker endpoint"
    );
    if url.path() == "/" {
        url.set_path("/invocations");
    }
    Ok(url)
}

impl Http {
    /// # Errors
    /// When the URL is none that this program can reach.
    pub(super) fn new(url: &str) -> Result<Http> {
        let url = endpoint_url(url)?;
        let client = Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .context("no client for HTTP")?;
        Ok(Http { client, url })
    }
}

impl Wire for Http {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn post(&self, body: Vec<u8>) -> BoxFuture<'_, Result<(StatusCode, Vec<u8>)>> {
        async move {
            let request = self.client.post(self.url.clone());
            let request = request.header("content-type", "application/json");
            let response = request.body(body).send().await?;
            let status = response.status();
            Ok(unwrapped(status, response.bytes().await?.into()))
        }
        .boxed()
    }

    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            let asking = self.client.get(self.url.clone()).timeout(REACH_TIMEOUT);
            let answer = asking.send().await;
            answer.with_context(|| format!("--endpoint: {} can't be reached", self.url))?;
            Ok(())
        }
        .boxed()
    }
}

/// What the model server itself answered, where an endpoint stands before it.
fn unwrapped(status: StatusCode, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
    if status == StatusCode::FAILED_DEPENDENCY
        && let Ok(error) = serde_json::from_slice::<ModelError>(&body)
        && let Ok(original) = StatusCode::from_u16(error.original_status_code)
    {
        return (original, error.original_message.into_bytes());
    }
    (status, body)
}

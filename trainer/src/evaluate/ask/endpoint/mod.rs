//! A running model server that answers over HTTP.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, TryStreamExt};
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{Answerer, Asked, PhotoOutcome, PhotoQuestions, Reply};
use crate::evaluate::data::{Choice, Vocabulary};

/// Prompts that every model server takes in one request.
const MAX_PROMPTS: usize = 64;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How often a request is sent again that was turned away.
const RETRIES: u32 = 8;

/// How often one is sent again that nobody answered.
const SEND_RETRIES: u32 = 3;

/// How long an answer of any kind is waited for at first.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// The wait before the first of them; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A model server by its URL.
pub struct Endpoint {
    runtime: Runtime,
    client: Client,
    url: Url,
    /// The texts of each attribute.
    choices: Vec<Vec<String>>,
    concurrency: usize,
}

#[derive(Serialize)]
struct Request<'a> {
    image: &'a str,
    prompts: Vec<&'a str>,
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    details: bool,
    /// One entry a prompt; nothing where its answer is free.
    choices: Vec<Option<&'a [String]>>,
}

#[derive(Deserialize)]
struct Answer {
    generated_text: String,
    confidence: f64,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorFields,
}

#[derive(Deserialize)]
struct ErrorFields {
    code: String,
    message: String,
}

/// How SageMaker Runtime wraps an error of the model server, under the status 424.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ModelError {
    original_status_code: u16,
    original_message: String,
}

/// What one request came to.
enum Sent {
    Answers(Vec<Answer>),
    BadPhoto(String),
}

/// The URL that is asked: without a path, that is `/invocations`.
///
/// # Errors
/// When it is none that this program can reach.
pub fn endpoint_url(text: &str) -> Result<Url> {
    let mut url = Url::parse(text).with_context(|| format!("--endpoint: {text:?} is no URL"))?;
    ensure!(
        url.scheme() == "http",
        "--endpoint: {url} has to begin with http://; this program signs and encrypts nothing, \
         so a SageMaker endpoint needs a proxy in between"
    );
    if url.path() == "/" {
        url.set_path("/invocations");
    }
    Ok(url)
}

impl Endpoint {
    /// A server at `url`, as [`endpoint_url`] understands it.
    ///
    /// # Errors
    /// When the URL is none that this program can reach.
    pub fn new(url: &str, vocabulary: &Vocabulary, concurrency: usize) -> Result<Endpoint> {
        let url = endpoint_url(url)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime for the network")?;
        let client = Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .context("no client for HTTP")?;
        let texts =
            |choices: &Vec<Choice>| choices.iter().map(|choice| choice.text.clone()).collect();
        Ok(Endpoint {
            runtime,
            client,
            url,
            choices: vocabulary.choices.iter().map(texts).collect(),
            concurrency: concurrency.max(1),
        })
    }

    /// Whether anybody answers at the URL, whatever the answer: known before long work.
    ///
    /// # Errors
    /// When nobody does.
    pub fn reach(&self) -> Result<()> {
        let asking = self.client.get(self.url.clone()).timeout(REACH_TIMEOUT);
        // The client's future has to be made within its runtime.
        let answer = self.runtime.block_on(async { asking.send().await });
        answer.with_context(|| format!("--endpoint: {} can't be reached", self.url))?;
        Ok(())
    }

    async fn ask_photo(&self, photo: &PhotoQuestions<'_>) -> Result<PhotoOutcome> {
        let image = BASE64_STANDARD.encode(&photo.photo);
        let mut replies = Vec::with_capacity(photo.questions.len());
        for questions in photo.questions.chunks(MAX_PROMPTS / 2) {
            match self.send(&self.request(&image, questions)).await? {
                Sent::BadPhoto(reason) => return Ok(PhotoOutcome::Unusable(reason)),
                Sent::Answers(answers) => {
                    ensure!(
                        answers.len() == 2 * questions.len(),
                        "{} answered {} questions with {} answers",
                        self.url,
                        2 * questions.len(),
                        answers.len()
                    );
                    let (free, held) = answers.split_at(questions.len());
                    for ((asked, free), held) in questions.iter().zip(free).zip(held) {
                        replies.push(self.reply(*asked, free, held)?);
                    }
                }
            }
        }
        Ok(PhotoOutcome::Answered {
            replies,
            features: None,
        })
    }

    /// Every question twice: for a free answer, and for one of the choices.
    fn request<'a>(&'a self, image: &'a str, questions: &[Asked<'a>]) -> Request<'a> {
        let prompts = questions.iter().map(|asked| asked.question);
        let choices = |asked: &Asked<'_>| Some(self.choices[asked.attribute].as_slice());
        Request {
            image,
            prompts: prompts.clone().chain(prompts).collect(),
            parameters: Parameters {
                details: true,
                choices: std::iter::repeat_n(None, questions.len())
                    .chain(questions.iter().map(choices))
                    .collect(),
            },
        }
    }

    fn reply(&self, asked: Asked<'_>, free: &Answer, held: &Answer) -> Result<Reply> {
        let choices = &self.choices[asked.attribute];
        let choice = choices.iter().position(|text| *text == held.generated_text);
        let choice = choice.with_context(|| {
            format!(
                "{} answered {:?}, which is none of the choices; does it know `choices`?",
                self.url, held.generated_text
            )
        })?;
        Ok(Reply {
            text: free.generated_text.clone(),
            confidence: free.confidence,
            choice,
            choice_confidence: held.confidence,
        })
    }

    async fn send(&self, request: &Request<'_>) -> Result<Sent> {
        let mut wait = FIRST_WAIT;
        let (mut turned_away, mut failed) = (0, 0);
        loop {
            match self.post(request).await {
                Ok((status, _)) if is_passing(status) && turned_away < RETRIES => {
                    turned_away += 1;
                    // Whoever turns a request away is there again.
                    failed = 0;
                }
                Ok((status, body)) => return self.understood(status, &body),
                Err(_) if failed < SEND_RETRIES => failed += 1,
                Err(error) => {
                    let tries = SEND_RETRIES + 1;
                    let said = format!("{} did not answer in {tries} tries", self.url);
                    return Err(error).context(said);
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_WAIT);
        }
    }

    /// The status and the whole body of one answer of the model server.
    async fn post(&self, request: &Request<'_>) -> reqwest::Result<(StatusCode, Vec<u8>)> {
        let sending = self.client.post(self.url.clone()).json(request);
        let response = sending.send().await?;
        let status = response.status();
        Ok(unwrapped(status, response.bytes().await?.into()))
    }

    fn understood(&self, status: StatusCode, body: &[u8]) -> Result<Sent> {
        if status.is_success() {
            let answers = serde_json::from_slice(body).with_context(|| {
                format!(
                    "{} did not answer as this project's model server does",
                    self.url
                )
            })?;
            return Ok(Sent::Answers(answers));
        }
        let error = serde_json::from_slice::<ErrorBody>(body).ok();
        let error = error.map(|body| body.error);
        let is_bad_photo = matches!(&error, Some(error) if error.code == "invalid_image");
        let message = error.map_or_else(
            || String::from_utf8_lossy(body).trim().to_owned(),
            |error| error.message,
        );
        if is_bad_photo {
            return Ok(Sent::BadPhoto(message));
        }
        // It is the photo that is large, whoever says so.
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            let reason = format!("{} answered {status}: {message}", self.url);
            return Ok(Sent::BadPhoto(reason));
        }
        bail!("{} answered {status}: {message}", self.url);
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

/// Whether another try may help.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

impl Answerer for Endpoint {
    fn answer(&mut self, photos: &[PhotoQuestions<'_>]) -> Result<Vec<PhotoOutcome>> {
        let asking = futures::stream::iter(photos)
            .map(|photo| self.ask_photo(photo))
            .buffered(self.concurrency);
        self.runtime.block_on(asking.try_collect())
    }
}

#[cfg(test)]
mod tests;

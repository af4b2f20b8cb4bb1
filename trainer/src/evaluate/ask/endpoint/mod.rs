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

/// The longest wait before that.
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

/// What one request came to.
enum Sent {
    Answers(Vec<Answer>),
    BadPhoto(String),
}

impl Endpoint {
    /// A server at `url`; without a path, it is asked at `/invocations`.
    ///
    /// # Errors
    /// When the URL is none that this program can reach.
    pub fn new(url: &str, vocabulary: &Vocabulary, concurrency: usize) -> Result<Endpoint> {
        let mut url = Url::parse(url).with_context(|| format!("--endpoint: {url:?} is no URL"))?;
        ensure!(
            url.scheme() == "http",
            "--endpoint: {url} has to begin with http://; this program signs and encrypts \
             nothing, so a SageMaker endpoint needs a proxy in between"
        );
        if url.path() == "/" {
            url.set_path("/invocations");
        }
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
        let mut wait = Duration::from_millis(200);
        let mut retries = RETRIES;
        loop {
            let response = self
                .client
                .post(self.url.clone())
                .json(request)
                .send()
                .await
                .with_context(|| format!("{} can't be reached", self.url))?;
            let status = response.status();
            if status.is_success() {
                let answers = response.json().await.with_context(|| {
                    format!(
                        "{} did not answer as this project's model server does",
                        self.url
                    )
                })?;
                return Ok(Sent::Answers(answers));
            }
            let body = response.text().await.unwrap_or_default();
            let error = serde_json::from_str::<ErrorBody>(&body).ok();
            match error {
                Some(ErrorBody { error }) if error.code == "invalid_image" => {
                    return Ok(Sent::BadPhoto(error.message));
                }
                _ if is_passing(status) && retries > 0 => {
                    retries -= 1;
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(MAX_WAIT);
                }
                error => {
                    let message = error.map_or(body, |body| body.error.message);
                    bail!("{} answered {status}: {message}", self.url);
                }
            }
        }
    }
}

/// Whether another try may help.
fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
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

//! A running model server that answers requests.

mod wire;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, TryStreamExt};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

pub use self::wire::{Wire, endpoint_url};
use super::{Answerer, Asked, PhotoOutcome, PhotoQuestions, Reply};
use crate::evaluate::data::{Choice, Vocabulary};

/// Prompts that every model server takes in one request.
const MAX_PROMPTS: usize = 64;

/// How often a request is sent again that was turned away.
const RETRIES: u32 = 8;

/// How often one is sent again that nobody answered.
const SEND_RETRIES: u32 = 3;

/// The wait before the first of them; each is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A model server, wherever it is.
pub struct Endpoint {
    runtime: Runtime,
    wire: Arc<dyn Wire>,
    /// The wire's, for errors.
    name: String,
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
    /// A server at `url`, as [`endpoint_url`] understands it.
    ///
    /// # Errors
    /// When the URL is none that this program can reach.
    pub fn new(url: &str, vocabulary: &Vocabulary, concurrency: usize) -> Result<Endpoint> {
        Endpoint::over(Arc::new(wire::Http::new(url)?), vocabulary, concurrency)
    }

    /// A server that is reached over `wire`. Not to be used on a thread that drives
    /// tasks: it waits.
    ///
    /// # Errors
    /// When the system has no room for another runtime.
    pub fn over(
        wire: Arc<dyn Wire>,
        vocabulary: &Vocabulary,
        concurrency: usize,
    ) -> Result<Endpoint> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime for the network")?;
        let texts =
            |choices: &Vec<Choice>| choices.iter().map(|choice| choice.text.clone()).collect();
        Ok(Endpoint {
            runtime,
            name: wire.name(),
            wire,
            choices: vocabulary.choices.iter().map(texts).collect(),
            concurrency: concurrency.max(1),
        })
    }

    /// What errors and reports call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether anybody answers, whatever the answer: known before long work.
    ///
    /// # Errors
    /// When nobody does.
    pub fn reach(&self) -> Result<()> {
        // The future has to be made within the runtime.
        self.runtime.block_on(async { self.wire.reach().await })
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
                        self.name,
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
                self.name, held.generated_text
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
        let body = serde_json::to_vec(request).context("a request is no JSON")?;
        loop {
            match self.wire.post(body.clone()).await {
                Ok((status, _)) if is_passing(status) && turned_away < RETRIES => {
                    turned_away += 1;
                    // Whoever turns a request away is there again.
                    failed = 0;
                }
                Ok((status, body)) => return self.understood(status, &body),
                Err(_) if failed < SEND_RETRIES => failed += 1,
                Err(error) => {
                    let tries = SEND_RETRIES + 1;
                    let said = format!("{} did not answer in {tries} tries", self.name);
                    return Err(error).context(said);
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(MAX_WAIT);
        }
    }

    fn understood(&self, status: StatusCode, body: &[u8]) -> Result<Sent> {
        if status.is_success() {
            let answers = serde_json::from_slice(body).with_context(|| {
                format!(
                    "{} did not answer as this project's model server does",
                    self.name
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
            let reason = format!("{} answered {status}: {message}", self.name);
            return Ok(Sent::BadPhoto(reason));
        }
        bail!("{} answered {status}: {message}", self.name);
    }
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

//! How the questions about a photo become calls to the endpoint.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::Semaphore;

use super::answer::{read_batch, read_one};
use super::payload;
use super::{InvokeEndpoint, InvokeError};
use crate::adapters::retry::{Failure, Retry, Retryable, retry};
use crate::adapters::shortened;
use crate::domain::{AskError, AttributeModel, Deadline, ModelAnswer, Photo};
use crate::settings::{AttributeRequests, Settings};

/// The endpoint as a model that is asked about attributes.
pub struct EndpointModel<E> {
    endpoint: E,
    name: String,
    /// As many as calls may be under way, whatever number of photos they are for.
    permits: Semaphore,
    max_payload_bytes: usize,
    /// Turned off for the life of the process by an endpoint that shows that it
    /// does not know the batched form.
    batched: AtomicBool,
}

/// Why a batch has no answers.
enum BatchError {
    /// The endpoint shows that it does not know the form.
    UnknownForm,
    /// The endpoint failed, maybe because it does not know the form.
    Doubtful,
    /// Asking in another form would come to the same.
    Failed(AskError),
}

impl<E: InvokeEndpoint> EndpointModel<E> {
    /// A model by way of `endpoint`, asked as the settings say.
    pub fn new(endpoint: E, settings: &Settings) -> EndpointModel<E> {
        EndpointModel {
            endpoint,
            name: settings.endpoint_name.clone(),
            permits: Semaphore::new(settings.endpoint_concurrency),
            max_payload_bytes: settings.endpoint_max_payload_bytes,
            batched: AtomicBool::new(settings.attribute_requests == AttributeRequests::Batched),
        }
    }

    /// One call with all questions.
    async fn ask_batched(
        &self,
        image: &str,
        questions: &[String],
        deadline: Deadline,
    ) -> Result<Vec<ModelAnswer>, BatchError> {
        let Some(_permit) = deadline.bound(self.permits.acquire()).await else {
            return Err(BatchError::Failed(self.ask_error(Failure::TimedOut)));
        };
        let body = payload::batched(questions, image);
        let outcome = retry(deadline, "the endpoint", || async {
            match self.endpoint.invoke(body.clone()).await {
                // Found out once, it is not worth a pause.
                Err(error) if error.is_foreign_refusal() => Ok(Err(error)),
                other => other.map(Ok),
            }
        })
        .await;
        match outcome {
            Ok(Ok(answer)) => read_batch(&answer, questions.len()).ok_or_else(|| {
                tracing::warn!("the endpoint does not answer a batch with an array");
                BatchError::UnknownForm
            }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the endpoint refuses batches");
                Err(BatchError::UnknownForm)
            }
            Err(Failure::Failed { error, .. }) if error.is_foreign_fault() => {
                tracing::warn!(%error, "a batch failed: its questions are asked one by one");
                Err(BatchError::Doubtful)
            }
            Err(failure) => Err(BatchError::Failed(self.ask_error(failure))),
        }
    }

    async fn ask_one(
        &self,
        image: &str,
        question: &str,
        deadline: Deadline,
    ) -> Result<ModelAnswer, AskError> {
        let Some(_permit) = deadline.bound(self.permits.acquire()).await else {
            return Err(self.ask_error(Failure::TimedOut));
        };
        let body = payload::per_question(question, image);
        let outcome = retry(deadline, "the endpoint", || {
            self.endpoint.invoke(body.clone())
        })
        .await;
        outcome
            .map(|answer| read_one(&answer))
            .map_err(|failure| self.ask_error(failure))
    }

    fn ask_error(&self, failure: Failure<InvokeError>) -> AskError {
        let endpoint = self.name.clone();
        match failure {
            Failure::TimedOut => AskError::TimedOut { endpoint },
            Failure::Failed { error, attempts } => {
                if let Some(reason) = error.about_photo() {
                    return AskError::InvalidPhoto {
                        reason: shortened(&reason),
                    };
                }
                let reason = shortened(&error.to_string());
                match error.retry() {
                    Retry::Never => AskError::Refused { endpoint, reason },
                    _ => AskError::Unavailable {
                        endpoint,
                        attempts,
                        reason,
                    },
                }
            }
        }
    }
}

#[async_trait]
impl<E: InvokeEndpoint> AttributeModel for EndpointModel<E> {
    fn name(&self) -> &str {
        &self.name
    }

    fn max_photo_bytes(&self, questions: &[String]) -> usize {
        payload::max_photo_bytes(questions, self.max_payload_bytes)
    }

    async fn ask(
        &self,
        photo: &Photo,
        questions: &[String],
        deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>> {
        let image = payload::encode_photo(photo);
        if self.batched.load(Ordering::Relaxed) {
            match self.ask_batched(&image, questions, deadline).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(BatchError::Failed(error)) => return vec![Err(error); questions.len()],
                Err(BatchError::UnknownForm) => self.batched.store(false, Ordering::Relaxed),
                Err(BatchError::Doubtful) => {}
            }
        }
        let calls = questions
            .iter()
            .map(|question| self.ask_one(&image, question, deadline));
        join_all(calls).await
    }
}

#[cfg(test)]
mod tests;

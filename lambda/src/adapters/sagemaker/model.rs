//! How the questions about a photo become calls to the endpoint.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, join_all, select};
use tokio::sync::Semaphore;

use super::answer::{read_batch, read_one};
use super::payload;
use super::{InvokeEndpoint, InvokeError};
use crate::adapters::dependency::Dependency;
use crate::adapters::retry::{Failure, Retry, Retryable, retry};
use crate::adapters::said;
use crate::domain::{AskError, AttributeModel, Deadline, ModelAnswer, Photo, Progress};
use crate::settings::{AttributeRequests, Settings};

/// The endpoint as a model that is asked about attributes.
pub struct EndpointModel<E> {
    endpoint: E,
    name: String,
    /// As many as calls may be under way, whatever number of photos they are for.
    permits: Semaphore,
    dependency: Dependency,
    /// After how long without an answer a call is made a second time.
    hedge_after: Option<Duration>,
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
            dependency: Dependency::new("the endpoint"),
            hedge_after: settings.endpoint_hedge_after,
            max_payload_bytes: settings.endpoint_max_payload_bytes,
            batched: AtomicBool::new(settings.attribute_requests == AttributeRequests::Batched),
        }
    }

    /// One call with all questions.
    async fn ask_batched(
        &self,
        photo: &Photo,
        questions: &[String],
        deadline: Deadline,
    ) -> Result<Vec<ModelAnswer>, BatchError> {
        let Some(_permit) = deadline.bound(self.permits.acquire()).await else {
            return Err(BatchError::Failed(self.ask_error(Failure::TimedOut)));
        };
        let body = payload::batched(questions, &photo.bytes);
        let outcome = retry(&self.dependency, deadline, || async {
            match self.invoke(body.clone()).await {
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
        let outcome = retry(&self.dependency, deadline, || self.invoke(body.clone())).await;
        outcome
            .map(|answer| read_one(&answer))
            .map_err(|failure| self.ask_error(failure))
    }

    /// One call, or two where the first is slow and another may be under way: the
    /// first answer counts, and an error only if the other call has one as well. Both are of
    /// this task, so that they belong to its trace and its product.
    async fn invoke(&self, body: Bytes) -> Result<Bytes, InvokeError> {
        let Some(patience) = self.hedge_after else {
            return self.endpoint.invoke(body).await;
        };
        let first = self.endpoint.invoke(body.clone());
        let first = match select(first, Box::pin(tokio::time::sleep(patience))).await {
            Either::Left((outcome, _)) => return outcome,
            Either::Right(((), first)) => first,
        };
        let Ok(_permit) = self.permits.try_acquire() else {
            return first.await;
        };
        tracing::info!("a slow call to the endpoint is made a second time");
        Progress::note(|progress| progress.attempts += 1);
        match select(first, self.endpoint.invoke(body)).await {
            Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(_), other)) | Either::Right((Err(_), other)) => other.await,
        }
    }

    fn ask_error(&self, failure: Failure<InvokeError>) -> AskError {
        let endpoint = self.name.clone();
        match failure {
            Failure::TimedOut => AskError::TimedOut { endpoint },
            Failure::LeftAlone => AskError::Unavailable {
                endpoint,
                attempts: 0,
                reason: "it kept failing and is not asked for now".to_owned(),
            },
            Failure::Failed { error, attempts } => {
                if let Some(reason) = error.about_photo() {
                    return AskError::InvalidPhoto {
                        reason: said(&reason),
                    };
                }
                let reason = error.to_string();
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
        if self.batched.load(Ordering::Relaxed) {
            match self.ask_batched(photo, questions, deadline).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(BatchError::Failed(error)) => return vec![Err(error); questions.len()],
                Err(BatchError::UnknownForm) => self.batched.store(false, Ordering::Relaxed),
                Err(BatchError::Doubtful) => {}
            }
        }
        let image = payload::encode_photo(photo);
        let calls = questions
            .iter()
            .map(|question| self.ask_one(&image, question, deadline));
        join_all(calls).await
    }
}

#[cfg(test)]
mod tests;

//! The thread on which the model runs.

use std::path::Path;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::LoadError;
use super::compose::Composer;
use super::generation::Interruption;
use super::model::LanguageModel;
use crate::writer::{WriterError, Writing, WritingRequest};

/// Requests that may wait; Bedrock would throttle, and so does this.
const QUEUE: usize = 64;

/// A handle on the writer's thread; the thread ends with the last handle.
#[derive(Clone, Debug)]
pub struct SmolLmWriter {
    queue: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    request: WritingRequest,
    answer: oneshot::Sender<Result<Writing, WriterError>>,
}

impl SmolLmWriter {
    /// Loads the model from a GGUF file and starts its thread. Takes a second or two.
    ///
    /// The same request gets the same text as long as `seed` is the same.
    ///
    /// # Errors
    ///
    /// The file can't be used, or there is no thread to be had.
    pub fn start(model: &Path, seed: u64) -> Result<Self, LoadError> {
        let start = Instant::now();
        let model = LanguageModel::load(model)?;
        tracing::info!(
            duration_ms = start.elapsed().as_millis(),
            "language model loaded"
        );
        let (queue, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || work(&model, seed, jobs))
            .map_err(LoadError::Thread)?;
        Ok(Self { queue })
    }

    /// Answers a request after those that came before it. Dropping the future gives the request
    /// up, also when its text is half written.
    ///
    /// # Errors
    ///
    /// The queue is full, the request too long, or the model fails.
    pub async fn write(&self, request: WritingRequest) -> Result<Writing, WriterError> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send(Job { request, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => WriterError::Busy { waiting: QUEUE },
                mpsc::error::TrySendError::Closed(_) => WriterError::Stopped,
            })?;
        answered.await.unwrap_or(Err(WriterError::Stopped))
    }
}

fn work(model: &LanguageModel, seed: u64, mut jobs: mpsc::Receiver<Job>) {
    while let Some(Job { request, answer }) = jobs.blocking_recv() {
        if answer.is_closed() {
            continue;
        }
        let start = Instant::now();
        let abandoned = || answer.is_closed();
        let composer = Composer {
            model,
            request: &request,
            seed,
            abandoned: &abandoned,
        };
        let result = match composer.compose() {
            Ok(writing) => {
                tracing::info!(
                    input_tokens = writing.input_tokens,
                    output_tokens = writing.output_tokens,
                    duration_ms = start.elapsed().as_millis(),
                    "text written"
                );
                Ok(writing)
            }
            Err(Interruption::Failed(error)) => Err(error),
            Err(Interruption::Abandoned) => {
                tracing::info!("a request was given up by its client");
                continue;
            }
        };
        // A client that left just now needs no answer.
        let _ = answer.send(result);
    }
}

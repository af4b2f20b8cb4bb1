//! Why an admitted or admissible request got no answer.

use std::sync::Arc;

use super::{AdapterError, RequestError};
use crate::backend::BackendError;

/// An error of the core. Requests that share a computation share its error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CoreError {
    /// The request asks for something that is not done, which was seen only
    /// when it was tokenized.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The adapter that the request names cannot be had.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The bytes are no photograph that the server reads; the text says what
    /// to mend.
    #[error("{0}")]
    Photo(String),
    /// As many questions wait as the server lets wait.
    #[error(
        "the server is busy: {limit} questions may wait and there is no place for {questions} more"
    )]
    Overloaded {
        /// How many questions asked for a place.
        questions: usize,
        /// How many may wait.
        limit: usize,
    },
    /// The model failed.
    #[error("the model failed: {0}")]
    Backend(Arc<dyn std::error::Error + Send + Sync>),
    /// The model gave another number of answers than there were questions in
    /// a batch.
    #[error("the model gave {answers} answers to {questions} questions")]
    AnswerCount {
        /// How many answers.
        answers: usize,
        /// How many questions.
        questions: usize,
    },
    /// The model answered another kind of question than was asked.
    #[error("the model answered another question than was asked")]
    OtherKind,
    /// The computation panicked; the thread goes on.
    #[error("the computation panicked: {0}")]
    Panicked(String),
    /// The inference thread is gone.
    #[error("the inference thread has ended")]
    Stopped,
}

impl CoreError {
    pub(super) fn backend(error: BackendError) -> CoreError {
        CoreError::Backend(error.into())
    }
}

/// The text that a panic was raised with.
pub(super) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

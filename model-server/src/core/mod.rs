//! What a request may ask, and the way from it to the answers.

mod admission;
mod answer;
mod batches;
mod error;
mod inference;
mod limits;
mod photos;
mod queue;
mod request;

use std::io;
use std::sync::Arc;

pub use answer::Answer;
pub use error::CoreError;
pub use limits::Limits;
pub use photos::PhotoSize;
pub use request::{AnswerRequest, RequestError};

use blip2::GenerationParameters;

use admission::Admission;
use photos::PhotoPreparation;
use queue::Queue;

use crate::backend::Backend;

/// A loaded model with its queue.
pub struct Core {
    limits: Limits,
    default_parameters: GenerationParameters,
    admission: Admission,
    photos: PhotoPreparation,
    queue: Queue,
}

/// All answers to one request.
#[derive(Debug)]
pub struct Answered {
    /// One a question, in order.
    pub answers: Vec<Answer>,
    /// Of the photograph that they are about.
    pub photo: PhotoSize,
}

impl Core {
    /// Starts the queue and the inference thread; must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(backend: Arc<dyn Backend>, limits: Limits) -> io::Result<Core> {
        Ok(Core {
            admission: Admission::new(limits.max_waiting_questions),
            default_parameters: backend.default_parameters(),
            photos: PhotoPreparation::new(Arc::clone(&backend), limits.max_pixels),
            queue: Queue::start(backend)?,
            limits,
        })
    }

    /// The limits that requests are checked against.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How the model generates where a request does not say.
    #[must_use]
    pub fn default_parameters(&self) -> &GenerationParameters {
        &self.default_parameters
    }

    /// Whether there is no place for a single question, so that a request need
    /// not even be read.
    ///
    /// # Errors
    /// With [`CoreError::Overloaded`] if so.
    pub fn check_capacity(&self) -> Result<(), CoreError> {
        self.admission.admit(1).map(drop)
    }

    /// Answers all questions of the request. Dropping the future gives up its
    /// place in the queue.
    ///
    /// # Errors
    /// When there is no place, the photograph is none, or the model fails.
    pub async fn answer(&self, request: AnswerRequest) -> Result<Answered, CoreError> {
        let AnswerRequest {
            image,
            prompts,
            parameters,
        } = request;
        let place = self.admission.admit(prompts.len())?;
        let photo = self.photos.prepare(image).await?;
        let answers = self
            .queue
            .ask(photo.pixel_values, prompts, parameters, place)
            .await?;
        Ok(Answered {
            answers,
            photo: photo.size,
        })
    }
}

/// Answers on the calling thread, without a queue.
///
/// # Errors
/// When the photograph is none or the model fails.
pub fn answer_at_once(
    backend: &dyn Backend,
    request: &AnswerRequest,
    limits: &Limits,
) -> Result<Answered, CoreError> {
    let photo = photos::prepare(backend, &request.image, limits.max_pixels)?;
    let answers = inference::infer(
        backend,
        &photo.pixel_values,
        &request.prompts,
        &request.parameters,
        || true,
    )?;
    Ok(Answered {
        answers,
        photo: photo.size,
    })
}

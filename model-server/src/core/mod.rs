//! What a request may ask, and the way from it to the answers.

mod admission;
mod answer;
mod arrivals;
mod batches;
mod choices;
mod error;
mod inference;
mod limits;
mod metrics;
mod photos;
mod queue;
mod request;
mod request_error;
mod scheduling;

use std::io;
use std::sync::Arc;

pub use answer::Answer;
pub use arrivals::Arrival;
pub use choices::Choices;
pub use error::CoreError;
pub use limits::Limits;
pub use metrics::{InFlight, Metrics};
pub use photos::PhotoSize;
pub use request::{AnswerRequest, QuestionForm, TaskForm};
pub use request_error::RequestError;
pub use scheduling::Scheduling;

use blip2::GenerationParameters;

use admission::Admission;
use arrivals::Arrivals;
use photos::PhotoPreparation;
use queue::Queue;

use crate::backend::Backend;

/// A loaded model with its queue.
pub struct Core {
    limits: Limits,
    default_parameters: GenerationParameters,
    admission: Admission,
    arrivals: Arrivals,
    photos: PhotoPreparation,
    queue: Queue,
    metrics: Arc<Metrics>,
}

/// All answers to one request.
#[derive(Debug)]
pub struct Answered {
    /// One a question, in order.
    pub answers: Vec<Answer>,
    /// Of the photograph that they are about.
    pub photo: PhotoSize,
    /// Whether its features were there already.
    pub image_cache: ImageCacheUse,
}

/// What the image-feature cache was for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageCacheUse {
    /// Nothing was encoded for it: the features were kept, or the encoding that
    /// a request before it had begun was waited for.
    Hit,
    /// The photograph was encoded for it.
    Miss,
    /// Nothing is kept.
    Off,
}

impl Core {
    /// Starts the queue and the inference thread; must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        backend: Arc<dyn Backend>,
        limits: Limits,
        _scheduling: Scheduling,
    ) -> io::Result<Core> {
        let metrics = Arc::new(Metrics::new(&backend.description()));
        Ok(Core {
            admission: Admission::new(limits.max_waiting_questions),
            arrivals: Arrivals::default(),
            default_parameters: backend.default_parameters(),
            photos: PhotoPreparation::new(Arc::clone(&backend), limits.max_pixels),
            queue: Queue::start(backend)?,
            limits,
            metrics,
        })
    }

    /// The limits that requests are checked against.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is counted and measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
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

    /// Says that a request is being parsed: until the guard is dropped, waiting
    /// questions are held back a little for its company. To be held while
    /// nothing but the processor is waited for.
    #[must_use]
    pub fn announce(&self) -> Arrival {
        self.arrivals.announce()
    }

    /// Answers all questions of the request. Dropping the future gives up its
    /// place in the queue.
    ///
    /// # Errors
    /// When there is no place, the photograph is none, or the model fails.
    pub async fn answer(&self, request: AnswerRequest) -> Result<Answered, CoreError> {
        let AnswerRequest { image, questions } = request;
        let place = self.admission.admit(questions.len())?;
        let photo = self.photos.prepare(image).await?;
        let answers = self.queue.ask(photo.pixel_values, questions, place).await?;
        Ok(Answered {
            answers,
            photo: photo.size,
            image_cache: ImageCacheUse::Off,
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
    let answers = inference::infer(backend, &photo.pixel_values, &request.questions, || true)?;
    Ok(Answered {
        answers,
        photo: photo.size,
        image_cache: ImageCacheUse::Off,
    })
}

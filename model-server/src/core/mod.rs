//! What a request may ask, and the way from it to the answers.
//!
//! A request is admitted at the door, tokenized, and handed to the queue: one
//! task that holds whatever waits. It looks the photograph up in the cache or
//! has it prepared, lets a policy decide what is encoded, begun and gone on
//! with, and has the inference thread do it. The answers come back by a
//! oneshot when the last of a request's questions is answered.

mod adapters;
mod admission;
mod answer;
mod arrivals;
mod choices;
mod error;
mod extent;
mod gather;
mod image_cache;
mod inference;
mod limits;
mod metrics;
mod photos;
mod policy;
mod questions;
mod queue;
mod request;
mod request_error;
mod scheduler;
mod scheduling;
mod straight;

use std::io;
use std::sync::Arc;

pub(crate) use adapters::MAX_NAME_BYTES as MAX_ADAPTER_NAME_BYTES;
pub use adapters::{AdapterError, AdapterOptions};
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
pub use straight::answer_at_once;

use blip2::GenerationParameters;

use adapters::Adapters;
use admission::Admission;
use arrivals::Arrivals;
use image_cache::{ImageCache, PhotoKey};
use photos::PhotoPreparation;
use policy::Policy;
use queue::{Photo, Queue};
use scheduler::Scheduler;

use crate::backend::Backend;

/// A loaded model with its queue.
pub struct Core {
    backend: Arc<dyn Backend>,
    limits: Limits,
    default_parameters: GenerationParameters,
    keeps_features: bool,
    adapters: Option<Arc<Adapters>>,
    admission: Admission,
    arrivals: Arrivals,
    queue: Queue,
    metrics: Arc<Metrics>,
}

/// All answers to one request.
#[derive(Clone, Debug)]
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
        scheduling: Scheduling,
    ) -> io::Result<Core> {
        let metrics = Arc::new(Metrics::new(&backend.description()));
        let arrivals = Arrivals::default();
        let cache = ImageCache::new(scheduling.image_cache_bytes);
        let keeps_features = cache.is_on();
        let policy = Policy {
            max_batch_tokens: scheduling.max_batch_tokens,
            max_wait: scheduling.max_wait,
            images_per_batch: backend.images_per_batch(),
        };
        let scheduler = Scheduler::new(policy, cache, Arc::clone(&metrics), arrivals.clone());
        let photos = PhotoPreparation::new(
            Arc::clone(&backend),
            Arc::clone(&metrics),
            limits.max_pixels,
        );
        Ok(Core {
            admission: Admission::new(
                limits.max_waiting_questions,
                metrics.questions_waiting.clone(),
            ),
            default_parameters: backend.default_parameters(),
            keeps_features,
            adapters: None,
            queue: Queue::start(Arc::clone(&backend), photos, arrivals.clone(), scheduler)?,
            arrivals,
            backend,
            limits,
            metrics,
        })
    }

    /// The same with adapters that requests may name.
    #[must_use]
    pub fn with_adapters(self, options: AdapterOptions) -> Core {
        let (backend, metrics) = (Arc::clone(&self.backend), Arc::clone(&self.metrics));
        let adapters = Adapters::new(backend, options, metrics);
        Core {
            adapters: Some(Arc::new(adapters)),
            ..self
        }
    }

    /// The names of the adapters that there are now; `None` where requests
    /// cannot name any. Looks at the file system.
    #[must_use]
    pub fn adapter_names(&self) -> Option<Vec<String>> {
        self.adapters.as_ref().map(|adapters| adapters.names())
    }

    /// Drops adapters from memory whose files were taken away. Looks at the file
    /// system.
    pub fn forget_removed_adapters(&self) {
        if let Some(adapters) = &self.adapters {
            adapters.forget_removed();
        }
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
        self.admission.check()
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
    /// When there is no place, the adapter cannot be had, a question or choice has
    /// too many tokens, the photograph is none, or the model fails.
    pub async fn answer(&self, request: AnswerRequest) -> Result<Answered, CoreError> {
        let AnswerRequest {
            image,
            questions,
            adapter,
        } = request;
        let place = self.admission.admit(questions.len())?;
        let arrival = self.announce();
        let (backend, limits) = (Arc::clone(&self.backend), self.limits.clone());
        let keeps_features = self.keeps_features;
        let adapters = self.adapters.clone();
        // Off the event loop: a long vocabulary or a large file takes a while.
        let read = tokio::task::spawn_blocking(move || {
            let adapter = match (adapter, adapters) {
                (None, _) => None,
                (Some(name), Some(adapters)) => Some(adapters.get(&name)?),
                (Some(name), None) => return Err(AdapterError::NotServed { name }.into()),
            };
            let questions = questions::read(&*backend, questions, adapter.as_ref(), &limits)?;
            let key = keeps_features.then(|| PhotoKey::of(&image));
            Ok((Photo { image, key }, questions))
        });
        let (photo, questions) = read
            .await
            .unwrap_or_else(|error| Err(CoreError::Panicked(error.to_string())))?;
        self.queue.ask(photo, questions, place, arrival).await
    }
}

//! A backend that is another one, and notes how it was used.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blip2::{ChoiceTree, GenerationParameters, LoadedAdapter, Question, Task};
use candle_core::Tensor;
use image::RgbImage;
use model_server::backend::{Backend, BackendError, Decoding, Description};

pub struct Observed {
    inner: Arc<dyn Backend>,
    /// Batches with questions about several photographs.
    pub of_several_photos: AtomicUsize,
    /// Batches with free answers and choices.
    pub of_both_kinds: AtomicUsize,
    /// Batches with questions of several adapters, or of one and none.
    pub of_several_adapters: AtomicUsize,
}

impl Observed {
    pub fn new(inner: Arc<dyn Backend>) -> Arc<Observed> {
        Arc::new(Observed {
            inner,
            of_several_photos: AtomicUsize::new(0),
            of_both_kinds: AtomicUsize::new(0),
            of_several_adapters: AtomicUsize::new(0),
        })
    }
}

impl Backend for Observed {
    fn default_parameters(&self) -> GenerationParameters {
        self.inner.default_parameters()
    }

    fn description(&self) -> Description {
        self.inner.description()
    }

    fn images_per_batch(&self) -> usize {
        self.inner.images_per_batch()
    }

    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError> {
        self.inner.preprocess(photo)
    }

    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Vec<Tensor>, BackendError> {
        self.inner.encode_images(pixel_values)
    }

    fn tokenize(&self, prompt: &str) -> Result<Vec<u32>, BackendError> {
        self.inner.tokenize(prompt)
    }

    fn choice_tree(&self, texts: &[String]) -> Result<ChoiceTree, BackendError> {
        self.inner.choice_tree(texts)
    }

    fn load_adapter(&self, name: &str, folder: &Path) -> Result<Arc<LoadedAdapter>, BackendError> {
        self.inner.load_adapter(name, folder)
    }

    fn start(&self, questions: &[Question]) -> Result<Box<dyn Decoding>, BackendError> {
        let photos: HashSet<_> = questions
            .iter()
            .map(|question| question.image_features.id())
            .collect();
        let adapters: HashSet<_> = questions
            .iter()
            .map(|question| question.adapter.as_ref().map(Arc::as_ptr))
            .collect();
        let is_free = |question: &Question| matches!(question.task, Task::Generate(_));
        let free = questions
            .iter()
            .filter(|question| is_free(question))
            .count();
        let count = |to: &AtomicUsize, condition| {
            to.fetch_add(usize::from(condition), Ordering::SeqCst);
        };
        count(&self.of_several_photos, photos.len() > 1);
        count(&self.of_several_adapters, adapters.len() > 1);
        count(&self.of_both_kinds, free > 0 && free < questions.len());
        self.inner.start(questions)
    }
}

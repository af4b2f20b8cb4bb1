//! A backend without a model, for tests of the other two rooms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::blip2::{Generated, GenerationParameters};
use candle_core::{Device, Tensor};
use image::RgbImage;

use super::{Backend, BackendError, Description};

/// What the fake "sees" of a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Width of the photograph in pixels.
    pub width: u32,
    /// Height of the photograph in pixels.
    pub height: u32,
}

type Answering = dyn Fn(Seen, &[String]) -> Result<Vec<String>, BackendError> + Send + Sync;

/// A backend whose texts are a function of the photograph's size and the
/// prompts, so that a test knows when an answer went to the wrong request. The
/// function may wait, fail or panic.
pub struct FakeBackend {
    answering: Box<Answering>,
    photos_seen: AtomicUsize,
}

impl FakeBackend {
    /// A backend that calls `answering` once a `generate`.
    pub fn new(
        answering: impl Fn(Seen, &[String]) -> Result<Vec<String>, BackendError> + Send + Sync + 'static,
    ) -> Arc<FakeBackend> {
        Arc::new(FakeBackend {
            answering: Box::new(answering),
            photos_seen: AtomicUsize::new(0),
        })
    }

    /// A backend that answers each prompt by itself with `answer`.
    pub fn answering(
        answer: impl Fn(Seen, &str) -> String + Send + Sync + 'static,
    ) -> Arc<FakeBackend> {
        FakeBackend::new(move |seen, prompts| {
            Ok(prompts.iter().map(|prompt| answer(seen, prompt)).collect())
        })
    }
}

impl FakeBackend {
    /// How many photographs were preprocessed so far. A request is admitted
    /// before that, so a test knows from it that a request waits.
    pub fn photos_seen(&self) -> usize {
        self.photos_seen.load(Ordering::SeqCst)
    }
}

impl Backend for FakeBackend {
    fn description(&self) -> Description {
        Description {
            device: "none".to_owned(),
            number_type: "none".to_owned(),
            computation: "fake".to_owned(),
            threads: 1,
        }
    }

    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError> {
        self.photos_seen.fetch_add(1, Ordering::SeqCst);
        Ok(Tensor::new(&[photo.width(), photo.height()], &Device::Cpu)?)
    }

    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Tensor, BackendError> {
        Ok(Tensor::stack(pixel_values, 0)?)
    }

    fn generate(
        &self,
        image_features: &Tensor,
        prompts: &[String],
        parameters: &GenerationParameters,
    ) -> Result<Vec<Generated>, BackendError> {
        let size = image_features.flatten_all()?.to_vec1::<u32>()?;
        let &[width, height] = size.as_slice() else {
            return Err(format!("features of one photograph expected, got {size:?}").into());
        };
        let texts = (self.answering)(Seen { width, height }, prompts)?;
        Ok(texts
            .into_iter()
            .map(|text| generated(text, parameters))
            .collect())
    }
}

/// One token a byte, as many as are allowed.
fn generated(text: String, parameters: &GenerationParameters) -> Generated {
    let token_ids: Vec<u32> = text
        .bytes()
        .map(u32::from)
        .take(parameters.max_new_tokens)
        .collect();
    let log_probability = -0.01 * token_ids.len() as f64;
    Generated {
        text,
        token_ids,
        log_probability,
    }
}

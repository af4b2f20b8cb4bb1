//! A BLIP-2 checkpoint as a [`Backend`].

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ::blip2::{Blip2, Generated, GenerationParameters, LoadOptions};
use anyhow::Context;
use candle_core::Tensor;
use image::RgbImage;

use super::{Backend, BackendError};
use crate::memory;

/// Loads the checkpoint and has it answer one question, so that a checkpoint
/// that loads but cannot answer is found out now and not by the first client.
///
/// # Errors
/// When the folder is not a checkpoint this server runs, or the device is
/// missing.
pub fn load(model_dir: &Path, options: &LoadOptions) -> anyhow::Result<Arc<dyn Backend>> {
    let started = Instant::now();
    let model = Blip2::load(model_dir, options)
        .with_context(|| format!("cannot load the model in {}", model_dir.display()))?;
    let loaded_ms = started.elapsed().as_millis() as u64;

    let started = Instant::now();
    warm_up(&model)
        .map_err(|error| anyhow::anyhow!(error))
        .with_context(|| format!("the model in {} cannot answer", model_dir.display()))?;
    let warm_up_ms = started.elapsed().as_millis() as u64;

    memory::give_back();
    let engine = model.engine_report().map(ToString::to_string);
    tracing::info!(model_dir = %model_dir.display(), loaded_ms, warm_up_ms, engine, "model loaded");
    Ok(Arc::new(model))
}

fn warm_up(model: &dyn Backend) -> Result<(), BackendError> {
    let parameters = GenerationParameters {
        max_new_tokens: 2,
        ..Default::default()
    };
    let pixel_values = model.preprocess(&RgbImage::new(64, 64))?;
    let image_features = model.encode_images(&[pixel_values])?;
    let prompt = attributes::wrap_question("What is in this picture?");
    model.generate(&image_features, &[prompt], &parameters)?;
    Ok(())
}

impl Backend for Blip2 {
    fn default_parameters(&self) -> GenerationParameters {
        self.generation_defaults().clone()
    }

    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError> {
        Ok(Blip2::preprocess(self, photo)?)
    }

    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Tensor, BackendError> {
        Ok(Blip2::encode_images(self, pixel_values)?)
    }

    fn generate(
        &self,
        image_features: &Tensor,
        prompts: &[String],
        parameters: &GenerationParameters,
    ) -> Result<Vec<Generated>, BackendError> {
        let generated = Blip2::generate(self, image_features, prompts, parameters)?;
        if generated.iter().any(|one| one.log_probability.is_nan()) {
            return Err(
                "the model computed values that are not numbers; where the number type \
                        is f16 its range is too small for this checkpoint: use bf16 or f32"
                    .into(),
            );
        }
        Ok(generated)
    }
}

//! A BLIP-2 checkpoint as a [`Backend`].

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ::blip2::{
    Adapter, Answering, Blip2, ChoiceTree, DeviceKind, GenerationParameters, LoadOptions,
    LoadedAdapter, NumberType, Outcome, Question, Task,
};
use anyhow::Context;
use candle_core::{IndexOp, Tensor};
use image::RgbImage;

use super::{Backend, BackendError, Decoding, Description};
use crate::memory;

/// Photographs that a GPU encodes together; one alone leaves most of it idle.
const IMAGES_PER_GPU_BATCH: usize = 8;

/// Loads the checkpoint and has it answer, so that a checkpoint that loads but
/// cannot answer is found out now, and the first client finds everything warm.
///
/// # Errors
/// When the folder is not a checkpoint this server runs, or the device is
/// missing.
pub fn load(model_dir: &Path, options: &LoadOptions) -> anyhow::Result<Arc<dyn Backend>> {
    let started = Instant::now();
    let model = Blip2::load(model_dir, options)
        .with_context(|| format!("cannot load the model in {}", model_dir.display()))?;
    let loaded_ms = started.elapsed().as_millis() as u64;
    // Before the first answer takes memory of its own.
    memory::give_back();
    let backend = Blip2Backend {
        images_per_batch: match options.device {
            DeviceKind::Cpu => 1,
            DeviceKind::Cuda(_) => IMAGES_PER_GPU_BATCH,
        },
        description: describe(options, &model),
        model,
    };

    let started = Instant::now();
    warm_up(&backend)
        .map_err(|error| anyhow::anyhow!(error))
        .with_context(|| format!("the model in {} cannot answer", model_dir.display()))?;
    let warm_up_ms = started.elapsed().as_millis() as u64;

    memory::give_back();
    let Description {
        device,
        number_type,
        computation,
        threads,
    } = &backend.description;
    let measured = backend.model.engine_report().map(ToString::to_string);
    tracing::info!(
        model_dir = %model_dir.display(), loaded_ms, warm_up_ms, device, number_type, computation,
        threads, measured, "model loaded"
    );
    Ok(Arc::new(backend))
}

/// The model, and how it was loaded.
struct Blip2Backend {
    model: Blip2,
    images_per_batch: usize,
    description: Description,
}

fn describe(options: &LoadOptions, model: &Blip2) -> Description {
    let device = options.device.to_string();
    match model.engine_report() {
        Some(report) => Description {
            device,
            number_type: report.weights.clone(),
            computation: report.engine.to_string(),
            threads: report.threads,
        },
        None => {
            let number_type = options
                .number_type
                .unwrap_or_else(|| NumberType::default_for(options.device));
            Description {
                number_type: number_type.to_string(),
                computation: device.clone(),
                device,
                threads: 1,
            }
        }
    }
}

/// Everything that requests make it do: photographs alone and together,
/// questions alone and together, the decoder's steps, beams, choices.
fn warm_up(backend: &Blip2Backend) -> Result<(), BackendError> {
    let photo = backend.preprocess(&RgbImage::new(64, 64))?;
    let mut image_features = backend.encode_images(std::slice::from_ref(&photo))?;
    if backend.images_per_batch > 1 {
        backend.encode_images(&vec![photo; backend.images_per_batch])?;
    }
    let image_features = image_features.pop().ok_or("no features")?;
    let greedy = GenerationParameters {
        max_new_tokens: 3,
        ..Default::default()
    };
    let beams = GenerationParameters {
        num_beams: 2,
        ..greedy.clone()
    };
    let texts = ["Fabric: Cotton", "Fabric: Wool"].map(str::to_owned);
    let tree = Arc::new(backend.choice_tree(&texts)?);
    let question = |text: &str, task| {
        let prompt = backend.tokenize(&attributes::wrap_question(text))?;
        let image_features = image_features.clone();
        Ok::<_, BackendError>(Question {
            image_features,
            prompt,
            task,
            adapter: None,
        })
    };
    let alone = question("What is this?", Task::Generate(greedy.clone()))?;
    answer(backend, &[alone])?;
    let mut eight = Vec::new();
    for _ in 0..6 {
        eight.push(question(
            "What is in this picture?",
            Task::Generate(greedy.clone()),
        )?);
    }
    eight.push(question("What is this?", Task::Generate(beams))?);
    eight.push(question("What is this?", Task::Choose(tree))?);
    answer(backend, &eight)
}

fn answer(backend: &Blip2Backend, questions: &[Question]) -> Result<(), BackendError> {
    let mut decoding = backend.start(questions)?;
    while !decoding.is_done() {
        decoding.step()?;
    }
    Ok(())
}

impl Backend for Blip2Backend {
    fn default_parameters(&self) -> GenerationParameters {
        self.model.generation_defaults().clone()
    }

    fn description(&self) -> Description {
        self.description.clone()
    }

    fn images_per_batch(&self) -> usize {
        self.images_per_batch
    }

    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError> {
        Ok(self.model.preprocess(photo)?)
    }

    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Vec<Tensor>, BackendError> {
        let features = self.model.encode_images(pixel_values)?;
        if pixel_values.len() == 1 {
            return Ok(vec![features.squeeze(0)?]);
        }
        (0..pixel_values.len())
            .map(|index| Ok(features.i(index)?.force_contiguous()?))
            .collect()
    }

    fn tokenize(&self, prompt: &str) -> Result<Vec<u32>, BackendError> {
        Ok(self.model.tokenize(prompt)?)
    }

    fn choice_tree(&self, texts: &[String]) -> Result<ChoiceTree, BackendError> {
        Ok(self.model.choice_tree(texts)?)
    }

    fn load_adapter(&self, name: &str, folder: &Path) -> Result<Arc<LoadedAdapter>, BackendError> {
        Ok(self.model.load_adapter(name, &Adapter::read(folder)?)?)
    }

    fn start(&self, questions: &[Question]) -> Result<Box<dyn Decoding>, BackendError> {
        Ok(Box::new(self.model.start(questions)?))
    }
}

impl Decoding for Answering {
    fn step(&mut self) -> Result<Vec<(usize, Outcome)>, BackendError> {
        Ok(Answering::step(self)?)
    }

    fn is_done(&self) -> bool {
        Answering::is_done(self)
    }

    fn abandon(&mut self, questions: &[usize]) -> Result<(), BackendError> {
        Ok(Answering::abandon(self, questions)?)
    }
}

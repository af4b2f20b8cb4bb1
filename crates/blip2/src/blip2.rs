//! A checkpoint that is ready to answer questions about photographs.

use std::path::Path;

use candle_core::{Device, Tensor};
use image::RgbImage;

use crate::checkpoint::{self, Source};
use crate::config::Blip2Config;
use crate::device::{DeviceKind, NumberType};
use crate::engine::{self, Chosen, Engine, EngineReport, Plan, Quantization, WeightType};
use crate::error::Error;
use crate::generation::{self, GenerationParameters, SpecialIds};
use crate::image_processor::ImageProcessor;
use crate::model::Blip2Model;
use crate::tokenizer::Tokenizer;

/// How a checkpoint is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: DeviceKind,
    /// In which number type; [`NumberType::default_for`] the device where
    /// none is given.
    pub number_type: Option<NumberType>,
    /// In which block format the linear layers are held; that of the file
    /// where the checkpoint is stored quantised. On a CPU only.
    pub quantization: Option<Quantization>,
    /// By which kernels a CPU multiplies; measured where not given.
    pub engine: Option<Engine>,
    /// On how many threads a CPU computes; measured where not given.
    pub threads: Option<usize>,
}

/// A loaded checkpoint: configuration, tokenizer, image processor, network.
#[derive(Debug)]
pub struct Blip2 {
    config: Blip2Config,
    defaults: GenerationParameters,
    image_processor: ImageProcessor,
    tokenizer: Tokenizer,
    model: Blip2Model,
    device: Device,
    chosen: Option<Chosen>,
}

/// An answer to one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The text, special tokens left out.
    pub text: String,
    /// The generated ids, without the decoder's start; `</s>` is the last one
    /// where it was reached.
    pub token_ids: Vec<u32>,
    /// The natural logarithm of the probability of these ids.
    pub log_probability: f64,
}

impl Generated {
    /// The probability of the whole generated sequence, in [0, 1].
    pub fn confidence(&self) -> f64 {
        self.log_probability.exp().clamp(0.0, 1.0)
    }
}

impl Blip2 {
    /// Loads a checkpoint in the layout of Hugging Face: `config.json`,
    /// `preprocessor_config.json`, `tokenizer.json`, the weights as
    /// safetensors, and `generation_config.json` if there is one.
    ///
    /// # Errors
    /// When a file is missing, malformed or does not fit the others; the
    /// error names it.
    pub fn load(model_dir: &Path, options: &LoadOptions) -> Result<Self, Error> {
        let config = Blip2Config::from_json(&checkpoint::read(model_dir, "config.json")?)?;
        let defaults = match checkpoint::read_optional(model_dir, "generation_config.json")? {
            Some(text) => GenerationParameters::from_generation_config(&text)
                .map_err(Error::GenerationConfig)?,
            None => GenerationParameters::default(),
        };
        let image_processor =
            ImageProcessor::from_json(&checkpoint::read(model_dir, "preprocessor_config.json")?)?;
        let size = config.vision_config.image_size as u32;
        if image_processor.size() != (size, size) {
            let (width, height) = image_processor.size();
            return Err(Error::ImageProcessor(format!(
                "it makes {width}×{height} pixels, the vision encoder takes {size}×{size}"
            )));
        }
        let tokenizer = Tokenizer::from_json(
            &checkpoint::read(model_dir, "tokenizer.json")?,
            &config.text_config,
        )?;
        let device = options.device.open()?;
        let source = Source::open(model_dir)?;
        let weights = weight_type(options, source.quantization())?;
        let chosen = match options.device {
            DeviceKind::Cpu => Some(engine::choose(
                &config,
                weights,
                options.engine,
                options.threads,
            )?),
            DeviceKind::Cuda(_) => None,
        };
        let plan = chosen.as_ref().map_or(
            Plan {
                engine: Engine::Candle,
                weights,
            },
            |chosen| chosen.plan,
        );
        let weights = source.into_weights(plan.activations(), &device, plan);
        let model = Blip2Model::new(&config, weights).map_err(Error::Weights)?;
        Ok(Self {
            config,
            defaults,
            image_processor,
            tokenizer,
            model,
            device,
            chosen,
        })
    }

    /// How a CPU multiplies, and what that was chosen from; `None` on a GPU.
    pub fn engine_report(&self) -> Option<&EngineReport> {
        self.chosen.as_ref().map(|chosen| &chosen.report)
    }

    /// Computes on the threads that were chosen.
    fn compute<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.chosen {
            Some(chosen) => chosen.pool.install(work),
            None => work(),
        }
    }

    /// The checkpoint's configuration.
    pub fn config(&self) -> &Blip2Config {
        &self.config
    }

    /// The network.
    pub fn model(&self) -> &Blip2Model {
        &self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The parameters that hold where a caller gives none: those of
    /// `generation_config.json`.
    pub fn generation_defaults(&self) -> &GenerationParameters {
        &self.defaults
    }

    /// A decoded photograph to pixel values `(3, size, size)`.
    ///
    /// # Errors
    /// When the checkpoint forbids the resize it needs.
    pub fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, Error> {
        self.image_processor.preprocess(photo)
    }

    /// Pixel values of some photographs, `(3, size, size)` each, to image
    /// features `(images, queries, d_model)`: all that answering needs of them.
    ///
    /// # Errors
    /// When there are none or one has another shape.
    pub fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Tensor, Error> {
        let batch = Tensor::stack(pixel_values, 0)?.to_device(&self.device)?;
        Ok(self.compute(|| self.model.encode_images(&batch))?)
    }

    /// Answers prompts about one photograph, given its image features
    /// `(1, queries, d_model)`. The prompts are used as they are; they go
    /// through the language model as one batch.
    ///
    /// # Errors
    /// When a parameter is out of range or a computation fails.
    pub fn generate(
        &self,
        image_features: &Tensor,
        prompts: &[String],
        parameters: &GenerationParameters,
    ) -> Result<Vec<Generated>, Error> {
        let prompts: Vec<Vec<u32>> = prompts
            .iter()
            .map(|prompt| self.tokenizer.encode(prompt))
            .collect::<Result<_, _>>()?;
        let text = &self.config.text_config;
        let special = SpecialIds {
            decoder_start: text.decoder_start(),
            eos: &text.eos_token_id,
            pad: text.pad_token_id,
        };
        let sequences = self.compute(|| {
            generation::generate(&self.model, image_features, &prompts, &special, parameters)
        })?;
        sequences
            .into_iter()
            .map(|sequence| {
                Ok(Generated {
                    text: self.tokenizer.decode(&sequence.token_ids)?,
                    token_ids: sequence.token_ids,
                    log_probability: sequence.log_probability,
                })
            })
            .collect()
    }
}

/// What the linear layers are to be, from what was asked for and what is
/// stored.
fn weight_type(options: &LoadOptions, stored: Option<Quantization>) -> Result<WeightType, Error> {
    if let (Some(asked), Some(stored)) = (options.quantization, stored)
        && asked != stored
    {
        return Err(Error::WeightForm(format!(
            "the checkpoint is stored as {stored} and cannot be made {asked}: quantize the \
             original again"
        )));
    }
    let number_type = options
        .number_type
        .unwrap_or_else(|| NumberType::default_for(options.device));
    let Some(quantization) = options.quantization.or(stored) else {
        return Ok(WeightType::Plain(number_type.dtype()));
    };
    if options.device != DeviceKind::Cpu {
        return Err(Error::WeightForm(format!(
            "quantised weights ({quantization}) are for the device cpu, not for {}",
            options.device
        )));
    }
    if number_type != NumberType::F32 {
        return Err(Error::WeightForm(format!(
            "with weights in {quantization} the rest is computed in f32, not in {number_type}: \
             ask for one of them"
        )));
    }
    Ok(WeightType::Quantised(quantization))
}

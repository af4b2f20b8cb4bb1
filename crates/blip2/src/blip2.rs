//! A checkpoint that is ready to answer questions about photographs.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use image::RgbImage;

use crate::answering::{Answering, Generated, Outcome};
use crate::checkpoint::{self, Source};
use crate::config::Blip2Config;
use crate::device::{DeviceKind, NumberType};
use crate::engine::{self, Chosen, Engine, EngineReport, Plan, Quantization, Threads, WeightType};
use crate::error::Error;
use crate::generation::{Batch, ChoiceTree, GenerationParameters, Question, SpecialIds, Task};
use crate::image_processor::ImageProcessor;
use crate::lora::{Adapter, LoadedAdapter};
use crate::model::Blip2Model;
use crate::tokenizer::Tokenizer;
use crate::weights::Training;

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
    tokenizer: Arc<Tokenizer>,
    model: Arc<Blip2Model>,
    device: Device,
    chosen: Option<Chosen>,
}

/// A checkpoint's files, read and found to fit each other; of the weights the names
/// and shapes alone.
struct Files {
    config: Blip2Config,
    defaults: GenerationParameters,
    image_processor: ImageProcessor,
    tokenizer: Tokenizer,
    source: Source,
}

impl Files {
    fn open(model_dir: &Path) -> Result<Self, Error> {
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
        Ok(Self {
            config,
            defaults,
            image_processor,
            tokenizer,
            source: Source::open(model_dir)?,
        })
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
        Self::load_training(model_dir, options, None)
    }

    /// Whether a folder holds a checkpoint, without loading its weights: what is
    /// wrong with it before a long work in which it is loaded late.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for what only the weights themselves tell.
    pub fn check(model_dir: &Path) -> Result<(), Error> {
        Files::open(model_dir).map(drop)
    }

    /// [`load`](Self::load), of which some is trained.
    pub(crate) fn load_training(
        model_dir: &Path,
        options: &LoadOptions,
        training: Option<Arc<Training>>,
    ) -> Result<Self, Error> {
        let Files {
            config,
            defaults,
            image_processor,
            tokenizer,
            source,
        } = Files::open(model_dir)?;
        let device = options.device.open()?;
        let weights = weight_type(options, source.quantization())?;
        let chosen = match options.device {
            DeviceKind::Cpu => Some(engine::choose(
                &config,
                weights,
                options.engine,
                options.threads,
            )?),
            DeviceKind::Cuda(_) => {
                if let Some(engine) = options.engine {
                    let reason = "it is for a CPU, and a GPU was asked for";
                    return Err(Error::Engine { engine, reason });
                }
                None
            }
        };
        let plan = chosen.as_ref().map_or(
            Plan {
                engine: Engine::Candle,
                weights,
            },
            |chosen| chosen.plan,
        );
        let mut weights = source.into_weights(plan.activations(), &device, plan);
        if let Some(training) = training {
            weights = weights.training(training);
        }
        let model = Blip2Model::new(&config, weights).map_err(Error::Weights)?;
        Ok(Self {
            config,
            defaults,
            image_processor,
            tokenizer: Arc::new(tokenizer),
            model: Arc::new(model),
            device,
            chosen,
        })
    }

    /// How a CPU multiplies, and what that was chosen from; `None` on a GPU.
    pub fn engine_report(&self) -> Option<&EngineReport> {
        self.chosen.as_ref().map(|chosen| &chosen.report)
    }

    /// Where it computes.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// The threads that were chosen to compute on.
    pub(crate) fn threads(&self) -> Threads {
        self.chosen
            .as_ref()
            .map_or_else(Threads::default, |chosen| chosen.threads.clone())
    }

    /// The checkpoint's configuration.
    pub fn config(&self) -> &Blip2Config {
        &self.config
    }

    /// The network.
    pub fn model(&self) -> &Arc<Blip2Model> {
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

    /// The image processor, for a host that keeps resized photographs.
    pub fn image_processor(&self) -> &ImageProcessor {
        &self.image_processor
    }

    /// Pixel values of some photographs, `(3, size, size)` each, to image
    /// features `(images, queries, d_model)`: all that answering needs of them.
    ///
    /// # Errors
    /// When there are none or one has another shape.
    pub fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Tensor, Error> {
        let batch = Tensor::stack(pixel_values, 0)?.to_device(&self.device)?;
        Ok(self.threads().run(|| self.model.encode_images(&batch))?)
    }

    /// Image features that a host kept, where and in the number type in which
    /// the model computes.
    ///
    /// # Errors
    /// When they cannot be moved there.
    pub fn kept_features(&self, features: &Tensor) -> Result<Tensor, Error> {
        let features = features.to_device(&self.device)?;
        Ok(features.to_dtype(self.model.dtype())?)
    }

    /// The number type between the linear layers, by its name.
    pub fn number_type(&self) -> &'static str {
        self.model.dtype().as_str()
    }

    /// A prompt's token ids as the model reads it, `</s>` included.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the text cannot be tokenized.
    pub fn tokenize(&self, prompt: &str) -> Result<Vec<u32>, Error> {
        self.tokenizer.encode(prompt)
    }

    /// The texts that an answer is to be held to.
    ///
    /// # Errors
    /// [`Error::Choices`] when there are none, one is empty, or two have equal
    /// token ids; [`Error::Tokenizer`].
    pub fn choice_tree(&self, texts: &[String]) -> Result<ChoiceTree, Error> {
        let decoder_start = self.config.text_config.decoder_start();
        ChoiceTree::new(texts, decoder_start, |text| self.tokenizer.encode(text))
    }

    /// Makes an adapter ready to answer with, beside the frozen weights and beside
    /// others: [`Question::adapter`]. `name` is the host's own name for it.
    ///
    /// # Errors
    /// [`Error::Adapter`] when it does not fit the model's layers or its own target
    /// modules, has what is no finite number or numbers so large that no answer would be
    /// one, or changes more than the language model: image features are then not the same
    /// for all.
    pub fn load_adapter(&self, name: &str, adapter: &Adapter) -> Result<Arc<LoadedAdapter>, Error> {
        let kernels = self
            .chosen
            .as_ref()
            .and_then(|chosen| chosen.plan.kernels());
        let layers = self.model.layers();
        let loaded = LoadedAdapter::new(name, adapter, layers, &self.device, kernels)?;
        Ok(Arc::new(loaded))
    }

    /// Reads questions, about one picture or several, in one padded batch,
    /// ready to be answered step by step.
    ///
    /// # Errors
    /// When a parameter is out of range, features or an adapter are another
    /// model's, or a computation fails.
    pub fn start(&self, questions: &[Question]) -> Result<Answering, Error> {
        let special = SpecialIds::new(&self.config.text_config);
        let threads = self.threads();
        let batch = threads.run(|| Batch::start(&self.model, &special, questions))?;
        Ok(Answering::new(batch, Arc::clone(&self.tokenizer), threads))
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
        let image_features = image_features.squeeze(0)?;
        let questions: Vec<Question> = prompts
            .iter()
            .map(|prompt| {
                Ok(Question {
                    image_features: image_features.clone(),
                    prompt: self.tokenize(prompt)?,
                    task: Task::Generate(parameters.clone()),
                    adapter: None,
                })
            })
            .collect::<Result<_, Error>>()?;
        let mut answering = self.start(&questions)?;
        let mut answers = Vec::with_capacity(prompts.len());
        while !answering.is_done() {
            for (index, outcome) in answering.step()? {
                if let Outcome::Generated(generated) = outcome {
                    answers.push((index, generated));
                }
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
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

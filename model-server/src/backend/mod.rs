//! Tensors in, tensors out.

mod blip2;
pub mod fake;

use std::path::Path;
use std::sync::Arc;

use ::blip2::{ChoiceTree, GenerationParameters, LoadedAdapter, Outcome, Question};
use candle_core::Tensor;
use image::RgbImage;

pub use self::blip2::load;

/// Why a model could not do its part. The client cannot mend it, so there is
/// nothing to tell apart.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;

/// How a model computes, for the log and for whoever measures it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Where: `cpu`, `cuda:0`.
    pub device: String,
    /// The number type or block format of its linear layers: `f32`, `q4k`.
    pub number_type: String,
    /// By which kernels they are multiplied.
    pub computation: String,
    /// On how many threads of the processor.
    pub threads: usize,
}

/// A model that answers questions about photographs.
///
/// The stages are separate so that the core decides what is computed together:
/// photographs are prepared while others are being asked about, questions of
/// several requests are answered in one batch, several batches in turn.
pub trait Backend: Send + Sync + 'static {
    /// How it generates where a request does not say.
    fn default_parameters(&self) -> GenerationParameters {
        GenerationParameters::default()
    }

    /// How it computes.
    fn description(&self) -> Description;

    /// How many photographs are worth encoding together: 1 where the processor
    /// is busy with one.
    fn images_per_batch(&self) -> usize;

    /// The photograph as the vision encoder takes it: (3, height, width).
    ///
    /// # Errors
    /// When the picture cannot be resized or moved to the device.
    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError>;

    /// What the language model sees of each photograph: (query tokens, hidden),
    /// each in memory of its own, so that one can be kept without the others.
    ///
    /// # Errors
    /// When the computation fails.
    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Vec<Tensor>, BackendError>;

    /// Token ids of a prompt as the model reads it, its end included.
    ///
    /// # Errors
    /// When the text cannot be tokenized.
    fn tokenize(&self, prompt: &str) -> Result<Vec<u32>, BackendError>;

    /// The texts that an answer is held to.
    ///
    /// # Errors
    /// When the model cannot tell two of them apart, or one is empty for it.
    fn choice_tree(&self, texts: &[String]) -> Result<ChoiceTree, BackendError>;

    /// Reads an adapter's folder, for questions to be answered with it. `name` is
    /// what it is called.
    ///
    /// # Errors
    /// When the files are not whole or not for this model; the text says what is
    /// wrong with them.
    fn load_adapter(&self, name: &str, folder: &Path) -> Result<Arc<LoadedAdapter>, BackendError>;

    /// Reads questions about any photographs as one batch, each with its adapter.
    ///
    /// # Errors
    /// When the computation fails.
    fn start(&self, questions: &[Question]) -> Result<Box<dyn Decoding>, BackendError>;
}

/// A batch of questions that is being answered.
pub trait Decoding: Send {
    /// Goes on by one step. Returns what was finished by it, each by its index
    /// in the questions that the batch was started with.
    ///
    /// # Errors
    /// When the computation fails; the batch is then of no more use.
    fn step(&mut self) -> Result<Vec<(usize, Outcome)>, BackendError>;

    /// Whether every question is finished or abandoned.
    fn is_done(&self) -> bool;

    /// Drops questions whose answer nobody wants any more.
    ///
    /// # Errors
    /// When the computation fails; the batch is then of no more use.
    fn abandon(&mut self, questions: &[usize]) -> Result<(), BackendError>;
}

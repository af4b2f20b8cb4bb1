//! Tensors in, tensors out.

mod blip2;
pub mod fake;

use ::blip2::{Generated, GenerationParameters};
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
    /// In which number type: `f32`.
    pub number_type: String,
    /// By which kernels its linear layers are computed.
    pub computation: String,
    /// On how many threads of the processor.
    pub threads: usize,
}

/// A model that answers questions about photographs.
///
/// The stages are separate so that the core decides what is computed together:
/// photographs are prepared while others are being asked about.
pub trait Backend: Send + Sync + 'static {
    /// How it generates where a request does not say.
    fn default_parameters(&self) -> GenerationParameters {
        GenerationParameters::default()
    }

    /// How it computes.
    fn description(&self) -> Description;

    /// The photograph as the vision encoder takes it: (3, height, width).
    ///
    /// # Errors
    /// When the picture cannot be resized or moved to the device.
    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError>;

    /// What the language model sees of each photograph:
    /// (images, query tokens, hidden).
    ///
    /// # Errors
    /// When the computation fails.
    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Tensor, BackendError>;

    /// One generated text for each prompt, in order. `image_features` is
    /// (1, query tokens, hidden), the one photograph that all prompts are about.
    ///
    /// # Errors
    /// When the computation fails.
    fn generate(
        &self,
        image_features: &Tensor,
        prompts: &[String],
        parameters: &GenerationParameters,
    ) -> Result<Vec<Generated>, BackendError>;
}

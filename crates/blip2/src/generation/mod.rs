//! Prompts and a picture to answers.

mod beam;
mod parameters;
mod rows;
mod sample;
mod scores;

use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use parameters::{EarlyStopping, GenerationParameters, ParameterError};

use crate::config::TokenIds;
use crate::error::Error;
use crate::model::Blip2Model;
use rows::Rows;

/// What was generated for one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The generated ids, without the decoder's start; `</s>` is the last one
    /// where it was reached.
    pub token_ids: Vec<u32>,
    /// The natural logarithm of the model's probability for exactly these
    /// ids in this order, whatever rules chose them.
    pub log_probability: f64,
    /// What a beam search ranked the sequence by: its accumulated scores over
    /// its length to the power of `length_penalty`. `None` without a search.
    pub beam_score: Option<f64>,
}

/// The special ids that steer the decoder.
#[derive(Debug, Clone)]
pub struct SpecialIds<'a> {
    /// What the decoder starts from.
    pub decoder_start: u32,
    /// Where a sequence ends.
    pub eos: &'a TokenIds,
    /// What fills a shorter prompt of a batch.
    pub pad: u32,
}

/// Generates one sequence for each prompt of a picture.
///
/// `image_features` is `(1, queries, d_model)`; the prompts go through the
/// language model as one batch, in which padding changes nothing.
///
/// # Errors
/// When a parameter is out of range or a computation fails.
pub fn generate(
    model: &Blip2Model,
    image_features: &Tensor,
    prompts: &[Vec<u32>],
    special: &SpecialIds,
    parameters: &GenerationParameters,
) -> Result<Vec<Sequence>, Error> {
    parameters.validate()?;
    if prompts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Rows::start(model, image_features, prompts, special)?;
    if parameters.num_beams > 1 {
        beam::search(rows, special, parameters)
    } else {
        sample::sample(rows, special, parameters)
    }
}

/// The source of randomness of one sequence. Every sequence has its own, so
/// that it does not depend on its company.
fn rng(parameters: &GenerationParameters) -> ChaCha8Rng {
    let seed = parameters.seed.unwrap_or_else(|| rand::rng().random());
    ChaCha8Rng::seed_from_u64(seed)
}

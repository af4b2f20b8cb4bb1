//! Questions to answers, in token ids.
//!
//! A [`Batch`] reads its questions together and then answers them step by
//! step. Free answers are written by the decoder, one row or, for a beam
//! search, several a question; questions that are held to given texts are
//! answered by passes over the prefix tree of those texts. Each question has
//! its own picture, parameters and randomness, and no question's answer
//! depends on the others.

mod batch;
mod beam;
mod choice_tree;
mod choosing;
mod logits;
mod parameters;
mod question;
mod sample;
mod scores;
mod writing;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use batch::{Batch, Finished};
pub use choice_tree::{ChoiceError, ChoiceTree};
pub use choosing::Chosen;
pub use parameters::{EarlyStopping, GenerationParameters, ParameterError};
pub use question::{Question, Task};

use crate::config::{T5Config, TokenIds};

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
pub struct SpecialIds {
    /// What the decoder starts from.
    pub decoder_start: u32,
    /// Where a sequence ends.
    pub eos: TokenIds,
    /// What fills a shorter row of a batch.
    pub pad: u32,
}

impl SpecialIds {
    /// Those of a checkpoint.
    pub fn new(config: &T5Config) -> Self {
        Self {
            decoder_start: config.decoder_start(),
            eos: config.eos_token_id.clone(),
            pad: config.pad_token_id,
        }
    }
}

/// The source of randomness of one sequence. Every sequence has its own, so
/// that it does not depend on its company.
fn rng(parameters: &GenerationParameters) -> ChaCha8Rng {
    let seed = parameters.seed.unwrap_or_else(|| rand::rng().random());
    ChaCha8Rng::seed_from_u64(seed)
}

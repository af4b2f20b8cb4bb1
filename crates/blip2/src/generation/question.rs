//! What is asked.

use std::sync::Arc;

use candle_core::Tensor;

use super::{ChoiceTree, GenerationParameters};
use crate::lora::LoadedAdapter;

/// One question about one picture, ready for the model.
#[derive(Debug, Clone)]
pub struct Question {
    /// The features of the picture that it is about, `(queries, d_model)`.
    pub image_features: Tensor,
    /// Token ids of the prompt as the model reads it, `</s>` included.
    pub prompt: Vec<u32>,
    /// What is wanted.
    pub task: Task,
    /// The adapter that the language model answers it with, one of the same
    /// model; the model as it was loaded where there is none.
    pub adapter: Option<Arc<LoadedAdapter>>,
}

/// What is wanted of the model.
#[derive(Debug, Clone)]
pub enum Task {
    /// A free answer.
    Generate(GenerationParameters),
    /// The probability of each of these texts.
    Choose(Arc<ChoiceTree>),
}

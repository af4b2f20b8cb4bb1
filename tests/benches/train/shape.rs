//! The shapes of the model, and what is learnt from with each.

/// A shape of the model.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    /// What it is, for the report.
    pub what: &'static str,
    /// How many epochs of each side are measured.
    pub runs: usize,
    /// The number types that both sides are measured in.
    pub types: &'static [&'static str],
    /// What all sides take together, to see whether it can be had.
    pub memory_bytes: u64,
}

/// The number type in which both sides have to give the same losses.
pub const EXACT: &str = "f32";

pub const SHAPES: [Shape; 2] = [
    Shape {
        name: "mini",
        what: "the checkpoint that ships, 3 million parameters",
        runs: 25,
        types: &["f32"],
        memory_bytes: 2_000_000_000,
    },
    Shape {
        name: "base",
        what: "ViT of 12 layers of 768, Q-Former of 12 of 768, T5-base; random weights",
        runs: 5,
        types: &["f32", "bf16"],
        memory_bytes: 16_000_000_000,
    },
];

/// Photographs, and questions about each: as many as the default attribute set
/// has of a T-shirt.
pub const PHOTOS: usize = 16;
pub const QUESTIONS_A_PHOTO: usize = 7;

/// Questions of a step, as the published training script has them.
pub const BATCH_SIZE: usize = 16;

/// Tokens of a question and of an answer, both with `</s>`.
pub const PROMPT_TOKENS: usize = 19;
pub const ANSWER_TOKENS: usize = 6;

/// Questions of an epoch.
pub const QUESTIONS: usize = PHOTOS * QUESTIONS_A_PHOTO;

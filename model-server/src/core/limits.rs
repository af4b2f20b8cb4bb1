//! What one request and all waiting requests together may ask for.

/// The server's stated limits. What is mathematically meaningless is refused
/// by the model itself, whatever these say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Questions in one request.
    pub max_prompts: usize,
    /// Characters of one prompt; attention takes memory by its square.
    pub max_prompt_characters: usize,
    /// `max_new_tokens` of a request.
    pub max_new_tokens: usize,
    /// `num_beams` of a request.
    pub max_num_beams: usize,
    /// Pixels of a photograph, known from its header before it is decoded.
    pub max_pixels: u64,
    /// Questions that wait at one time, those being answered not counted.
    pub max_waiting_questions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_prompts: 64,
            max_prompt_characters: 2_048,
            max_new_tokens: 256,
            max_num_beams: 8,
            max_pixels: 100_000_000,
            max_waiting_questions: 512,
        }
    }
}

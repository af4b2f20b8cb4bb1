//! What one request and all waiting requests together may ask for.

/// The server's stated limits. What is mathematically meaningless is refused
/// by the model itself, whatever these say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Questions in one request.
    pub max_prompts: usize,
    /// Characters of one prompt, looked at before it is tokenized.
    pub max_prompt_characters: usize,
    /// Tokens of one prompt as the model reads it; attention takes memory by
    /// their square, and a character may become several.
    pub max_prompt_tokens: usize,
    /// `max_new_tokens` of a question.
    pub max_new_tokens: usize,
    /// `num_beams` of a question.
    pub max_num_beams: usize,
    /// Choices of one question.
    pub max_choices: usize,
    /// Choices of all questions of a request together.
    pub max_choices_per_request: usize,
    /// Tokens of one choice as the model would write it, its end included.
    pub max_choice_tokens: usize,
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
            max_prompt_tokens: 1_024,
            max_new_tokens: 256,
            max_num_beams: 8,
            max_choices: 1_000,
            max_choices_per_request: 4_000,
            max_choice_tokens: 40,
            max_pixels: 100_000_000,
            max_waiting_questions: 512,
        }
    }
}

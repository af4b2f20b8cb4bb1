//! The questions that both sides are asked.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use attributes::wrap_question;
use tokenizers::Tokenizer;

pub const QUESTIONS: usize = 8;

/// Tokens of each prompt, `</s>` not counted.
pub const PROMPT_TOKENS: usize = 18;

/// Tokens of each answer.
pub const ANSWER_TOKENS: usize = 6;

const WORDS: [&str; 14] = [
    "fabric", "fit", "collar", "pattern", "length", "neck", "style", "colour", "color", "shape",
    "type", "size", "brand", "print",
];

/// Longer and shorter ones, as tokenizers differ.
const FORMS: [&str; 7] = [
    "What is the main {} of the blue shirt in this picture?",
    "What is the {} of the shirt in this picture?",
    "the {}",
    "this {}",
    "is {}",
    "{}?",
    "{}",
];

/// The first questions that have the wanted number of tokens in the form in
/// which the model reads them.
pub fn prompts(checkpoint: &Path) -> Result<Vec<String>> {
    let path = checkpoint.join("tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path)
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("cannot read {}", path.display()))?;
    let mut prompts = Vec::new();
    for form in FORMS {
        for word in WORDS {
            let prompt = wrap_question(&form.replace("{}", word));
            let encoding = tokenizer.encode_fast(prompt.as_str(), false);
            let tokens = encoding.map_err(|error| anyhow!("{error}"))?.len();
            if tokens == PROMPT_TOKENS {
                prompts.push(prompt);
            }
        }
    }
    if prompts.len() < QUESTIONS {
        bail!(
            "by {} only {} questions have {PROMPT_TOKENS} tokens: add words",
            path.display(),
            prompts.len()
        );
    }
    prompts.truncate(QUESTIONS);
    Ok(prompts)
}

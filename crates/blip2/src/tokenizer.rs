//! Prompts to token ids and back, by the checkpoint's `tokenizer.json`.

use crate::config::T5Config;
use crate::error::Error;

/// The tokenizer of a checkpoint.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    eos_token_id: u32,
}

impl Tokenizer {
    /// Parses a `tokenizer.json` and checks it against the model.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when it is malformed or has ids that the model
    /// has no embedding for.
    pub fn from_json(text: &str, config: &T5Config) -> Result<Self, Error> {
        let mut inner: tokenizers::Tokenizer = text
            .parse()
            .map_err(|error| Error::Tokenizer(format!("{error}")))?;
        // Padding and truncation are the batch's affair.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|error| Error::Tokenizer(error.to_string()))?
            // A prompt that spells a special token means the text.
            .set_encode_special_tokens(true);
        let largest = inner.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if largest >= config.vocab_size {
            return Err(Error::Tokenizer(format!(
                "its largest id is {largest}, the model knows ids below {}",
                config.vocab_size
            )));
        }
        let Some(&eos_token_id) = config.eos_token_id.as_slice().first() else {
            return Err(Error::Config(
                "text_config.eos_token_id is empty".to_owned(),
            ));
        };
        Ok(Self {
            inner,
            eos_token_id,
        })
    }

    /// A prompt's ids, ended by `</s>`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the text cannot be tokenized.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding = self
            .inner
            .encode_fast(text, true)
            .map_err(|error| Error::Tokenizer(error.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.last() != Some(&self.eos_token_id) {
            ids.push(self.eos_token_id);
        }
        Ok(ids)
    }

    /// The text of generated ids, special tokens left out, trimmed.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the ids cannot be decoded.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        let text = self
            .inner
            .decode(ids, true)
            .map_err(|error| Error::Tokenizer(error.to_string()))?;
        Ok(text.trim().to_owned())
    }
}

//! From a request to its answer.

use super::brief::Brief;
use super::chat_form::{system_turn, turns};
use super::description::Description;
use super::generation::{Generation, Interruption, sampler};
use super::model::LanguageModel;
use crate::writer::{Stop, WriterError, Writing, WritingRequest, cut_at_stop, listing};

/// Room that a conversation must leave for an answer.
const ROOM_FOR_ANSWER: usize = 64;

/// Writes one text.
#[derive(Clone, Copy)]
pub(super) struct Composer<'a> {
    pub(super) model: &'a LanguageModel,
    pub(super) request: &'a WritingRequest,
    pub(super) seed: u64,
    /// Whether nobody waits for the text any more; asked before every token.
    pub(super) abandoned: &'a dyn Fn() -> bool,
}

impl Composer<'_> {
    /// The answer to the request: sentence by sentence for a product, in one go for any other
    /// chat.
    pub(super) fn compose(&self) -> Result<Writing, Interruption> {
        let system = system_turn(&self.request.system);
        let chat = self
            .model
            .encode(&format!("{system}{}", turns(&self.request.turns)))?;
        let limit = self.model.context_tokens().saturating_sub(ROOM_FOR_ANSWER);
        if chat.len() > limit {
            return Err(Interruption::Failed(WriterError::TooLong {
                tokens: chat.len(),
                limit,
            }));
        }
        let (text, stop) = match Brief::of(self.request) {
            Some(brief) => {
                let (text, stop) = self.fit(&Description::write(self, &brief)?)?;
                // The model writes one text; no JSON can be had of it.
                if listing::is_asked_for(self.request) {
                    (listing::around(&text, self.request), stop)
                } else {
                    (text, stop)
                }
            }
            None => self.chat(&chat)?,
        };
        let output_tokens = self.model.encode(&text)?.len();
        Ok(Writing {
            text,
            stop,
            input_tokens: chat.len(),
            output_tokens,
        })
    }

    fn chat(&self, chat: &[u32]) -> Result<(String, Stop), Interruption> {
        let sampler = sampler(self.request, self.request.temperature, self.seed);
        let start = self.model.read_prompt(chat)?;
        let mut generation = Generation::new(self.model, self.abandoned, start, sampler);
        let room = self.model.context_tokens() - chat.len();
        let stops = &self.request.stop_sequences;
        let ended = generation.run(self.request.max_tokens.min(room), &[], |so_far| {
            cut_at_stop(so_far, stops).is_some()
        })?;
        let text = generation.text()?.trim().to_owned();
        Ok(match cut_at_stop(&text, stops) {
            Some((before, sequence)) => (before.to_owned(), Stop::Sequence(sequence.to_owned())),
            None if ended => (text, Stop::EndOfTurn),
            None => (whole_sentences(&text).to_owned(), Stop::MaxTokens),
        })
    }

    /// As many whole sentences as `max_tokens` has room for, up to a stop sequence; of a first
    /// sentence that is too long, its beginning.
    fn fit(&self, sentences: &[String]) -> Result<(String, Stop), Interruption> {
        let mut stop = Stop::EndOfTurn;
        let mut text = String::new();
        for sentence in sentences {
            let longer = format!("{text} {sentence}").trim_start().to_owned();
            let tokens = self.model.encode(&longer)?;
            if tokens.len() > self.request.max_tokens {
                stop = Stop::MaxTokens;
                if text.is_empty() {
                    text = self.model.decode(&tokens[..self.request.max_tokens])?;
                }
                break;
            }
            text = longer;
        }
        if let Some((before, sequence)) = cut_at_stop(&text, &self.request.stop_sequences) {
            return Ok((before.to_owned(), Stop::Sequence(sequence.to_owned())));
        }
        Ok((text, stop))
    }
}

/// A text up to its last whole sentence; all of it where there is none.
fn whole_sentences(text: &str) -> &str {
    text.rfind(['.', '!', '?'])
        .map_or(text, |end| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_ends_with_a_whole_sentence() {
        assert_eq!(whole_sentences("It is soft. It is wa"), "It is soft.");
        assert_eq!(whole_sentences("It is"), "It is");
    }
}

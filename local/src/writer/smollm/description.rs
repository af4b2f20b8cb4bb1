//! A product description, sentence by sentence.

use super::brief::{Brief, Task};
use super::chat_form::{system_turn, turns};
use super::check::Faults;
use super::compose::Composer;
use super::generation::{Generation, Interruption, sampler};
use super::model::State;
use crate::writer::product::ProductAttribute;
use crate::writer::{Speaker, Turn};

/// Attempts at one sentence; the first without a fault is taken.
const ATTEMPTS: usize = 5;
/// How much warmer each further attempt is: at the same low temperature it would be the same
/// sentence again.
const WARMER: f64 = 0.12;
/// The longest sentence.
const SENTENCE_TOKENS: usize = 48;

/// A description in the making.
pub(super) struct Description<'a> {
    composer: &'a Composer<'a>,
    brief: &'a Brief,
    /// The conversation after its system prompt, before any task.
    system: State,
    sentences: Vec<String>,
    tokens: usize,
}

/// A sentence and what is wrong with it.
struct Attempt {
    sentence: String,
    faults: Faults,
}

impl<'a> Description<'a> {
    /// The sentences of a description: the attributes first, then what they left out, then
    /// what else the system prompt asks for. Ends early where `max_tokens` is reached.
    pub(super) fn write(
        composer: &'a Composer<'a>,
        brief: &'a Brief,
    ) -> Result<Vec<String>, Interruption> {
        let system = composer.model.encode(&system_turn(&brief.system))?;
        let system = composer.model.read(&system)?;
        let mut description = Self {
            composer,
            brief,
            system,
            sentences: Vec::new(),
            tokens: 0,
        };
        let mut left_out = Vec::new();
        for attributes in brief.attribute_groups() {
            let task = brief.attribute_task(description.sentences.is_empty(), &attributes);
            left_out.extend(description.add_sentence(&task)?);
        }
        for attribute in left_out {
            if !attribute.is_mentioned_in(&description.sentences.join(" ")) {
                description.add_sentence(&brief.opening_task(&attribute))?;
            }
        }
        for task in brief.closing_tasks() {
            description.add_sentence(&task)?;
        }
        Ok(description.sentences)
    }

    /// Adds the best sentence for a task, if one is fit for the text, and returns the
    /// attributes that are still to be mentioned.
    fn add_sentence(&mut self, task: &Task) -> Result<Vec<ProductAttribute>, Interruption> {
        if self.tokens >= self.composer.request.max_tokens {
            return Ok(Vec::new());
        }
        let says_something = |faults: &Faults| {
            task.attributes.is_empty() || faults.missing.len() < task.attributes.len()
        };
        match self.best_attempt(task)? {
            Some(Attempt { sentence, faults })
                if !faults.disqualify() && says_something(&faults) =>
            {
                self.tokens += self.composer.model.encode(&sentence)?.len();
                self.sentences.push(sentence);
                Ok(faults.missing)
            }
            _ => Ok(task.attributes.clone()),
        }
    }

    fn best_attempt(&self, task: &Task) -> Result<Option<Attempt>, Interruption> {
        let question = Turn {
            speaker: Speaker::User,
            text: task.question.clone(),
        };
        let mut asked = self.system.clone();
        asked.read(&self.composer.model.encode(&turns(&[question]))?)?;
        let mut best: Option<Attempt> = None;
        for (number, opening) in task.openings.iter().cycle().take(ATTEMPTS).enumerate() {
            let sentence = self.sentence(asked.clone(), task, opening, number)?;
            let faults = Faults::of(&sentence, task, &self.brief.attributes, &self.sentences);
            tracing::debug!(
                question = task.question,
                number,
                sentence,
                ?faults,
                "sentence"
            );
            let attempt = Attempt { sentence, faults };
            if attempt.faults.none() {
                return Ok(Some(attempt));
            }
            if best
                .as_ref()
                .is_none_or(|best| attempt.faults.badness() < best.faults.badness())
            {
                best = Some(attempt);
            }
        }
        Ok(best)
    }

    fn sentence(
        &self,
        mut asked: State,
        task: &Task,
        opening: &str,
        number: usize,
    ) -> Result<String, Interruption> {
        let Composer {
            model,
            request,
            seed,
            abandoned,
        } = *self.composer;
        let logits = asked.read(&model.encode(opening)?)?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of attempts")]
        let warmer = if number == 0 {
            0.0
        } else {
            WARMER * number as f64
        };
        let temperature = (request.temperature + warmer).min(1.0);
        // Every attempt has a seed of its own, also where a sentence was refused before.
        let seed = seed
            .wrapping_mul(31)
            .wrapping_add((self.tokens * 7 + number) as u64);
        let sampler = sampler(request, temperature, seed);
        let mut generation = Generation::new(model, abandoned, (asked, logits), sampler);
        // Values of attributes may be said as often as need be.
        let phrases: Vec<String> = task
            .attributes
            .iter()
            .map(|attribute| format!(" {}", attribute.phrase()))
            .collect();
        let spared = model.encode(&phrases.concat())?;
        generation.run(SENTENCE_TOKENS, &spared, |so_far| {
            so_far.contains('\n') || so_far.trim_end().ends_with(['.', '!', '?'])
        })?;
        let written = generation.text()?;
        let first_line = written.split('\n').next().unwrap_or_default();
        Ok(tidy(&format!("{opening}{first_line}")))
    }
}

/// One space between words, no quotation marks around the sentence.
fn tidy(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    words.join(" ").trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_tidied() {
        assert_eq!(tidy("\"This  shirt\nis soft.\""), "This shirt is soft.");
    }
}

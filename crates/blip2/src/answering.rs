//! Answers as a host reads them: text beside token ids.

use std::sync::Arc;

use crate::engine::Threads;
use crate::error::Error;
use crate::generation::{Batch, Chosen, Finished};
use crate::tokenizer::Tokenizer;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A free answer.
    Generated(Generated),
    /// How likely each of the given texts is.
    Chosen(Chosen),
}

/// A free answer to one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The text, special tokens left out.
    pub text: String,
    /// The generated ids, without the decoder's start; `</s>` is the last one
    /// where it was reached.
    pub token_ids: Vec<u32>,
    /// The natural logarithm of the probability of these ids.
    pub log_probability: f64,
}

impl Generated {
    /// The probability of the whole generated sequence, in [0, 1].
    pub fn confidence(&self) -> f64 {
        self.log_probability.exp().clamp(0.0, 1.0)
    }
}

/// Questions that are being answered, as [`Blip2::start`](crate::Blip2::start)
/// read them. It owns what it needs of the checkpoint.
#[derive(Debug)]
pub struct Answering {
    batch: Batch,
    tokenizer: Arc<Tokenizer>,
    threads: Threads,
}

impl Answering {
    pub(crate) fn new(batch: Batch, tokenizer: Arc<Tokenizer>, threads: Threads) -> Self {
        Self {
            batch,
            tokenizer,
            threads,
        }
    }

    /// One decoder step for all free answers that are not complete, and one
    /// pass over nodes of the choice trees: a small tree is done with the
    /// first step, a large one takes several. Returns the questions that were
    /// finished by it, by their index in what was started.
    ///
    /// # Errors
    /// When a computation fails or gives what is no number. The other
    /// questions cannot be gone on with either.
    pub fn step(&mut self) -> Result<Vec<(usize, Outcome)>, Error> {
        let batch = &mut self.batch;
        let finished = self.threads.run(|| batch.step())?.into_iter();
        finished
            .map(|(index, finished)| {
                let outcome = match finished {
                    Finished::Chosen(chosen) => Outcome::Chosen(chosen),
                    Finished::Written(sequence) => Outcome::Generated(Generated {
                        text: self.tokenizer.decode(&sequence.token_ids)?,
                        token_ids: sequence.token_ids,
                        log_probability: sequence.log_probability,
                    }),
                };
                Ok((index, outcome))
            })
            .collect()
    }

    /// Whether every question was answered or abandoned.
    pub fn is_done(&self) -> bool {
        self.batch.is_done()
    }

    /// Drops questions whose answer nobody wants any more; those that are
    /// finished or unknown are passed over.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn abandon(&mut self, questions: &[usize]) -> Result<(), Error> {
        self.batch.abandon(questions)
    }

    /// How many decoder rows there still are: one a question, as many as
    /// there are beams for a search.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }
}

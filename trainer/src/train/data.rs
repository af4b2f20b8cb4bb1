//! Questions and answers, as the model reads them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use attributes::wrap_question;
use blip2::Blip2;
use catalogue::pairs::{self, Pair};

use super::photos::Photos;

/// More tokens than a question or an answer has; memory grows with their
/// square.
const MAX_TOKENS: usize = 2048;

/// A question about a photograph and its answer.
#[derive(Debug, Clone)]
pub struct Example {
    /// The photograph's number.
    pub photo: usize,
    /// The bare question.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// Token ids of the wrapped question.
    pub prompt_ids: Vec<u32>,
    /// Token ids of the answer.
    pub answer_ids: Vec<u32>,
}

/// A file of questions and answers as it was read.
#[derive(Debug)]
pub struct Questions {
    path: PathBuf,
    pairs: Vec<Pair>,
}

impl Questions {
    /// Reads a file; the questions' photographs get numbers.
    ///
    /// # Errors
    /// When the file cannot be read or has no rows.
    pub fn read(path: &Path, photos: &mut Photos) -> anyhow::Result<Self> {
        let pairs = pairs::read(path)?;
        if pairs.is_empty() {
            bail!("{} has no questions", path.display());
        }
        for pair in &pairs {
            photos.number(&pair.id);
        }
        Ok(Self {
            path: path.to_owned(),
            pairs,
        })
    }

    /// Where they were read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The answers.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|pair| pair.answer.as_str())
    }

    /// As the model reads them.
    ///
    /// # Errors
    /// When a text cannot be tokenized.
    pub fn examples(self, model: &Blip2, photos: &mut Photos) -> anyhow::Result<Vec<Example>> {
        let Self { path, pairs } = self;
        let rows = pairs.into_iter().zip(1..);
        rows.map(|(pair, row)| {
            example(pair, model, photos).with_context(|| format!("{}, row {row}", path.display()))
        })
        .collect()
    }
}

fn example(pair: Pair, model: &Blip2, photos: &mut Photos) -> anyhow::Result<Example> {
    let example = Example {
        photo: photos.number(&pair.id),
        prompt_ids: model.tokenize(&wrap_question(&pair.question))?,
        answer_ids: model.tokenize(&pair.answer)?,
        question: pair.question,
        answer: pair.answer,
    };
    let longest = example.prompt_ids.len().max(example.answer_ids.len());
    if longest > MAX_TOKENS {
        bail!("a text has {longest} tokens, more than {MAX_TOKENS}");
    }
    Ok(example)
}

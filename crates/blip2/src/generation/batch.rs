//! A batch of questions: read together, answered step by step.

use std::sync::Arc;

use candle_core::Tensor;

use super::beam::Search;
use super::choosing::{Choosing, NODES_PER_PASS};
use super::sample::Sampling;
use super::writing::{Writer, Writing};
use super::{Chosen, Question, Sequence, SpecialIds, Task};
use crate::error::Error;
use crate::model::Blip2Model;
use crate::t5::DecoderCache;

/// The answer to a question, in token ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// To [`Task::Generate`].
    Written(Sequence),
    /// To [`Task::Choose`].
    Chosen(Chosen),
}

/// Questions that are being answered.
#[derive(Debug)]
pub struct Batch {
    writing: Writing,
    choosing: Choosing,
}

impl Batch {
    /// Reads all questions in one padded pass of the encoder and computes the
    /// keys and values of their cross-attention.
    ///
    /// # Errors
    /// When a parameter is out of range, features have another shape than the
    /// others', an adapter is another model's, or a computation fails.
    pub fn start(
        model: &Arc<Blip2Model>,
        special: &SpecialIds,
        questions: &[Question],
    ) -> Result<Self, Error> {
        Self::start_with(model, special, questions, NODES_PER_PASS)
    }

    /// The same with another bound on the nodes of choice trees that one pass
    /// reads.
    pub(super) fn start_with(
        model: &Arc<Blip2Model>,
        special: &SpecialIds,
        questions: &[Question],
        nodes_per_pass: usize,
    ) -> Result<Self, Error> {
        // Which decoder rows each kind of question needs, as rows of what was
        // read: one a question, several for a search.
        let (mut writers, mut written_rows) = (Vec::new(), Vec::new());
        let (mut choices, mut choice_rows) = (Vec::new(), Vec::new());
        // Rows with one adapter are neighbours, so that they are multiplied by
        // it at once.
        let mut questions: Vec<(usize, &Question)> = questions.iter().enumerate().collect();
        questions.sort_by_key(|(_, question)| question.adapter.as_ref().map(Arc::as_ptr));
        for (row, &(index, question)) in questions.iter().enumerate() {
            match &question.task {
                Task::Generate(parameters) => {
                    parameters.validate()?;
                    let writer: Box<dyn Writer> = if parameters.num_beams > 1 {
                        Box::new(Search::new(special, parameters))
                    } else {
                        Box::new(Sampling::new(special, parameters))
                    };
                    written_rows.extend(std::iter::repeat_n(row as u32, writer.rows()));
                    writers.push((index, writer));
                }
                Task::Choose(tree) => {
                    choice_rows.push(row as u32);
                    choices.push((index, Arc::clone(tree)));
                }
            }
        }
        let (mut written_cache, mut choice_cache) = (None, None);
        if !questions.is_empty() {
            let questions: Vec<&Question> = questions.iter().map(|(_, one)| *one).collect();
            let read = read(model, special, &questions)?;
            let rows_of = |rows: &[u32]| (!rows.is_empty()).then(|| read.rows(rows)).transpose();
            written_cache = rows_of(&written_rows)?;
            choice_cache = rows_of(&choice_rows)?;
        }
        Ok(Self {
            writing: Writing::new(Arc::clone(model), written_cache, writers),
            choosing: Choosing::new(
                Arc::clone(model),
                special,
                choice_cache,
                choices,
                nodes_per_pass,
            ),
        })
    }

    /// One decoder step for all free answers, and one pass over nodes of
    /// choice trees. Returns the questions that were finished by it, by their
    /// index in what the batch was started with.
    ///
    /// # Errors
    /// When a computation fails or gives what is no number. The batch is then
    /// of no more use.
    pub fn step(&mut self) -> Result<Vec<(usize, Finished)>, Error> {
        let chosen = self.choosing.step()?.into_iter();
        let mut finished: Vec<_> = chosen
            .map(|(index, chosen)| (index, Finished::Chosen(chosen)))
            .collect();
        let written = self.writing.step()?.into_iter();
        finished.extend(written.map(|(index, sequence)| (index, Finished::Written(sequence))));
        Ok(finished)
    }

    /// Whether every question was answered or abandoned.
    pub fn is_done(&self) -> bool {
        self.rows() == 0
    }

    /// Drops questions whose answer nobody wants any more; those that are
    /// finished or unknown are passed over.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn abandon(&mut self, questions: &[usize]) -> Result<(), Error> {
        self.choosing.abandon(questions);
        self.writing.abandon(questions)
    }

    /// How many decoder rows there still are: one a question, as many as
    /// there are beams for a search.
    pub fn rows(&self) -> usize {
        self.writing.rows() + self.choosing.rows()
    }
}

/// One row a question, the prompts padded to the longest.
fn read(
    model: &Blip2Model,
    special: &SpecialIds,
    questions: &[&Question],
) -> Result<DecoderCache, Error> {
    let adapters = questions.iter().map(|question| question.adapter.clone());
    let adapters = model.row_adapters(adapters.collect())?;
    let features: Vec<&Tensor> = questions.iter().map(|one| &one.image_features).collect();
    let features = Tensor::stack(&features, 0)?;
    let lengths = questions.iter().map(|question| question.prompt.len());
    // A prompt without a single token is read as one that is all padding.
    let (count, longest) = (questions.len(), lengths.max().unwrap_or_default().max(1));
    let mut ids = Vec::with_capacity(count * longest);
    let mut mask = Vec::with_capacity(count * longest);
    for question in questions {
        ids.extend_from_slice(&question.prompt);
        mask.resize(ids.len(), 1u32);
        ids.resize(ids.len() + longest - question.prompt.len(), special.pad);
        mask.resize(ids.len(), 0u32);
    }
    let padded = mask.contains(&0);
    let ids = Tensor::from_vec(ids, (count, longest), features.device())?;
    let mask = Tensor::from_vec(mask, (count, longest), features.device())?;
    let mask = padded.then_some(&mask);
    Ok(model.read_prompts_with(&features, &ids, mask, adapters)?)
}

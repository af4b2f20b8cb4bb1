//! The free answers of a batch: groups of decoder rows that are one token
//! longer after each step.

use std::fmt::Debug;
use std::sync::Arc;

use candle_core::Tensor;

use super::{Sequence, logits};
use crate::error::Error;
use crate::model::Blip2Model;
use crate::t5::DecoderCache;

/// Writes one answer on a group of decoder rows.
pub(super) trait Writer: Debug + Send {
    /// How many rows the group has; always the same.
    fn rows(&self) -> usize;

    /// Appends the last id of each row.
    fn last_ids(&self, ids: &mut Vec<u32>);

    /// Continues the rows by one token each. `logits` are those of the
    /// group's rows, one after the other, `vocabulary` each; `scratch` is for
    /// scores, and holds nothing of use before or after.
    fn step(
        &mut self,
        logits: &[f32],
        vocabulary: usize,
        scratch: &mut Vec<f64>,
    ) -> Result<Step, Error>;

    /// What was written.
    fn finish(self: Box<Self>) -> Result<Sequence, Error>;
}

/// What becomes of a group's rows.
pub(super) enum Step {
    /// Each row continues one of the group's rows.
    Continue(Vec<usize>),
    /// The answer is complete.
    Done,
}

/// All free answers that are not complete yet. They were started together, so
/// that all rows have the same length.
#[derive(Debug)]
pub(super) struct Writing {
    model: Arc<Blip2Model>,
    /// As many rows as the groups have, in their order.
    cache: Option<DecoderCache>,
    groups: Vec<Group>,
    scratch: Vec<f64>,
}

#[derive(Debug)]
struct Group {
    question: usize,
    writer: Box<dyn Writer>,
}

impl Writing {
    pub(super) fn new(
        model: Arc<Blip2Model>,
        cache: Option<DecoderCache>,
        writers: Vec<(usize, Box<dyn Writer>)>,
    ) -> Self {
        let groups = writers
            .into_iter()
            .map(|(question, writer)| Group { question, writer })
            .collect();
        Self {
            model,
            cache,
            groups,
            scratch: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.groups.iter().map(|group| group.writer.rows()).sum()
    }

    /// One token for every row. What is complete leaves at once, so that
    /// nothing is computed for it any more.
    pub(super) fn step(&mut self) -> Result<Vec<(usize, Sequence)>, Error> {
        let Some(cache) = self.cache.as_mut().filter(|_| !self.groups.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut ids = Vec::new();
        for group in &self.groups {
            group.writer.last_ids(&mut ids);
        }
        let language_model = &self.model.language_model;
        let ids = Tensor::from_slice(&ids, (ids.len(), 1), cache.device())?;
        let hidden = language_model.decode(&ids, cache)?;
        let logits = language_model.logits_with(&hidden, cache.adapters())?;
        let vocabulary = logits.dim(2)?;
        let steps: Vec<Step> = logits::read(&logits, |mut logits| {
            let steps = self.groups.iter_mut().map(|group| {
                let (of_group, others) = logits.split_at(group.writer.rows() * vocabulary);
                logits = others;
                group.writer.step(of_group, vocabulary, &mut self.scratch)
            });
            steps.collect::<Result<_, _>>()
        })??;

        let mut finished = Vec::new();
        let mut sources = Vec::new();
        let mut first_row = 0;
        let mut going_on = Vec::with_capacity(self.groups.len());
        for (group, step) in std::mem::take(&mut self.groups).into_iter().zip(steps) {
            let rows = group.writer.rows();
            match step {
                Step::Done => finished.push((group.question, group.writer.finish()?)),
                Step::Continue(from) => {
                    sources.extend(from.iter().map(|row| (first_row + row) as u32));
                    going_on.push(group);
                }
            }
            first_row += rows;
        }
        self.go_on(going_on, &sources, finished.is_empty())?;
        Ok(finished)
    }

    pub(super) fn abandon(&mut self, questions: &[usize]) -> Result<(), Error> {
        let mut sources = Vec::new();
        let mut first_row = 0;
        let before = self.groups.len();
        let mut going_on = Vec::with_capacity(before);
        for group in std::mem::take(&mut self.groups) {
            let rows = group.writer.rows();
            if !questions.contains(&group.question) {
                sources.extend((first_row..first_row + rows).map(|row| row as u32));
                going_on.push(group);
            }
            first_row += rows;
        }
        let all_stay = going_on.len() == before;
        self.go_on(going_on, &sources, all_stay)
    }

    /// The groups that are left, and which row each of their rows continues.
    fn go_on(&mut self, groups: Vec<Group>, sources: &[u32], all_stay: bool) -> Result<(), Error> {
        self.groups = groups;
        match &mut self.cache {
            _ if sources.is_empty() => self.cache = None,
            // The rows of a group have the same prompt.
            Some(cache) if all_stay => cache.reorder(sources)?,
            Some(cache) => cache.select_rows(sources)?,
            None => (),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::{Batch, GenerationParameters, Question, SpecialIds, Task};
    use super::*;
    use crate::t5::counted;
    use crate::{Blip2, LoadOptions};

    /// Keys and values over the encoder's hidden state once a batch, the
    /// language-model head on the last position only.
    #[test]
    fn a_step_computes_of_the_new_tokens_only() {
        const QUERIES: usize = 8;
        const STEPS: usize = 4;
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = folder.join("tests/data/blip2-tiny/checkpoint");
        let blip2 = Blip2::load(&folder, &LoadOptions::default()).unwrap();
        let config = &blip2.config().text_config;
        let special = SpecialIds::new(config);
        let question = |prompt: &[u32]| Question {
            image_features: Tensor::ones((QUERIES, config.d_model), DType::F32, &Device::Cpu)
                .unwrap(),
            prompt: prompt.to_vec(),
            task: Task::Generate(GenerationParameters {
                min_new_tokens: STEPS,
                max_new_tokens: STEPS + 2,
                ..Default::default()
            }),
            adapter: None,
        };
        let questions = [question(&[5, 6, 7, 1]), question(&[8, 1])];

        counted::take();
        let mut batch = Batch::start(blip2.model(), &special, &questions).unwrap();
        let read = counted::take();
        // The encoder's attention to itself, then the decoder's to what it gave:
        // the queries and the longer prompt.
        let layers = config.num_layers + config.num_decoder_layers();
        assert_eq!(read.attended, vec![QUERIES + 4; layers]);
        assert!(read.logits.is_empty(), "{read:?}");

        for step in 0..STEPS {
            batch.step().unwrap();
            let stepped = counted::take();
            // The decoder's attention to itself alone.
            let new = vec![1; config.num_decoder_layers()];
            assert_eq!(stepped.attended, new, "step {step}");
            assert_eq!(stepped.logits, [questions.len()], "step {step}");
        }
    }
}

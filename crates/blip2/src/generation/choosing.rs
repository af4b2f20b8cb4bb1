//! The questions of a batch that are held to given texts: the probability of
//! each text, by passes of the decoder over runs of the prefix tree's nodes.
//!
//! A run is nodes that follow each other in pre-order. Whatever its nodes
//! attend to is in the run or above its first node: what is below a node `x`
//! follows `x` without a gap, so where `x` is before the run and above one of
//! its nodes, the run's first node is below `x` too. The keys and values of
//! that one path are therefore all that is kept from run to run.

use std::sync::Arc;

use super::SpecialIds;
use super::choice_tree::ChoiceTree;
use super::logits::{self, Summary};
use crate::error::Error;
use crate::model::Blip2Model;
use crate::t5::{Ancestors, DecoderCache, TreeRun};

/// How many nodes one pass reads at most. Many, so that the weights are read
/// seldom: at this many rows a product is bound by arithmetic, not by memory.
/// Not more, because the logits of each are held at once (33 MB of `f32` with
/// the vocabulary of T5) and because a caller regains control between passes.
pub(super) const NODES_PER_PASS: usize = 256;

/// How likely each of the texts is that an answer was held to.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The natural logarithm of the probability of each whole text, `</s>`
    /// included, in the order given, as the model gives it: not normalised.
    pub log_probabilities: Vec<f64>,
    /// How many tokens each text has, `</s>` included.
    pub token_counts: Vec<usize>,
}

impl Chosen {
    /// The probability of each text where it is certain that it is one of
    /// them: they sum to 1.
    pub fn normalised(&self) -> Vec<f64> {
        let all = self.log_probabilities.iter().copied();
        let max = all.clone().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = all.map(|log| (log - max).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

/// All choices that are not complete yet.
#[derive(Debug)]
pub(super) struct Choosing {
    model: Arc<Blip2Model>,
    pad: u32,
    /// One row for each question there was at the start.
    cache: Option<DecoderCache>,
    choices: Vec<Choice>,
    nodes_per_pass: usize,
}

/// A question and how far its tree was read.
#[derive(Debug)]
struct Choice {
    question: usize,
    row: u32,
    tree: Arc<ChoiceTree>,
    /// The first node that was not read yet.
    next: usize,
    /// What is above it.
    ancestors: Option<Ancestors>,
    /// The logarithm of the probability of what is written at each node, as
    /// far as it is known.
    node_log_probabilities: Vec<f64>,
    log_probabilities: Vec<f64>,
}

impl Choice {
    fn remaining(&self) -> usize {
        self.tree.nodes() - self.next
    }

    /// Takes what the logits of the next nodes, `vocabulary` each, say about
    /// the texts.
    fn take(&mut self, nodes: usize, logits: &[f32], vocabulary: usize) -> Result<(), Error> {
        let mut edges = self
            .tree
            .edges_from(self.next..self.next + nodes)
            .iter()
            .peekable();
        for (node, logits) in (self.next..).zip(logits.chunks(vocabulary).take(nodes)) {
            let log_sum_exp = Summary::of(logits)?.log_sum_exp;
            let before = self.node_log_probabilities[node];
            while let Some(edge) = edges.next_if(|edge| edge.from == node) {
                // What the model has no logit for, it never writes.
                let logit = logits.get(edge.token as usize);
                let logit = f64::from(logit.copied().unwrap_or(f32::NEG_INFINITY));
                let log_probability = before + logit - log_sum_exp;
                if let Some(text) = edge.text {
                    self.log_probabilities[text] = log_probability;
                }
                if let Some(to) = edge.to {
                    self.node_log_probabilities[to] = log_probability;
                }
            }
        }
        Ok(())
    }
}

impl Choosing {
    /// `cache` has a row for each question, in their order.
    pub(super) fn new(
        model: Arc<Blip2Model>,
        special: &SpecialIds,
        cache: Option<DecoderCache>,
        questions: Vec<(usize, Arc<ChoiceTree>)>,
        nodes_per_pass: usize,
    ) -> Self {
        let choices = questions
            .into_iter()
            .zip(0..)
            .map(|((question, tree), row)| Choice {
                question,
                row,
                next: 0,
                ancestors: None,
                node_log_probabilities: vec![0.0; tree.nodes()],
                log_probabilities: vec![0.0; tree.len()],
                tree,
            });
        Self {
            model,
            pad: special.pad,
            cache,
            choices: choices.collect(),
            nodes_per_pass,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.choices.len()
    }

    pub(super) fn abandon(&mut self, questions: &[usize]) {
        self.choices
            .retain(|choice| !questions.contains(&choice.question));
        if self.choices.is_empty() {
            self.cache = None;
        }
    }

    /// Reads one run of nodes of as many trees as fit into a pass.
    pub(super) fn step(&mut self) -> Result<Vec<(usize, Chosen)>, Error> {
        let (count, width) = self.plan();
        let Some(cache) = self.cache.as_ref().filter(|_| count > 0) else {
            return Ok(Vec::new());
        };
        let choices = &mut self.choices[..count];
        let runs: Vec<TreeRun> = choices
            .iter()
            .map(|choice| TreeRun {
                nodes: choice.tree.node_slice(),
                range: choice.next..choice.next + width.min(choice.remaining()),
                ancestors: choice.ancestors.as_ref(),
            })
            .collect();
        let rows: Vec<u32> = choices.iter().map(|choice| choice.row).collect();
        let language_model = &self.model.language_model;
        let read = language_model.decode_runs(&runs, self.pad, cache.rows(&rows)?)?;
        let logits = language_model.logits_with(&read.hidden, &read.adapters(&runs))?;
        let vocabulary = logits.dim(1)?;
        let sizes: Vec<usize> = runs.iter().map(|run| run.range.len()).collect();
        let ancestors = runs
            .iter()
            .enumerate()
            .map(|(row, run)| read.ancestors_of_next(row, run))
            .collect::<Result<Vec<_>, _>>()?;

        logits::read(&logits, |mut logits| {
            for (choice, &size) in choices.iter_mut().zip(&sizes) {
                let (of_run, others) = logits.split_at(size * vocabulary);
                logits = others;
                choice.take(size, of_run, vocabulary)?;
            }
            Ok::<_, Error>(())
        })??;
        for ((choice, size), ancestors) in choices.iter_mut().zip(sizes).zip(ancestors) {
            choice.next += size;
            choice.ancestors = ancestors;
        }
        let finished = self
            .choices
            .extract_if(.., |choice| choice.remaining() == 0);
        let finished = finished.map(|choice| {
            let chosen = Chosen {
                token_counts: choice.tree.token_counts().to_vec(),
                log_probabilities: choice.log_probabilities,
            };
            (choice.question, chosen)
        });
        let finished = finished.collect();
        if self.choices.is_empty() {
            self.cache = None;
        }
        Ok(finished)
    }

    /// How many choices are read in the next pass, from the first, and how
    /// many nodes of each at most. The smallest trees come first, so that none
    /// waits for a large one, and so that rows of one pass are alike.
    fn plan(&mut self) -> (usize, usize) {
        self.choices.sort_by_key(Choice::remaining);
        let (mut count, mut width) = (0, 0);
        for choice in &self.choices {
            let wider = choice.remaining().min(self.nodes_per_pass);
            if count > 0 && (count + 1) * wider > self.nodes_per_pass {
                break;
            }
            (count, width) = (count + 1, wider);
        }
        (count, width)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use candle_core::{Device, Tensor};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::batch::{Batch, Finished};
    use super::super::{Question, Task};
    use super::*;
    use crate::{Blip2, LoadOptions};

    fn tiny() -> Blip2 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/blip2-tiny/checkpoint");
        Blip2::load(&folder, &LoadOptions::default()).unwrap()
    }

    /// A choice of random texts that have much in common, some of them many
    /// tokens long.
    fn question(texts: usize, seed: u64) -> Question {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut all: Vec<Vec<u32>> = Vec::new();
        while all.len() < texts {
            let length = rng.random_range(1..30);
            let mut ids: Vec<u32> = (0..length).map(|_| rng.random_range(2..5)).collect();
            if let Some(other) = all.get(rng.random_range(0..=all.len())) {
                let in_common = rng.random_range(0..other.len());
                ids.splice(0..0, other[..in_common].iter().copied());
            }
            ids.push(1);
            if !all.contains(&ids) {
                all.push(ids);
            }
        }
        let names: Vec<String> = (0..texts).map(|index| index.to_string()).collect();
        let tree = ChoiceTree::new(&names, 0, |name| {
            let index: usize = name.parse().unwrap();
            Ok(all[index].clone())
        });
        let values: Vec<f32> = (0..8 * 64).map(|_| rng.random_range(-1.0..1.0)).collect();
        let length = rng.random_range(1..20);
        Question {
            image_features: Tensor::from_vec(values, (8, 64), &Device::Cpu).unwrap(),
            prompt: (0..length).map(|_| rng.random_range(1..100)).collect(),
            task: Task::Choose(Arc::new(tree.unwrap())),
            adapter: None,
        }
    }

    fn answer(model: &Blip2, questions: &[Question], nodes_per_pass: usize) -> Vec<Chosen> {
        let special = SpecialIds::new(&model.config().text_config);
        let mut batch =
            Batch::start_with(model.model(), &special, questions, nodes_per_pass).unwrap();
        let mut answers = vec![None; questions.len()];
        while !batch.is_done() {
            for (index, finished) in batch.step().unwrap() {
                if let Finished::Chosen(chosen) = finished {
                    answers[index] = Some(chosen);
                }
            }
        }
        answers.into_iter().map(Option::unwrap).collect()
    }

    #[test]
    fn runs_of_any_length_give_what_one_pass_gives() {
        let model = tiny();
        let questions: Vec<Question> = [(40, 1), (1, 2), (7, 3), (25, 4)]
            .map(|(texts, seed)| question(texts, seed))
            .to_vec();
        let whole: Vec<Chosen> = questions
            .iter()
            .flat_map(|question| answer(&model, std::slice::from_ref(question), usize::MAX))
            .collect();
        for nodes_per_pass in [1, 2, 3, 7, 50, 256, 10_000] {
            let answers = answer(&model, &questions, nodes_per_pass);
            let mut largest = 0f64;
            for (whole, answer) in whole.iter().zip(&answers) {
                assert_eq!(whole.token_counts, answer.token_counts);
                let both = whole
                    .log_probabilities
                    .iter()
                    .zip(&answer.log_probabilities);
                for (a, b) in both {
                    let difference = ((a - b) / a).abs();
                    // One that is no number is within nothing.
                    assert!(difference < 1e-5, "{nodes_per_pass}: {a} and {b}");
                    largest = largest.max(difference);
                }
            }
            println!("{nodes_per_pass} nodes a pass: largest relative difference {largest:.1e}");
        }
    }

    #[test]
    fn small_trees_are_read_together_and_before_large_ones() {
        let model = tiny();
        let questions = [question(60, 5), question(2, 6), question(2, 7)];
        let special = SpecialIds::new(&model.config().text_config);
        let mut batch = Batch::start_with(model.model(), &special, &questions, 100).unwrap();
        let finished: Vec<usize> = batch
            .step()
            .unwrap()
            .iter()
            .map(|(index, _)| *index)
            .collect();
        assert_eq!(batch.rows(), 1);
        assert!(
            finished.contains(&1) && finished.contains(&2),
            "{finished:?}"
        );
    }

    #[test]
    fn normalised_probabilities_survive_small_ones() {
        let chosen = Chosen {
            log_probabilities: vec![-2000.0, -2000.0 + 3f64.ln(), -9000.0],
            token_counts: vec![1, 1, 1],
        };
        let normalised = chosen.normalised();
        assert!((normalised[0] - 0.25).abs() < 1e-12 && normalised[2] < 1e-300);
        assert!((normalised.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

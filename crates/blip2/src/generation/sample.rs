//! One token after the other: the likeliest, or one that is drawn.

use rand_chacha::ChaCha8Rng;

use super::logits::Summary;
use super::scores::{ScoreRules, argmax, draw};
use super::writing::{Step, Writer};
use super::{GenerationParameters, Sequence, SpecialIds, rng};
use crate::error::Error;

/// Greedy or sampled generation, on one row.
#[derive(Debug)]
pub(super) struct Sampling {
    rules: ScoreRules,
    rng: ChaCha8Rng,
    /// Decoder ids, the start included.
    ids: Vec<u32>,
    log_probability: f64,
}

impl Sampling {
    pub(super) fn new(special: &SpecialIds, parameters: &GenerationParameters) -> Self {
        Self {
            rules: ScoreRules::new(parameters, &special.eos),
            rng: rng(parameters),
            ids: vec![special.decoder_start],
            log_probability: 0.0,
        }
    }
}

impl Writer for Sampling {
    fn rows(&self) -> usize {
        1
    }

    fn last_ids(&self, ids: &mut Vec<u32>) {
        ids.extend(self.ids.last());
    }

    fn step(
        &mut self,
        logits: &[f32],
        _vocabulary: usize,
        scratch: &mut Vec<f64>,
    ) -> Result<Step, Error> {
        let summary = Summary::of(logits)?;
        let token = if self.rules.are_neutral(&self.ids) {
            summary.likeliest
        } else {
            scratch.clear();
            scratch.extend(logits.iter().map(|&logit| f64::from(logit)));
            self.rules.apply(scratch, &self.ids);
            if self.rules.parameters.do_sample {
                draw(scratch, 1, &mut self.rng)[0]
            } else {
                argmax(scratch.iter().copied())
            }
        };
        self.log_probability += f64::from(logits[token]) - summary.log_sum_exp;
        self.ids.push(token as u32);
        let generated = self.ids.len() - 1;
        let ends = self.rules.eos.contains(token as u32);
        if ends || generated >= self.rules.parameters.max_new_tokens {
            Ok(Step::Done)
        } else {
            Ok(Step::Continue(vec![0]))
        }
    }

    fn finish(self: Box<Self>) -> Result<Sequence, Error> {
        Ok(Sequence {
            token_ids: self.ids[1..].to_vec(),
            log_probability: self.log_probability,
            beam_score: None,
        })
    }
}

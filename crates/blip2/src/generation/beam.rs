//! Beam search with the meaning of `transformers`' `_beam_search`, one search
//! a question.
//!
//! There, the searches of a batch end together and a finished one is masked;
//! here, a finished one leaves the batch. Its result is the same.

use rand_chacha::ChaCha8Rng;

use super::logits::{Summary, largest};
use super::scores::{ScoreRules, draw, top_k};
use super::writing::{Step, Writer};
use super::{EarlyStopping, GenerationParameters, Sequence, SpecialIds, rng};
use crate::error::Error;

/// Below any real score. (The reference writes -1e9, which a large negative
/// length penalty goes below.)
const WORST: f64 = f64::NEG_INFINITY;

/// A sequence that goes on.
#[derive(Debug)]
struct Beam {
    /// Decoder ids, the start included.
    ids: Vec<u32>,
    /// Accumulated scores, after the rules.
    score: f64,
    log_probability: f64,
}

/// A place for a finished sequence.
#[derive(Debug, Clone)]
struct Slot {
    score: f64,
    sequence: Option<Sequence>,
}

/// A token that may continue a beam.
struct Candidate {
    /// Which beam.
    from: usize,
    token: usize,
    /// Accumulated, after the rules.
    score: f64,
    /// The logarithm of the token's own probability.
    log_probability: f64,
}

/// The search for one question: beam search, or, with `do_sample`, beams whose
/// tokens are drawn.
#[derive(Debug)]
pub(super) struct Search {
    rules: ScoreRules,
    rng: ChaCha8Rng,
    running: Vec<Beam>,
    /// As many as there are beams, best first.
    finished: Vec<Slot>,
    can_improve: bool,
}

impl Search {
    pub(super) fn new(special: &SpecialIds, parameters: &GenerationParameters) -> Self {
        let beam = |score| Beam {
            ids: vec![special.decoder_start],
            score,
            log_probability: 0.0,
        };
        // At first all beams are equal: only one of them may be continued.
        let running = (0..parameters.num_beams)
            .map(|i| beam(if i == 0 { 0.0 } else { WORST }))
            .collect();
        let empty = Slot {
            score: WORST,
            sequence: None,
        };
        Self {
            rules: ScoreRules::new(parameters, &special.eos),
            rng: rng(parameters),
            running,
            finished: vec![empty; parameters.num_beams],
            can_improve: true,
        }
    }

    /// The `keep` best continuations, best first; of equals those of the
    /// earlier beam and token.
    fn likeliest(
        &self,
        logits: &[f32],
        vocabulary: usize,
        keep: usize,
    ) -> Result<Vec<Candidate>, Error> {
        let mut candidates = Vec::with_capacity(keep * self.running.len());
        for (from, (beam, logits)) in self
            .running
            .iter()
            .zip(logits.chunks(vocabulary))
            .enumerate()
        {
            let log_sum_exp = Summary::of(logits)?.log_sum_exp;
            // No more than `keep` can come from one beam.
            candidates.extend(largest(logits, keep).into_iter().map(|token| {
                let log_probability = f64::from(logits[token]) - log_sum_exp;
                Candidate {
                    from,
                    token,
                    score: log_probability + beam.score,
                    log_probability,
                }
            }));
        }
        // Stable: of equals the earlier stays first.
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates.truncate(keep);
        Ok(candidates)
    }

    /// The same where rules change the scores or tokens are drawn.
    fn likeliest_by_rules(
        &mut self,
        logits: &[f32],
        vocabulary: usize,
        keep: usize,
        scores: &mut Vec<f64>,
    ) -> Result<Vec<Candidate>, Error> {
        let mut log_sums = Vec::with_capacity(self.running.len());
        scores.clear();
        for (beam, logits) in self.running.iter().zip(logits.chunks(vocabulary)) {
            let log_sum_exp = Summary::of(logits)?.log_sum_exp;
            let start = scores.len();
            scores.extend(logits.iter().map(|&logit| f64::from(logit) - log_sum_exp));
            let of_beam = &mut scores[start..];
            self.rules.apply(of_beam, &beam.ids);
            of_beam.iter_mut().for_each(|score| *score += beam.score);
            log_sums.push(log_sum_exp);
        }
        let chosen = if self.rules.parameters.do_sample {
            draw(scores, keep, &mut self.rng)
        } else {
            top_k(scores, keep)
        };
        let candidate = |index: usize| Candidate {
            from: index / vocabulary,
            token: index % vocabulary,
            score: scores[index],
            log_probability: f64::from(logits[index]) - log_sums[index / vocabulary],
        };
        Ok(chosen.into_iter().map(candidate).collect())
    }

    fn continued(&self, candidate: &Candidate) -> Beam {
        let beam = &self.running[candidate.from];
        let mut ids = beam.ids.clone();
        ids.push(candidate.token as u32);
        Beam {
            ids,
            score: candidate.score,
            log_probability: beam.log_probability + candidate.log_probability,
        }
    }

    /// Takes those of the best candidates that end into the finished ones.
    fn take_finished(&mut self, candidates: &[Candidate], ends: &[bool], length: usize) {
        let beams = self.running.len();
        let over = (length as f64).powf(self.rules.parameters.length_penalty);
        // Only the first `beams` candidates count; the others are there to
        // continue when those end.
        for (candidate, &ends) in candidates.iter().zip(ends).take(beams) {
            if ends {
                let mut beam = self.continued(candidate);
                let score = beam.score / over;
                let sequence = Sequence {
                    token_ids: beam.ids.split_off(1),
                    log_probability: beam.log_probability,
                    beam_score: Some(score),
                };
                self.finished.push(Slot {
                    score,
                    sequence: Some(sequence),
                });
            }
        }
        // Stable: of equals, the earlier stays. An empty slot is below any
        // sequence, whose score an extreme length penalty may make infinite.
        let full = |slot: &Slot| slot.sequence.is_some();
        self.finished
            .sort_by(|a, b| full(b).cmp(&full(a)).then(b.score.total_cmp(&a.score)));
        self.finished.truncate(beams);
    }

    fn is_full(&self) -> bool {
        self.finished.iter().all(|slot| slot.sequence.is_some())
    }

    /// Whether the best running beam may yet beat the worst finished one.
    fn may_improve(&self, length: usize) -> bool {
        let parameters = &self.rules.parameters;
        let never = parameters.early_stopping == EarlyStopping::Never;
        let best_length = if never && parameters.length_penalty > 0.0 {
            parameters.max_new_tokens
        } else {
            length
        };
        let best = self.running[0].score / (best_length as f64).powf(parameters.length_penalty);
        let worst = self.finished.last().map_or(WORST, |slot| slot.score);
        !self.is_full() || best > worst
    }

    fn is_done(&self, length: usize) -> bool {
        let parameters = &self.rules.parameters;
        let stops_when_full = parameters.early_stopping == EarlyStopping::True;
        length >= parameters.max_new_tokens
            || !self.can_improve
            || (stops_when_full && self.is_full())
    }
}

impl Writer for Search {
    fn rows(&self) -> usize {
        self.running.len()
    }

    fn last_ids(&self, ids: &mut Vec<u32>) {
        ids.extend(self.running.iter().filter_map(|beam| beam.ids.last()));
    }

    fn step(
        &mut self,
        logits: &[f32],
        vocabulary: usize,
        scratch: &mut Vec<f64>,
    ) -> Result<Step, Error> {
        let beams = self.running.len();
        // All beams have the same length: that of the decoder's ids so far,
        // whose start the new token makes up for.
        let length = self.running[0].ids.len();
        // Enough that as many beams are left to continue even if each ends.
        let keep = (1 + self.rules.eos.as_slice().len()).max(2) * beams;
        let candidates = if self.rules.are_neutral(&self.running[0].ids) {
            self.likeliest(logits, vocabulary, keep)?
        } else {
            self.likeliest_by_rules(logits, vocabulary, keep, scratch)?
        };
        let at_end = length >= self.rules.parameters.max_new_tokens;
        let ends: Vec<bool> = candidates
            .iter()
            .map(|candidate| at_end || self.rules.eos.contains(candidate.token as u32))
            .collect();
        self.take_finished(&candidates, &ends, length);
        // The best that go on.
        let orders: Vec<f64> = candidates
            .iter()
            .zip(&ends)
            .map(|(candidate, &ends)| if ends { WORST } else { candidate.score })
            .collect();
        let next = top_k(&orders, beams);
        self.running = next
            .iter()
            .map(|&index| Beam {
                score: orders[index],
                ..self.continued(&candidates[index])
            })
            .collect();
        self.can_improve = self.can_improve && self.may_improve(length);
        if self.is_done(length) {
            Ok(Step::Done)
        } else {
            let from = next.iter().map(|&index| candidates[index].from);
            Ok(Step::Continue(from.collect()))
        }
    }

    fn finish(self: Box<Self>) -> Result<Sequence, Error> {
        // A search ends full or at its greatest length, where all end.
        self.finished
            .into_iter()
            .find_map(|slot| slot.sequence)
            .ok_or(Error::NotANumber)
    }
}

//! Beam search with the meaning of `transformers`' `_beam_search`, one search
//! a prompt, all of them in one batch.
//!
//! There, the searches of a batch end together and a finished one is masked;
//! here, a finished one leaves the batch. Its result is the same.

use rand_chacha::ChaCha8Rng;

use super::rows::Rows;
use super::scores::{ScoreRules, draw, log_softmax, top_k};
use super::{EarlyStopping, GenerationParameters, Sequence, SpecialIds, rng};
use crate::error::Error;

/// Below any real score. (The reference writes -1e9, which a large negative
/// length penalty goes below.)
const WORST: f64 = f64::NEG_INFINITY;

/// Beam search, or, with `do_sample`, beams whose tokens are drawn.
pub(super) fn search(
    mut rows: Rows,
    special: &SpecialIds,
    parameters: &GenerationParameters,
) -> Result<Vec<Sequence>, Error> {
    let rules = ScoreRules::new(parameters, special.eos);
    let beams = parameters.num_beams;
    let prompts = rows.count();
    let mut searches: Vec<Search> = (0..prompts)
        .map(|_| Search::new(special, parameters))
        .collect();
    rows.select(&repeat_each(0..prompts, beams))?;
    let mut running: Vec<usize> = (0..prompts).collect();
    for length in 1..=parameters.max_new_tokens {
        let last: Vec<u32> = running
            .iter()
            .flat_map(|&index| searches[index].last_ids())
            .collect();
        let logits = rows.advance(&last)?;
        let mut sources = Vec::with_capacity(logits.len());
        let mut kept = Vec::new();
        for (slot, (&index, logits)) in running.iter().zip(logits.chunks(beams)).enumerate() {
            let search = &mut searches[index];
            let from = search.step(logits, length, &rules, special, parameters);
            sources.extend(from.iter().map(|&beam| (slot * beams + beam) as u32));
            if !search.is_done(length, parameters) {
                kept.push(slot);
            }
        }
        if kept.is_empty() {
            break;
        }
        rows.reorder(&sources)?;
        if kept.len() < running.len() {
            let slots = kept
                .iter()
                .flat_map(|slot| slot * beams..(slot + 1) * beams);
            rows.select(&slots.map(|row| row as u32).collect::<Vec<_>>())?;
            running = kept.iter().map(|&slot| running[slot]).collect();
        }
    }
    searches.into_iter().map(Search::best).collect()
}

fn repeat_each(items: std::ops::Range<usize>, times: usize) -> Vec<u32> {
    items
        .flat_map(|item| std::iter::repeat_n(item as u32, times))
        .collect()
}

/// A sequence that goes on.
#[derive(Clone)]
struct Beam {
    /// Decoder ids, the start included.
    ids: Vec<u32>,
    /// Accumulated scores, after the rules.
    score: f64,
    log_probability: f64,
}

/// A place for a finished sequence.
#[derive(Clone)]
struct Slot {
    score: f64,
    sequence: Option<Sequence>,
}

/// The search for one prompt.
struct Search {
    running: Vec<Beam>,
    /// As many as there are beams, best first.
    finished: Vec<Slot>,
    can_improve: bool,
    rng: ChaCha8Rng,
}

impl Search {
    fn new(special: &SpecialIds, parameters: &GenerationParameters) -> Self {
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
            running,
            finished: vec![empty; parameters.num_beams],
            can_improve: true,
            rng: rng(parameters),
        }
    }

    fn last_ids(&self) -> impl Iterator<Item = u32> + '_ {
        // The decoder's start is always there.
        self.running.iter().map(|beam| beam.ids[beam.ids.len() - 1])
    }

    /// Continues the beams by one token; `length` counts the generated tokens
    /// with it. Returns which beam each new beam continues.
    fn step(
        &mut self,
        logits: &[Vec<f32>],
        length: usize,
        rules: &ScoreRules,
        special: &SpecialIds,
        parameters: &GenerationParameters,
    ) -> Vec<usize> {
        let beams = self.running.len();
        let vocabulary = logits[0].len();
        let log_probabilities: Vec<Vec<f64>> =
            logits.iter().map(|logits| log_softmax(logits)).collect();
        let mut accumulated = Vec::with_capacity(beams * vocabulary);
        for (beam, values) in self.running.iter().zip(&log_probabilities) {
            let start = accumulated.len();
            accumulated.extend_from_slice(values);
            let scores = &mut accumulated[start..];
            rules.apply(scores, &beam.ids);
            scores.iter_mut().for_each(|score| *score += beam.score);
        }
        // Enough that as many beams are left to continue even if each ends.
        let keep = (1 + special.eos.as_slice().len()).max(2) * beams;
        let chosen = if parameters.do_sample {
            draw(&accumulated, keep, &mut self.rng)
        } else {
            top_k(&accumulated, keep)
        };
        let candidates: Vec<(usize, Beam)> = chosen
            .into_iter()
            .map(|index| {
                let (from, token) = (index / vocabulary, index % vocabulary);
                let mut ids = self.running[from].ids.clone();
                ids.push(token as u32);
                let log_probability =
                    self.running[from].log_probability + log_probabilities[from][token];
                (
                    from,
                    Beam {
                        ids,
                        score: accumulated[index],
                        log_probability,
                    },
                )
            })
            .collect();
        let ends: Vec<bool> = candidates
            .iter()
            .map(|(_, beam)| {
                length >= parameters.max_new_tokens
                    || beam.ids.last().is_some_and(|&id| special.eos.contains(id))
            })
            .collect();
        self.finish(&candidates, &ends, length, parameters);
        // The best that go on.
        let orders: Vec<f64> = candidates
            .iter()
            .zip(&ends)
            .map(|((_, beam), &ends)| if ends { WORST } else { beam.score })
            .collect();
        let next = top_k(&orders, beams);
        let sources = next.iter().map(|&index| candidates[index].0).collect();
        self.running = next
            .iter()
            .map(|&index| Beam {
                score: orders[index],
                ..candidates[index].1.clone()
            })
            .collect();
        self.can_improve = self.can_improve && self.may_improve(length, parameters);
        sources
    }

    /// Takes those of the best candidates that end into the finished ones.
    fn finish(
        &mut self,
        candidates: &[(usize, Beam)],
        ends: &[bool],
        length: usize,
        parameters: &GenerationParameters,
    ) {
        let beams = self.running.len();
        let over = (length as f64).powf(parameters.length_penalty);
        // Only the first `beams` candidates count; the others are there to
        // continue when those end.
        for ((_, beam), &ends) in candidates.iter().zip(ends).take(beams) {
            if ends {
                let score = beam.score / over;
                let sequence = Sequence {
                    token_ids: beam.ids[1..].to_vec(),
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
    fn may_improve(&self, length: usize, parameters: &GenerationParameters) -> bool {
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

    fn is_done(&self, length: usize, parameters: &GenerationParameters) -> bool {
        let stops_when_full = parameters.early_stopping == EarlyStopping::True;
        length >= parameters.max_new_tokens
            || !self.can_improve
            || (stops_when_full && self.is_full())
    }

    fn best(self) -> Result<Sequence, Error> {
        // A search ends full or at its greatest length, where all end.
        self.finished
            .into_iter()
            .find_map(|slot| slot.sequence)
            .ok_or(Error::NotANumber)
    }
}

//! From logits to the scores that a token is chosen by, in the order of
//! `transformers`' logits processors: repetition penalty, minimum length,
//! then, when drawing, temperature, top-k and top-p.

use rand::Rng;

use super::GenerationParameters;
use crate::config::TokenIds;

/// Rules that apply before a token is chosen.
#[derive(Debug, Clone)]
pub(super) struct ScoreRules {
    pub(super) parameters: GenerationParameters,
    pub(super) eos: TokenIds,
    /// How many tokens the filters of drawing always keep.
    min_tokens_to_keep: usize,
}

impl ScoreRules {
    pub(super) fn new(parameters: &GenerationParameters, eos: &TokenIds) -> Self {
        // Beams that are drawn need a token to go on with beside each end.
        let min_tokens_to_keep = if parameters.num_beams > 1 {
            eos.as_slice().len() + 1
        } else {
            1
        };
        Self {
            parameters: parameters.clone(),
            eos: eos.clone(),
            min_tokens_to_keep,
        }
    }

    /// Whether the likeliest token is chosen as it is: [`Self::apply`] would
    /// change nothing, and nothing is drawn.
    pub(super) fn are_neutral(&self, decoder_ids: &[u32]) -> bool {
        let parameters = &self.parameters;
        parameters.repetition_penalty == 1.0
            && generated(decoder_ids) >= parameters.min_new_tokens
            && !parameters.do_sample
    }

    /// Applies the rules in place; `decoder_ids` are all ids of the decoder
    /// so far, its start included.
    pub(super) fn apply(&self, scores: &mut [f64], decoder_ids: &[u32]) {
        let parameters = &self.parameters;
        if parameters.repetition_penalty != 1.0 {
            penalise_repetition(scores, decoder_ids, parameters.repetition_penalty);
        }
        if generated(decoder_ids) < parameters.min_new_tokens {
            for &id in self.eos.as_slice() {
                if let Some(score) = scores.get_mut(id as usize) {
                    *score = f64::NEG_INFINITY;
                }
            }
        }
        if parameters.do_sample {
            scores
                .iter_mut()
                .for_each(|score| *score /= parameters.temperature);
            if parameters.top_k > 0 {
                keep_top_k(scores, parameters.top_k.max(self.min_tokens_to_keep));
            }
            if parameters.top_p < 1.0 {
                keep_top_p(scores, parameters.top_p, self.min_tokens_to_keep);
            }
        }
    }
}

/// How many ids there are after the decoder's start.
fn generated(decoder_ids: &[u32]) -> usize {
    decoder_ids.len().saturating_sub(1)
}

fn penalise_repetition(scores: &mut [f64], decoder_ids: &[u32], penalty: f64) {
    let mut seen = decoder_ids.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for id in seen {
        if let Some(score) = scores.get_mut(id as usize) {
            *score = if *score < 0.0 {
                *score * penalty
            } else {
                *score / penalty
            };
        }
    }
}

fn keep_top_k(scores: &mut [f64], k: usize) {
    if k >= scores.len() {
        return;
    }
    let mut sorted = scores.to_vec();
    let (_, &mut threshold, _) = sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    for score in scores {
        if *score < threshold {
            *score = f64::NEG_INFINITY;
        }
    }
}

fn keep_top_p(scores: &mut [f64], top_p: f64, min_tokens_to_keep: usize) {
    let mut ascending: Vec<usize> = (0..scores.len()).collect();
    ascending.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let max = ascending.last().map_or(0.0, |&index| scores[index]);
    let total: f64 = scores.iter().map(|score| (score - max).exp()).sum();
    let mut cumulative = 0.0;
    let removable = scores.len().saturating_sub(min_tokens_to_keep);
    for &index in &ascending[..removable] {
        cumulative += (scores[index] - max).exp() / total;
        if cumulative > 1.0 - top_p {
            break;
        }
        scores[index] = f64::NEG_INFINITY;
    }
}

/// The index of the largest score, the first of equals.
pub(super) fn argmax(scores: impl IntoIterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, score) in scores.into_iter().enumerate() {
        if score > best.1 {
            best = (index, score);
        }
    }
    best.0
}

/// The indices of the `k` largest scores, largest first; of equals the
/// earlier first.
pub(super) fn top_k(scores: &[f64], k: usize) -> Vec<usize> {
    let k = k.min(scores.len());
    let mut indices: Vec<usize> = (0..scores.len()).collect();
    let order = |&a: &usize, &b: &usize| scores[b].total_cmp(&scores[a]).then(a.cmp(&b));
    if k < indices.len() && k > 0 {
        indices.select_nth_unstable_by(k - 1, order);
    }
    indices.truncate(k);
    indices.sort_unstable_by(order);
    indices
}

/// Indices drawn without replacement, in the order they were drawn, each with
/// probability proportional to the exponential of its score.
///
/// Adding Gumbel noise and taking the largest is the same distribution
/// (Efraimidis and Spirakis, 2006; Vieira, 2014).
pub(super) fn draw(scores: &[f64], count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let noisy = scores.iter().map(|score| {
        // In (0, 1], so that the logarithm is finite.
        let uniform = 1.0 - rng.random::<f64>();
        let exponential = (-uniform.ln()).max(f64::MIN_POSITIVE);
        score - exponential.ln()
    });
    if count == 1 {
        vec![argmax(noisy)]
    } else {
        top_k(&noisy.collect::<Vec<_>>(), count)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn repeated_tokens_are_penalised_once_and_by_sign() {
        let mut scores = vec![2.0, -2.0, 1.0];
        penalise_repetition(&mut scores, &[0, 1, 1, 0], 2.0);
        assert_eq!(scores, [1.0, -4.0, 1.0]);
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_reaches_it() {
        let mut scores: Vec<f64> = [0.5f64, 0.3, 0.15, 0.05].map(f64::ln).to_vec();
        keep_top_p(&mut scores, 0.7, 1);
        assert_eq!(scores.iter().filter(|score| score.is_finite()).count(), 2);
        keep_top_p(&mut scores, 0.01, 1);
        assert_eq!(scores.iter().filter(|score| score.is_finite()).count(), 1);
    }

    #[test]
    fn min_new_tokens_forbids_the_end() {
        let parameters = GenerationParameters {
            min_new_tokens: 2,
            ..Default::default()
        };
        let eos = TokenIds::One(1);
        let rules = ScoreRules::new(&parameters, &eos);
        let mut scores = vec![0.0, 5.0];
        rules.apply(&mut scores, &[0, 7]);
        assert_eq!(scores[1], f64::NEG_INFINITY);
        let mut scores = vec![0.0, 5.0];
        rules.apply(&mut scores, &[0, 7, 7]);
        assert_eq!(scores[1], 5.0);
    }

    #[test]
    fn drawing_follows_the_probabilities_and_never_draws_the_impossible() {
        let scores = [0.7f64.ln(), 0.3f64.ln(), f64::NEG_INFINITY];
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut counts = [0; 3];
        for _ in 0..20_000 {
            counts[draw(&scores, 1, &mut rng)[0]] += 1;
        }
        assert_eq!(counts[2], 0);
        assert!(
            (f64::from(counts[0]) / 20_000.0 - 0.7).abs() < 0.015,
            "{counts:?}"
        );
        let pair = draw(&scores, 2, &mut rng);
        assert!(pair.contains(&0) && pair.contains(&1));
    }

    #[test]
    fn top_k_is_ordered_and_stable() {
        assert_eq!(top_k(&[1.0, 3.0, 2.0, 3.0], 3), [1, 3, 2]);
        assert_eq!(top_k(&[1.0], 5), [0]);
        assert_eq!(argmax([1.0, 3.0, 3.0]), 1);
    }
}

//! One token after the other: the likeliest, or one that is drawn.

use super::rows::Rows;
use super::scores::{ScoreRules, argmax, draw, log_sum_exp};
use super::{GenerationParameters, Sequence, SpecialIds, rng};
use crate::error::Error;

/// Greedy or sampled generation; a row that is done is computed no further.
pub(super) fn sample(
    mut rows: Rows,
    special: &SpecialIds,
    parameters: &GenerationParameters,
) -> Result<Vec<Sequence>, Error> {
    let rules = ScoreRules::new(parameters, special.eos);
    let mut rngs: Vec<_> = (0..rows.count()).map(|_| rng(parameters)).collect();
    // Decoder ids, the start included.
    let mut decoder_ids = vec![vec![special.decoder_start]; rows.count()];
    let mut log_probabilities = vec![0f64; rows.count()];
    let mut running: Vec<usize> = (0..rows.count()).collect();
    for generated in 0..parameters.max_new_tokens {
        let last: Vec<u32> = running.iter().map(|&row| last(&decoder_ids[row])).collect();
        let logits = rows.advance(&last)?;
        let mut kept = Vec::with_capacity(running.len());
        for (slot, (logits, &row)) in logits.iter().zip(&running).enumerate() {
            let token = if rules.are_neutral(generated) {
                argmax(logits.iter().map(|&logit| f64::from(logit)))
            } else {
                let mut scores: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
                rules.apply(&mut scores, &decoder_ids[row]);
                if parameters.do_sample {
                    draw(&scores, 1, &mut rngs[row])[0]
                } else {
                    argmax(scores)
                }
            };
            log_probabilities[row] += f64::from(logits[token]) - log_sum_exp(logits);
            decoder_ids[row].push(token as u32);
            if !special.eos.contains(token as u32) {
                kept.push(slot as u32);
            }
        }
        if kept.is_empty() {
            break;
        }
        if kept.len() < running.len() {
            rows.select(&kept)?;
            running = kept.iter().map(|&slot| running[slot as usize]).collect();
        }
    }
    Ok(decoder_ids
        .into_iter()
        .zip(log_probabilities)
        .map(|(ids, log_probability)| Sequence {
            token_ids: ids[1..].to_vec(),
            log_probability,
            beam_score: None,
        })
        .collect())
}

fn last(ids: &[u32]) -> u32 {
    // The decoder's start is always there.
    ids[ids.len() - 1]
}

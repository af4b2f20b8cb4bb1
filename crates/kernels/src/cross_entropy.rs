//! The loss of a language model and its gradient, in one pass over the logits.

use crate::cpu::Avx512;
use crate::parallel::{SharedMut, for_ranges};
use crate::{math, vector};

/// What one logit costs, in the multiply-adds of a product.
const COST: usize = 30;

/// The cross entropy of every row of logits `(rows, classes)` with its label,
/// as PyTorch's `CrossEntropyLoss` with `label_smoothing` defines it; the
/// logits become the gradient of `weight` times the sum of all rows' losses.
///
/// # Panics
/// When the lengths do not fit or a label is no class.
pub fn cross_entropy(
    _proof: Avx512,
    logits: &mut [f32],
    labels: &[u32],
    label_smoothing: f32,
    weight: f32,
) -> Vec<f32> {
    let rows = labels.len();
    let classes = logits.len() / rows.max(1);
    assert_eq!(logits.len(), rows * classes, "the logits are no whole rows");
    assert!(
        labels.iter().all(|&label| (label as usize) < classes),
        "a label is no class"
    );
    let mut losses = vec![0f32; rows];
    let (shared, places) = (SharedMut::new(logits), SharedMut::new(&mut losses));
    for_ranges(rows, rows * classes * COST, |range| {
        for row in range {
            // SAFETY: ranges of rows are disjoint and within `logits` and
            // `losses`; the proof says that the processor has AVX-512.
            unsafe {
                let first = shared.get().add(row * classes);
                let logits = std::slice::from_raw_parts_mut(first, classes);
                let label = labels[row] as usize;
                *places.get().add(row) = of_row(logits, label, label_smoothing, weight);
            }
        }
    });
    losses
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn of_row(logits: &mut [f32], label: usize, smoothing: f32, weight: f32) -> f32 {
    let classes = logits.len() as f32;
    let largest = vector::max(logits);
    let of_label = logits[label] - largest;
    let mean = match smoothing {
        0.0 => 0.0,
        _ => vector::sum2(logits, logits, |logit, _| logit - largest) / classes,
    };
    for logit in logits.iter_mut() {
        *logit = math::exp(*logit - largest);
    }
    let sum = vector::sum2(logits, logits, |exp, _| exp);
    let (factor, spread) = (weight / sum, weight * smoothing / classes);
    for logit in logits.iter_mut() {
        *logit = *logit * factor - spread;
    }
    logits[label] -= weight * (1.0 - smoothing);
    let log_sum = sum.ln();
    (1.0 - smoothing) * (log_sum - of_label) + smoothing * (log_sum - mean)
}

//! What is read off logits, in passes over `f32` that the compiler turns into
//! vector instructions: a row has as many numbers as the vocabulary, and with
//! a small model reading them costs as much as computing them.

use candle_core::{DType, Storage, Tensor};

use crate::error::Error;

/// How many numbers are looked at side by side.
const LANES: usize = 16;

/// How many numbers are summed up in `f32` before the sum goes on in `f64`:
/// few enough that the rounding stays near that of one addition.
const BLOCK: usize = 256;

/// Calls `read` with the numbers of a tensor, where they are if that is in
/// memory and in `f32`.
pub(super) fn read<R>(logits: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R, Error> {
    let logits = logits.to_dtype(DType::F32)?.contiguous()?;
    {
        let (storage, layout) = logits.storage_and_layout();
        if let (Storage::Cpu(storage), Some((start, end))) =
            (&*storage, layout.contiguous_offsets())
        {
            return Ok(read(&storage.as_slice::<f32>()?[start..end]));
        }
    }
    Ok(read(&logits.flatten_all()?.to_vec1()?))
}

/// What choosing the likeliest token needs of its logits.
pub(super) struct Summary {
    /// The index of the largest logit, the first of equals.
    pub(super) likeliest: usize,
    /// `ln Σ exp(logit)`.
    pub(super) log_sum_exp: f64,
}

impl Summary {
    /// # Errors
    /// [`Error::NotANumber`] when a logit is not a number, one is infinite, or
    /// all are minus infinity.
    pub(super) fn of(logits: &[f32]) -> Result<Self, Error> {
        let (mut max, mut block_of_max) = (f32::NEG_INFINITY, 0);
        for (index, block) in logits.chunks(BLOCK).enumerate() {
            let of_block = maximum(block);
            if of_block > max {
                (max, block_of_max) = (of_block, index);
            }
        }
        let sum: f64 = logits
            .chunks(BLOCK)
            .map(|block| f64::from(sum_of_exp(block, max)))
            .sum();
        if !sum.is_finite() {
            return Err(Error::NotANumber);
        }
        let start = block_of_max * BLOCK;
        let within = logits[start..].iter().position(|&logit| logit == max);
        Ok(Self {
            likeliest: start + within.unwrap_or_default(),
            log_sum_exp: f64::from(max) + sum.ln(),
        })
    }
}

/// The indices of the `k` largest logits, largest first; of equals the
/// earlier first.
pub(super) fn largest(logits: &[f32], k: usize) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::with_capacity(k + 1);
    let beats = |best: &[usize], logit: f32| match best.last() {
        Some(&last) if best.len() >= k => logit > logits[last],
        _ => k > 0,
    };
    for (index, block) in logits.chunks(BLOCK).enumerate() {
        // Most blocks have nothing that counts.
        if !beats(&best, maximum(block)) {
            continue;
        }
        for (within, &logit) in block.iter().enumerate() {
            if beats(&best, logit) {
                let place = best.partition_point(|&other| logits[other] >= logit);
                best.insert(place, index * BLOCK + within);
                best.truncate(k);
            }
        }
    }
    best
}

/// The largest number, those that are not numbers left out.
fn maximum(block: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = block.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value);
        }
    }
    lanes
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |max, &value| larger(max, value))
}

/// `Σ exp(value - max)`.
fn sum_of_exp(block: &[f32], max: f32) -> f32 {
    let (chunks, rest) = block.as_chunks::<LANES>();
    let mut lanes = [0f32; LANES];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += exp(value - max);
        }
    }
    let rest: f32 = rest.iter().map(|&value| exp(value - max)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// `exp(x)` for `x` up to 0, by operations that exist as vector instructions
/// on every machine; the standard library's is a call for each number.
///
/// `x = n ln 2 + r` with a whole `n` and `|r| ≤ ln 2 / 2`; `exp(r)` is its
/// Taylor polynomial and `2ⁿ` is written into the exponent's bits. Below -87,
/// where `f32` ends, it is as at -87. What is not a number stays so.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: a number added to it is rounded to a whole one, which then
    /// stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first has so few digits that its
    /// product with `n` is exact.
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = (std::f64::consts::LN_2 - 355.0 / 512.0) as f32;
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut polynomial = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        polynomial = polynomial * r + coefficient;
    }
    polynomial * f32::from_bits(rounded.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn random(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-40.0..10.0)).collect()
    }

    #[test]
    fn exp_is_exact_to_the_last_digits() {
        let mut largest = 0f64;
        for step in 0..870_000 {
            let x = -(step as f32) * 1e-4;
            let exact = f64::from(x).exp();
            let difference = (f64::from(exp(x)) - exact).abs() / exact;
            // One that is no number is within nothing.
            assert!(difference < 3e-7, "{x}: {difference}");
            largest = largest.max(difference);
        }
        println!("largest relative difference {largest:.1e}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::NAN).is_nan());
    }

    #[test]
    fn a_summary_is_that_of_exact_arithmetic() {
        for count in [1, 15, 16, 17, 255, 256, 257, 5_000, 32_128] {
            let logits = random(count, count as u64);
            let summary = Summary::of(&logits).unwrap();
            let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            assert!(
                (summary.log_sum_exp - sum.ln()).abs() < 1e-6,
                "{count}: {} {}",
                summary.log_sum_exp,
                sum.ln()
            );
            let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let first = logits.iter().position(|&logit| logit == max);
            assert_eq!(Some(summary.likeliest), first);
        }
        let equals = [1.0, 3.0, 2.0, 3.0];
        assert_eq!(Summary::of(&equals).unwrap().likeliest, 1);
        let large = Summary::of(&[1000.0, 1000.0, -1000.0]).unwrap();
        assert!((large.log_sum_exp - 1000.0 - 2f64.ln()).abs() < 1e-6);
        let impossible = Summary::of(&[f32::NEG_INFINITY, 0.5]).unwrap();
        assert!((impossible.log_sum_exp - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_number_is_found_wherever_it_stands() {
        for place in [0, 100, 299, 300, 999] {
            for value in [f32::NAN, f32::INFINITY] {
                let mut logits = random(1000, 1);
                logits[place] = value;
                assert!(Summary::of(&logits).is_err(), "{value} at {place}");
            }
        }
        assert!(Summary::of(&[f32::NEG_INFINITY; 4]).is_err());
    }

    #[test]
    fn the_largest_are_those_of_sorting() {
        for seed in 0..20 {
            // Whole numbers, so that there are equals; no minus zero.
            let logits: Vec<f32> = random(1500, seed)
                .into_iter()
                .map(|x| x.round() + 0.0)
                .collect();
            let mut sorted: Vec<usize> = (0..logits.len()).collect();
            sorted.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
            for k in [0, 1, 2, 16, 1500, 2000] {
                assert_eq!(largest(&logits, k), sorted[..k.min(1500)], "{seed} {k}");
            }
        }
    }

    #[test]
    fn numbers_are_read_from_views_and_half_precision_too() {
        let tensor = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let numbers = |tensor: &Tensor| read(tensor, <[f32]>::to_vec).unwrap();
        assert_eq!(numbers(&tensor.narrow(0, 1, 1).unwrap()), [3.0, 4.0]);
        assert_eq!(numbers(&tensor.t().unwrap()), [1.0, 3.0, 2.0, 4.0]);
        let half = tensor.to_dtype(DType::BF16).unwrap();
        assert_eq!(numbers(&half), [1.0, 2.0, 3.0, 4.0]);
    }
}

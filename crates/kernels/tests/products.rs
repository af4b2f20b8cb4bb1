//! Products over packed weights against sums in f64.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use half::{bf16, f16};
use kernels::{
    Avx512, Level, PackedWeights, Q4K_BLOCK, Q4K_BLOCK_BYTES, Q8_0_BLOCK, Q8_0_BLOCK_BYTES,
    WeightFormat,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SHAPES: [(usize, usize, usize); 8] = [
    (1, 1, 1),
    (3, 5, 33),
    (7, 32, 31),
    (13, 588, 96),
    (25, 100, 64),
    (40, 1030, 70),
    (8, 1408, 40),
    (130, 256, 129),
];

fn processor(level: Level) -> Option<Avx512> {
    let proof = Avx512::detect().filter(|proof| proof.level() >= level);
    if proof.is_none() {
        eprintln!("skipped: the processor lacks {level:?}");
    }
    proof
}

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Inputs that 8 bits hold exactly: whole numbers, the largest of those that
/// share a scale being 127.
fn whole_numbers(rng: &mut ChaCha8Rng, rows: usize, inputs: usize) -> Vec<f32> {
    (0..rows * inputs)
        .map(|at| match at % inputs % 32 {
            0 => 127.0,
            _ => rng.random_range(-127..=127) as f32,
        })
        .collect()
}

/// `x Wᵀ + bias` in f64, and the sum of the absolute values of its terms.
fn reference(x: &[f32], weights: &[f64], bias: &[f32], inputs: usize) -> Vec<(f64, f64)> {
    let row = |x: &[f32]| {
        weights
            .chunks_exact(inputs)
            .zip(bias)
            .map(|(weights, &bias)| {
                let terms = || weights.iter().zip(x).map(|(w, &x)| w * f64::from(x));
                let bias = f64::from(bias);
                (
                    terms().sum::<f64>() + bias,
                    terms().map(f64::abs).sum::<f64>() + bias.abs(),
                )
            })
            .collect::<Vec<_>>()
    };
    x.chunks_exact(inputs).flat_map(row).collect()
}

/// Compares with a tolerance relative to the terms of the sum.
fn compare(packed: &PackedWeights, x: &[f32], weights: &[f64], tolerance: f64) {
    let (inputs, outputs) = (packed.inputs(), packed.outputs());
    let rows = x.len() / inputs;
    let bias: Vec<f32> = (0..outputs).map(|at| at as f32 / 7.0).collect();
    let mut y = vec![f32::NAN; rows * outputs];
    packed.multiply(x, Some(&bias), &mut y);
    for (at, ((sum, terms), y)) in reference(x, weights, &bias, inputs)
        .iter()
        .zip(&y)
        .enumerate()
    {
        let error = (f64::from(*y) - sum).abs();
        assert!(
            error <= tolerance * terms,
            "{:?} {rows}×{inputs}×{outputs}, element {at}: {y} instead of {sum}",
            packed.format()
        );
    }
    // A row alone is the same, bit for bit; so are all rows on one thread.
    for row in [0, rows / 2, rows - 1] {
        let mut alone = vec![f32::NAN; outputs];
        packed.multiply(&x[row * inputs..][..inputs], Some(&bias), &mut alone);
        assert_eq!(
            alone,
            &y[row * outputs..][..outputs],
            "row {row} of {rows} depends on company"
        );
    }
    let mut added: Vec<f32> = vec![3.0; y.len()];
    packed.multiply_add(x, Some(&bias), &mut added);
    for (added, y) in added.iter().zip(&y) {
        assert!(
            (added - 3.0 - y).abs() <= 1e-5 * (y.abs() + 10.0),
            "{added} for {y}"
        );
    }
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let mut again = vec![f32::NAN; y.len()];
    one.install(|| packed.multiply(x, Some(&bias), &mut again));
    assert_eq!(again, y, "the number of threads changes the result");
    if packed.keeps_rows() {
        let mut row = vec![f32::NAN; inputs];
        for (output, given) in weights.chunks_exact(inputs).enumerate() {
            packed.read_row(output, &mut row);
            let read: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
            assert_eq!(read, given, "row {output} is not read back");
        }
    }
}

#[test]
fn products_in_f32_are_those_of_f64() {
    let Some(proof) = processor(Level::Base) else {
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (rows, inputs, outputs) in SHAPES {
        let (x, weights) = (
            numbers(&mut rng, rows * inputs),
            numbers(&mut rng, outputs * inputs),
        );
        let packed = PackedWeights::from_f32(proof, &weights, outputs, inputs).unwrap();
        let weights: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        compare(&packed, &x, &weights, 1e-6);
    }
}

#[test]
fn products_in_bf16_round_their_operands_only() {
    let Some(proof) = processor(Level::Bf16) else {
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (rows, inputs, outputs) in SHAPES {
        let weights: Vec<bf16> = numbers(&mut rng, outputs * inputs)
            .into_iter()
            .map(bf16::from_f32)
            .collect();
        let x: Vec<f32> = numbers(&mut rng, rows * inputs)
            .into_iter()
            .map(|x| bf16::from_f32(x).to_f32())
            .collect();
        let packed = PackedWeights::from_bf16(proof, &weights, outputs, inputs).unwrap();
        let weights: Vec<f64> = weights.iter().map(|w| w.to_f64()).collect();
        compare(&packed, &x, &weights, 1e-6);
    }
}

#[test]
fn products_of_q8_0_blocks_are_those_of_their_weights() {
    let Some(proof) = processor(Level::Vnni) else {
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (rows, inputs, outputs) in SHAPES {
        let (mut blocks, mut weights) = (Vec::new(), Vec::new());
        for _ in 0..outputs {
            let mut left = inputs;
            for _ in 0..inputs.div_ceil(Q8_0_BLOCK) {
                let scale = f16::from_f32(rng.random_range(0.001..0.1));
                blocks.extend_from_slice(&scale.to_le_bytes());
                for _ in 0..Q8_0_BLOCK {
                    let value: i8 = if left > 0 {
                        rng.random_range(-127..=127)
                    } else {
                        0
                    };
                    blocks.push(value as u8);
                    if left > 0 {
                        weights.push(scale.to_f64() * f64::from(value));
                        left -= 1;
                    }
                }
            }
        }
        assert_eq!(
            blocks.len(),
            outputs * inputs.div_ceil(Q8_0_BLOCK) * Q8_0_BLOCK_BYTES
        );
        let packed =
            PackedWeights::from_blocks(proof, WeightFormat::Q8_0, &blocks, outputs, inputs)
                .unwrap();
        compare(
            &packed,
            &whole_numbers(&mut rng, rows, inputs),
            &weights,
            1e-6,
        );
    }
}

#[test]
fn products_of_q4_k_blocks_are_those_of_their_weights() {
    let Some(proof) = processor(Level::Vnni) else {
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (rows, inputs, outputs) in SHAPES {
        let (mut blocks, mut weights) = (Vec::new(), Vec::new());
        for _ in 0..outputs {
            for block in 0..inputs.div_ceil(Q4K_BLOCK) {
                let mut of_block = [0f64; Q4K_BLOCK];
                blocks.extend(q4k_block(&mut rng, &mut of_block));
                let left = inputs - block * Q4K_BLOCK;
                weights.extend_from_slice(&of_block[..left.min(Q4K_BLOCK)]);
            }
        }
        assert_eq!(
            blocks.len(),
            outputs * inputs.div_ceil(Q4K_BLOCK) * Q4K_BLOCK_BYTES
        );
        let packed =
            PackedWeights::from_blocks(proof, WeightFormat::Q4K, &blocks, outputs, inputs).unwrap();
        compare(
            &packed,
            &whole_numbers(&mut rng, rows, inputs),
            &weights,
            1e-6,
        );
    }
}

/// A random block, and what its weights are by ggml's definition.
fn q4k_block(rng: &mut ChaCha8Rng, weights: &mut [f64; Q4K_BLOCK]) -> Vec<u8> {
    let (scale, minimum) = (
        f16::from_f32(rng.random_range(0.0..0.01)),
        f16::from_f32(rng.random_range(0.0..0.01)),
    );
    let scales: [u8; 8] = std::array::from_fn(|_| rng.random_range(0..64));
    let minima: [u8; 8] = std::array::from_fn(|_| rng.random_range(0..64));
    let values: Vec<u8> = (0..Q4K_BLOCK).map(|_| rng.random_range(0..16)).collect();
    for (at, weight) in weights.iter_mut().enumerate() {
        let group = at / 32;
        *weight = scale.to_f64() * f64::from(scales[group]) * f64::from(values[at])
            - minimum.to_f64() * f64::from(minima[group]);
    }
    let mut block = Vec::with_capacity(Q4K_BLOCK_BYTES);
    block.extend_from_slice(&scale.to_le_bytes());
    block.extend_from_slice(&minimum.to_le_bytes());
    for group in 0..4 {
        block.push(scales[group] | (scales[group + 4] >> 4) << 6);
    }
    for group in 0..4 {
        block.push(minima[group] | (minima[group + 4] >> 4) << 6);
    }
    for group in 4..8 {
        block.push((scales[group] & 15) | (minima[group] & 15) << 4);
    }
    for pair in values.chunks_exact(64) {
        block.extend((0..32).map(|at| pair[at] | pair[at + 32] << 4));
    }
    block
}

#[test]
fn rounding_inputs_to_8_bits_costs_less_than_a_hundredth() {
    let Some(proof) = processor(Level::Vnni) else {
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (rows, inputs, outputs) = (16, 512, 64);
    let x = numbers(&mut rng, rows * inputs);
    let mut blocks = Vec::new();
    let mut weights = Vec::new();
    for _ in 0..outputs * inputs / Q8_0_BLOCK {
        let scale = f16::from_f32(0.01);
        blocks.extend_from_slice(&scale.to_le_bytes());
        for _ in 0..Q8_0_BLOCK {
            let value: i8 = rng.random_range(-127..=127);
            blocks.push(value as u8);
            weights.push(scale.to_f64() * f64::from(value));
        }
    }
    let packed =
        PackedWeights::from_blocks(proof, WeightFormat::Q8_0, &blocks, outputs, inputs).unwrap();
    let mut y = vec![0f32; rows * outputs];
    packed.multiply(&x, None, &mut y);
    let expected = reference(&x, &weights, &vec![0.0; outputs], inputs);
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let error = square(
        &mut expected
            .iter()
            .zip(&y)
            .map(|((sum, _), &y)| sum - f64::from(y)),
    );
    let size = square(&mut expected.iter().map(|(sum, _)| *sum));
    assert!(error / size < 0.01, "relative error {}", error / size);
}

#[test]
fn what_is_not_a_number_stays_none() {
    let Some(proof) = processor(Level::Vnni) else {
        return;
    };
    let blocks = vec![1u8; 4 * Q8_0_BLOCK_BYTES];
    let packed = PackedWeights::from_blocks(proof, WeightFormat::Q8_0, &blocks, 4, 32).unwrap();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut x = vec![0.5; 32];
        x[7] = bad;
        let mut y = vec![0f32; 4];
        packed.multiply(&x, None, &mut y);
        assert!(y.iter().all(|y| y.is_nan()), "{y:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let Some(proof) = processor(Level::Vnni) else {
        return;
    };
    assert!(PackedWeights::from_f32(proof, &[0.0; 5], 2, 3).is_err());
    assert!(PackedWeights::from_f32(proof, &[], 2, 0).is_err());
    // As many as there are, had the product room.
    let half = 1 << (usize::BITS / 2);
    assert!(PackedWeights::from_f32(proof, &[], half, half).is_err());
    let q4k = WeightFormat::Q4K;
    assert!(PackedWeights::from_blocks(proof, q4k, &[0; Q4K_BLOCK_BYTES], 1, 257).is_err());
    assert!(PackedWeights::from_blocks(proof, WeightFormat::F32, &[0; 4], 1, 1).is_err());
}

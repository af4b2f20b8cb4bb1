//! Layers by oneDNN against sums in f64.
#![cfg(feature = "link")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use half::bf16;
use onednn::{Error, Linear};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

/// Rows, inputs, outputs.
const SHAPES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (3, 5, 33),
    (7, 32, 31),
    (13, 588, 96),
    (25, 100, 1),
    (40, 1030, 70),
    (1, 1408, 40),
    (130, 256, 129),
    (300, 64, 64),
];

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Numbers that bf16 holds, so that products in it are exact but for their sum.
fn halves(rng: &mut ChaCha8Rng, count: usize) -> Vec<bf16> {
    numbers(rng, count)
        .into_iter()
        .map(bf16::from_f32)
        .collect()
}

fn widened(halves: &[bf16]) -> Vec<f32> {
    halves.iter().map(|value| value.to_f32()).collect()
}

/// A layer in bf16, or the reason that this processor has none.
fn half_layer(
    weights: &[bf16],
    bias: Option<&[f32]>,
    (outputs, inputs): (usize, usize),
) -> Option<Linear> {
    match Linear::new_bf16(weights, bias, outputs, inputs) {
        Err(Error::Library(reason)) => {
            eprintln!("skipped: no bf16 on this processor: {reason}");
            None
        }
        layer => Some(layer.unwrap()),
    }
}

/// `x Wᵀ + bias` in f64, and the sum of the absolute values of its terms.
fn reference(x: &[f32], weights: &[f32], bias: &[f32], inputs: usize) -> Vec<(f64, f64)> {
    let row = |x: &[f32]| {
        weights
            .chunks_exact(inputs)
            .zip(bias)
            .map(|(weights, &bias)| {
                let terms = || {
                    weights
                        .iter()
                        .zip(x)
                        .map(|(&w, &x)| f64::from(w) * f64::from(x))
                };
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

#[track_caller]
fn assert_near(actual: &[f32], expected: &[(f64, f64)], offset: f64) {
    assert_eq!(actual.len(), expected.len());
    for (at, (y, (sum, terms))) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*y) - offset - sum).abs();
        assert!(
            error <= 1e-6 * (terms + offset),
            "element {at} of {}: {y} instead of {sum} + {offset}",
            actual.len()
        );
    }
}

fn bias(outputs: usize) -> Vec<f32> {
    (0..outputs).map(|at| at as f32 / 7.0 - 1.0).collect()
}

/// All rows, one, and added; on one thread and on three.
#[track_caller]
fn compare(layer: &Linear, x: &[f32], weights: &[f32], bias: &[f32]) {
    let (inputs, outputs) = (layer.inputs(), layer.outputs());
    let expected = reference(x, weights, bias, inputs);
    for threads in [1, 3] {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut y = vec![f32::NAN; expected.len()];
            layer.multiply(x, &mut y).unwrap();
            assert_near(&y, &expected, 0.0);
            let last = x.len() / inputs - 1;
            let mut alone = vec![f32::NAN; outputs];
            layer.multiply(&x[last * inputs..], &mut alone).unwrap();
            assert_near(&alone, &expected[last * outputs..], 0.0);
            y.fill(3.0);
            layer.multiply_add(x, &mut y).unwrap();
            assert_near(&y, &expected, 3.0);
        });
    }
}

#[test]
fn layers_in_f32_are_those_of_f64() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (rows, inputs, outputs) in SHAPES {
        let x = numbers(&mut rng, rows * inputs);
        let weights = numbers(&mut rng, outputs * inputs);
        let bias = bias(outputs);
        let layer = Linear::new_f32(&weights, Some(&bias), outputs, inputs).unwrap();
        compare(&layer, &x, &weights, &bias);
        let layer = Linear::new_f32(&weights, None, outputs, inputs).unwrap();
        compare(&layer, &x, &weights, &vec![0.0; outputs]);
    }
}

#[test]
fn layers_in_bf16_round_their_operands_only() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (rows, inputs, outputs) in SHAPES {
        let x = widened(&halves(&mut rng, rows * inputs));
        let weights = halves(&mut rng, outputs * inputs);
        let bias = bias(outputs);
        let Some(layer) = half_layer(&weights, Some(&bias), (outputs, inputs)) else {
            return;
        };
        compare(&layer, &x, &widened(&weights), &bias);
    }
}

#[test]
fn inputs_are_rounded_to_bf16() {
    let third = 1.0f32 / 3.0;
    let Some(layer) = half_layer(&[bf16::ONE], None, (1, 1)) else {
        return;
    };
    let mut y = [0.0];
    layer.multiply(&[third], &mut y).unwrap();
    assert_eq!(y, [bf16::from_f32(third).to_f32()]);
}

#[test]
fn more_numbers_of_rows_than_are_kept_stay_right() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (inputs, outputs) = (70, 50);
    let weights = numbers(&mut rng, outputs * inputs);
    let bias = bias(outputs);
    let layer = Linear::new_f32(&weights, Some(&bias), outputs, inputs).unwrap();
    let x = numbers(&mut rng, 60 * inputs);
    let expected = reference(&x, &weights, &bias, inputs);
    for rows in (1..=60).chain([60, 1, 33, 2, 59]) {
        let mut y = vec![f32::NAN; rows * outputs];
        layer.multiply(&x[..rows * inputs], &mut y).unwrap();
        assert_near(&y, &expected[..rows * outputs], 0.0);
    }
}

/// In f32 and bf16: threads of no pool, and tasks of one pool whose calls meet
/// inside each other's waiting.
#[test]
fn many_threads_may_call_at_once() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (inputs, outputs) = (96, 200);
    let weights = halves(&mut rng, outputs * inputs);
    let wide = widened(&weights);
    let bias = bias(outputs);
    let exact = Linear::new_f32(&wide, Some(&bias), outputs, inputs).unwrap();
    let half = half_layer(&weights, Some(&bias), (outputs, inputs));
    let x = widened(&halves(&mut rng, 24 * inputs));
    let expected = reference(&x, &wide, &bias, inputs);
    let call = |rows: usize| {
        for layer in [Some(&exact), half.as_ref()].into_iter().flatten() {
            let mut y = vec![f32::NAN; rows * outputs];
            layer.multiply(&x[..rows * inputs], &mut y).unwrap();
            assert_near(&y, &expected[..rows * outputs], 0.0);
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let call = &call;
            scope.spawn(move || (0..20).for_each(|turn| call(1 + (thread * 5 + turn) % 24)));
        }
    });
    let pool = ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    pool.install(|| {
        use rayon::prelude::*;
        (0..200usize)
            .into_par_iter()
            .for_each(|turn| call(1 + turn % 24));
    });
}

#[test]
fn a_layer_outlives_the_thread_that_made_it() {
    let layer = std::thread::spawn(|| {
        let layer = Linear::new_f32(&[2.0, 3.0], Some(&[1.0]), 1, 2).unwrap();
        layer.multiply(&[1.0, 1.0], &mut [0.0]).unwrap();
        layer
    })
    .join()
    .unwrap();
    let mut y = [0.0];
    layer.multiply(&[1.0, 1.0], &mut y).unwrap();
    assert_eq!(y, [6.0]);
    std::thread::spawn(move || drop(layer)).join().unwrap();
}

#[test]
fn what_is_not_a_number_stays_none() {
    let (outputs, inputs) = (4, 32);
    let weights = vec![bf16::ONE; outputs * inputs];
    let exact = Linear::new_f32(&widened(&weights), None, outputs, inputs).unwrap();
    let half = half_layer(&weights, None, (outputs, inputs));
    for layer in [Some(&exact), half.as_ref()].into_iter().flatten() {
        let mut x = vec![0.5; 3 * inputs];
        x[inputs + 7] = f32::NAN;
        x[2 * inputs + 7] = f32::INFINITY;
        let mut y = vec![0f32; 3 * outputs];
        layer.multiply(&x, &mut y).unwrap();
        assert_eq!(y[..outputs], [16.0; 4]);
        assert!(y[outputs..2 * outputs].iter().all(|y| y.is_nan()), "{y:?}");
        assert!(y[2 * outputs..].iter().all(|y| y.is_infinite()), "{y:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let refused = |layer: Result<Linear, Error>| layer.unwrap_err().to_string();
    let of_weights = refused(Linear::new_f32(&[0.0; 5], None, 2, 3));
    assert_eq!(of_weights, "the weight has 5 numbers, not 6");
    let of_bias = refused(Linear::new_f32(&[0.0; 6], Some(&[0.0; 3]), 2, 3));
    assert_eq!(of_bias, "the bias has 3 numbers, not 2");
    assert!(refused(Linear::new_bf16(&[], None, 2, 0)).contains("0 inputs"));
    assert!(refused(Linear::new_f32(&[], None, usize::MAX, 2)).contains("size"));
    let layer = Linear::new_f32(&[1.0; 6], None, 2, 3).unwrap();
    let of_input = layer.multiply(&[0.0; 4], &mut [0.0; 2]).unwrap_err();
    assert_eq!(
        of_input.to_string(),
        "the input has 4 numbers, not a multiple of 3"
    );
    let of_output = layer.multiply_add(&[0.0; 6], &mut [0.0; 3]).unwrap_err();
    assert_eq!(of_output.to_string(), "the output has 3 numbers, not 4");
    let mut nothing: [f32; 0] = [];
    layer.multiply(&[], &mut nothing).unwrap();
}

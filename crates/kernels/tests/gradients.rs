//! Backward passes against sums and differences in f64.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use half::bf16;
use kernels::{
    Attention, AttentionGradient, Avx512, Bias, Level, NormRows, PackedWeights, Strided,
    add_column_sums, add_weight_gradient, cross_entropy, gelu_tanh_times_backward,
    layer_norm_backward, rms_norm_backward,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn processor() -> Option<Avx512> {
    let proof = Avx512::detect();
    if proof.is_none() {
        eprintln!("skipped: no AVX-512");
    }
    proof
}

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&number| f64::from(number)).collect()
}

#[track_caller]
fn assert_close(what: &str, actual: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-3f64, |most, e| most.max(e.abs()));
    for (at, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(*actual) - expected).abs() / largest;
        assert!(
            error < tolerance,
            "{what}, element {at}: {actual} instead of {expected}"
        );
    }
}

/// `a b` for `(m, k)` and `(k, n)`.
fn product(a: &[f64], b: &[f64], (m, n, k): (usize, usize, usize)) -> Vec<f64> {
    let mut sums = vec![0.0; m * n];
    for row in 0..m {
        for inner in 0..k {
            for column in 0..n {
                sums[row * n + column] += a[row * k + inner] * b[inner * n + column];
            }
        }
    }
    sums
}

fn transposed(a: &[f64], columns: usize) -> Vec<f64> {
    let rows = a.len() / columns;
    (0..columns * rows)
        .map(|at| a[at % rows * columns + at / rows])
        .collect()
}

#[test]
fn the_gradient_of_an_input_is_the_product_with_the_transpose() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for (rows, inputs, outputs) in [
        (1, 1, 1),
        (3, 33, 5),
        (25, 100, 65),
        (14, 70, 1040),
        (101, 70, 90),
    ] {
        let (weight, dy) = (
            numbers(&mut rng, inputs * outputs),
            numbers(&mut rng, rows * outputs),
        );
        let before = numbers(&mut rng, rows * inputs);
        let expected = product(&wide(&dy), &wide(&weight), (rows, inputs, outputs));
        let packed = PackedWeights::from_f32(proof, &weight, outputs, inputs).unwrap();
        let mut dx = vec![f32::NAN; rows * inputs];
        packed.multiply_transposed(&dy, false, &mut dx);
        assert_close("f32", &dx, &expected, 1e-5);
        let mut dx = before.clone();
        packed.multiply_transposed(&dy, true, &mut dx);
        let sum: Vec<f64> = expected
            .iter()
            .zip(wide(&before))
            .map(|(a, b)| a + b)
            .collect();
        assert_close("f32, added", &dx, &sum, 1e-5);

        if proof.level() < Level::Bf16 {
            eprintln!("skipped: no bf16");
            continue;
        }
        let halves: Vec<bf16> = weight.iter().map(|&value| bf16::from_f32(value)).collect();
        let dy: Vec<f32> = dy
            .iter()
            .map(|&value| bf16::from_f32(value).to_f32())
            .collect();
        let weight: Vec<f64> = halves.iter().map(|value| value.to_f64()).collect();
        let expected = product(&wide(&dy), &weight, (rows, inputs, outputs));
        let packed = PackedWeights::from_bf16(proof, &halves, outputs, inputs).unwrap();
        let mut dx = vec![f32::NAN; rows * inputs];
        packed.multiply_transposed(&dy, false, &mut dx);
        assert_close("bf16", &dx, &expected, 1e-5);
    }
}

#[test]
fn the_gradient_of_a_weight_is_a_product_of_transposes() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for (rows, inputs, outputs) in [
        (1, 1, 1),
        (40, 33, 5),
        (100, 65, 13),
        (600, 40, 8),
        (1100, 144, 432),
    ] {
        let (x, dy) = (
            numbers(&mut rng, rows * inputs),
            numbers(&mut rng, rows * outputs),
        );
        let mut dw = vec![1f32; outputs * inputs];
        add_weight_gradient(proof, &x, &dy, inputs, &mut dw);
        let dy = transposed(&wide(&dy), outputs);
        let expected: Vec<f64> = product(&dy, &wide(&x), (outputs, inputs, rows))
            .iter()
            .map(|sum| sum + 1.0)
            .collect();
        assert_close("weight", &dw, &expected, 1e-5);
    }
}

#[test]
fn gradients_of_attention_are_those_of_its_definition() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (batch, heads, queries, keys, head_dim) in
        [(1, 1, 1, 1, 8), (2, 3, 6, 40, 16), (3, 2, 37, 37, 24)]
    {
        let scale = 0.6f32;
        let shape = Attention {
            batch,
            heads,
            queries,
            keys,
            head_dim,
            scale,
        };
        let width = heads * head_dim;
        let q = numbers(&mut rng, batch * queries * width);
        let k = numbers(&mut rng, batch * keys * width);
        let v = numbers(&mut rng, batch * keys * width);
        let dy = numbers(&mut rng, batch * queries * width);
        let position = numbers(&mut rng, heads * queries * keys);
        let strided = |data, tokens: usize| Strided {
            data,
            batch: tokens * width,
            head: head_dim,
            token: width,
        };
        let bias = Bias {
            data: &position,
            batch: 0,
            head: queries * keys,
            query: keys,
        };
        let [mut dq, mut dk, mut dv] = [&q, &k, &v].map(|of| vec![f32::NAN; of.len()]);
        let mut dposition = vec![0f32; position.len()];
        shape.backward(
            proof,
            strided(&q, queries),
            strided(&k, keys),
            strided(&v, keys),
            &[bias],
            &dy,
            AttentionGradient {
                q: &mut dq,
                k: &mut dk,
                v: &mut dv,
                biases: vec![Some(&mut dposition)],
            },
        );

        let [mut eq, mut ek, mut ev] = [&q, &k, &v].map(|of| vec![0f64; of.len()]);
        let mut eposition = vec![0f64; position.len()];
        for b in 0..batch {
            for h in 0..heads {
                let at = |tokens: usize, token: usize| (b * tokens + token) * width + h * head_dim;
                let row = |of: &[f32], at: usize| wide(&of[at..at + head_dim]);
                let dot =
                    |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                for i in 0..queries {
                    let (qi, dyi) = (row(&q, at(queries, i)), row(&dy, at(queries, i)));
                    let biases = &position[(h * queries + i) * keys..][..keys];
                    let scores: Vec<f64> = (0..keys)
                        .map(|j| {
                            f64::from(scale) * dot(&qi, &row(&k, at(keys, j)))
                                + f64::from(biases[j])
                        })
                        .collect();
                    let total: f64 = scores.iter().map(|score| score.exp()).sum();
                    let weights: Vec<f64> =
                        scores.iter().map(|score| score.exp() / total).collect();
                    let of: Vec<f64> = (0..keys)
                        .map(|j| dot(&dyi, &row(&v, at(keys, j))))
                        .collect();
                    let mean = dot(&weights, &of);
                    for j in 0..keys {
                        let ds = weights[j] * (of[j] - mean);
                        eposition[(h * queries + i) * keys + j] += ds;
                        for d in 0..head_dim {
                            let scaled = f64::from(scale) * ds;
                            eq[at(queries, i) + d] += scaled * f64::from(k[at(keys, j) + d]);
                            ek[at(keys, j) + d] += scaled * qi[d];
                            ev[at(keys, j) + d] += weights[j] * dyi[d];
                        }
                    }
                }
            }
        }
        for (what, actual, expected) in [
            ("q", &dq, &eq),
            ("k", &dk, &ek),
            ("v", &dv, &ev),
            ("bias", &dposition, &eposition),
        ] {
            assert_close(what, actual, expected, 1e-5);
        }
    }
}

/// The gradient of `Σ dy · f(x)` by differences.
fn by_differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-5;
    (0..x.len())
        .map(|at| {
            let moved = |by: f64| {
                let mut x = x.to_vec();
                x[at] += by;
                f(&x)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        })
        .collect()
}

#[test]
fn gradients_of_norms_are_those_of_differences() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (rows, width, eps) = (3, 37, 1e-3f32);
    let (x, dy) = (
        numbers(&mut rng, rows * width),
        numbers(&mut rng, rows * width),
    );
    let (weight, bias) = (numbers(&mut rng, width), numbers(&mut rng, width));
    for centred in [false, true] {
        let value = |x: &[f64], weight: &[f64], bias: &[f64]| -> f64 {
            let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
            rows.map(|(x, dy)| {
                let mean = if centred {
                    x.iter().sum::<f64>() / width as f64
                } else {
                    0.0
                };
                let square = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                let scale = 1.0 / (square + f64::from(eps)).sqrt();
                (0..width)
                    .map(|at| f64::from(dy[at]) * ((x[at] - mean) * scale * weight[at] + bias[at]))
                    .sum::<f64>()
            })
            .sum()
        };
        let (wx, ww, wb) = (wide(&x), wide(&weight), wide(&bias));
        let (mut dx, mut dweight, mut dbias) =
            (vec![0f32; x.len()], vec![0f32; width], vec![0f32; width]);
        let of = NormRows {
            x: &x,
            weight: &weight,
            eps,
            dy: &dy,
        };
        if centred {
            layer_norm_backward(proof, of, &mut dx, Some(&mut dweight), Some(&mut dbias));
            let expected = by_differences(&wb, |bias| value(&wx, &ww, bias));
            assert_close("bias", &dbias, &expected, 1e-5);
            let mut sums = vec![0f32; width];
            add_column_sums(proof, &dy, &mut sums);
            assert_close("sums", &sums, &expected, 1e-5);
        } else {
            rms_norm_backward(proof, of, &mut dx, Some(&mut dweight));
        }
        assert_close("x", &dx, &by_differences(&wx, |x| value(x, &ww, &wb)), 1e-5);
        assert_close(
            "weight",
            &dweight,
            &by_differences(&ww, |w| value(&wx, w, &wb)),
            1e-5,
        );
    }
}

#[test]
fn the_gradient_of_a_gated_activation() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (gate, up, dy) = (
        numbers(&mut rng, 50),
        numbers(&mut rng, 50),
        numbers(&mut rng, 50),
    );
    let value = |gate: &[f64], up: &[f64]| -> f64 {
        let gelu = |x: f64| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        };
        let each = gate.iter().zip(up).zip(&dy);
        each.map(|((gate, up), dy)| f64::from(*dy) * gelu(*gate) * up)
            .sum()
    };
    let (mut dgate, mut dup) = (dy.clone(), vec![0f32; 50]);
    gelu_tanh_times_backward(proof, &gate, &up, &mut dgate, &mut dup);
    let (gate, up) = (wide(&gate), wide(&up));
    assert_close(
        "gate",
        &dgate,
        &by_differences(&gate, |gate| value(gate, &up)),
        1e-5,
    );
    assert_close(
        "up",
        &dup,
        &by_differences(&up, |up| value(&gate, up)),
        1e-5,
    );
}

#[test]
fn cross_entropy_is_that_of_its_definition() {
    let Some(proof) = processor() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let (classes, labels) = (53usize, [4u32, 52, 0]);
    let logits: Vec<f32> = numbers(&mut rng, 3 * classes)
        .iter()
        .map(|x| 6.0 * x)
        .collect();
    for smoothing in [0.0f32, 0.1] {
        let wanted = f64::from(smoothing);
        let losses = |logits: &[f64]| -> Vec<f64> {
            let rows = logits.chunks_exact(classes).zip(labels);
            rows.map(|(row, label)| {
                let log_sum = row.iter().map(|x| x.exp()).sum::<f64>().ln();
                let mean = row.iter().map(|x| log_sum - x).sum::<f64>() / classes as f64;
                (1.0 - wanted) * (log_sum - row[label as usize]) + wanted * mean
            })
            .collect()
        };
        let mut gradient = logits.clone();
        let actual = cross_entropy(proof, &mut gradient, &labels, smoothing, 0.25);
        assert_close("losses", &actual, &losses(&wide(&logits)), 1e-6);
        let expected = by_differences(&wide(&logits), |x| 0.25 * losses(x).iter().sum::<f64>());
        assert_close("gradient", &gradient, &expected, 1e-5);
    }
}

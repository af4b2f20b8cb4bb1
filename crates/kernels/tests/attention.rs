//! Attention and norms against sums in f64.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use kernels::{Attention, Avx512, Bias, Strided, layer_norm, rms_norm};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// One query's output, by definition.
fn reference(shape: &Attention, q: &[f32], k: &[&[f32]], v: &[&[f32]], bias: &[f64]) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    let scores: Vec<f64> = k
        .iter()
        .zip(bias)
        .map(|(k, bias)| f64::from(shape.scale) * dot(q, k) + bias)
        .collect();
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    (0..shape.head_dim)
        .map(|at| {
            v.iter()
                .zip(&weights)
                .map(|(v, w)| w * f64::from(v[at]))
                .sum::<f64>()
                / total
        })
        .collect()
}

#[test]
fn attention_is_that_of_its_definition() {
    let Some(proof) = Avx512::detect() else {
        eprintln!("skipped: no AVX-512");
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (batch, heads, queries, keys, head_dim) in [
        (1, 1, 1, 1, 8),
        (2, 3, 1, 40, 16),
        (2, 2, 5, 33, 24),
        (1, 2, 8, 8, 64),
        (2, 3, 37, 70, 88),
    ] {
        let shape = Attention {
            batch,
            heads,
            queries,
            keys,
            head_dim,
            scale: 0.7,
        };
        let width = heads * head_dim;
        let q = numbers(&mut rng, batch * queries * width);
        // Keys by token, values by head: both orders occur.
        let (k, v) = (
            numbers(&mut rng, batch * keys * width),
            numbers(&mut rng, batch * keys * width),
        );
        let relative: Vec<f32> = numbers(&mut rng, heads * queries * keys);
        let mut padding = vec![0f32; batch * keys];
        if keys > 1 {
            padding[batch * keys - 1] = f32::MIN;
        }
        let by_token = |tokens| (tokens * width, head_dim, width);
        let strided = |data, (batch, head, token)| Strided {
            data,
            batch,
            head,
            token,
        };
        let y = shape.compute(
            proof,
            strided(&q, by_token(queries)),
            strided(&k, by_token(keys)),
            strided(&v, (heads * keys * head_dim, keys * head_dim, head_dim)),
            &[
                Bias {
                    data: &relative,
                    batch: 0,
                    head: queries * keys,
                    query: keys,
                },
                Bias {
                    data: &padding,
                    batch: keys,
                    head: 0,
                    query: 0,
                },
            ],
        );
        assert_eq!(y.len(), batch * queries * width);
        for row in 0..batch {
            for head in 0..heads {
                let k: Vec<&[f32]> = (0..keys)
                    .map(|key| &k[(row * keys + key) * width + head * head_dim..][..head_dim])
                    .collect();
                let v: Vec<&[f32]> = (0..keys)
                    .map(|key| &v[((row * heads + head) * keys + key) * head_dim..][..head_dim])
                    .collect();
                for query in 0..queries {
                    let at = (row * queries + query) * width + head * head_dim;
                    let bias: Vec<f64> = (0..keys)
                        .map(|key| {
                            f64::from(relative[(head * queries + query) * keys + key])
                                + f64::from(padding[row * keys + key])
                        })
                        .collect();
                    let expected = reference(&shape, &q[at..at + head_dim], &k, &v, &bias);
                    for (y, expected) in y[at..at + head_dim].iter().zip(expected) {
                        assert!(
                            (f64::from(*y) - expected).abs() < 2e-6,
                            "{y} instead of {expected}"
                        );
                    }
                }
            }
        }
    }
}

fn from_row(all: Strided<'_>, row: usize) -> Strided<'_> {
    Strided {
        data: &all.data[row * all.batch..],
        ..all
    }
}

/// A decoder's step: it goes through tokens where the heads of a token lie side by side,
/// else through heads, on one thread or on several.
#[test]
fn one_query_gives_the_same_bits_however_keys_lie_and_on_any_threads() {
    let Some(proof) = Avx512::detect() else {
        eprintln!("skipped: no AVX-512");
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (batch, heads, keys, head_dim) = (7, 12, 51, 64);
    let shape = Attention {
        batch,
        heads,
        queries: 1,
        keys,
        head_dim,
        scale: 0.3,
    };
    let width = heads * head_dim;
    let q = numbers(&mut rng, batch * width);
    let [k, v] = [(); 2].map(|()| numbers(&mut rng, batch * keys * width));
    let by_token = |data, tokens: usize| Strided {
        data,
        batch: tokens * width,
        head: head_dim,
        token: width,
    };
    let by_head = |data| Strided {
        data,
        batch: keys * width,
        head: keys * head_dim,
        token: head_dim,
    };
    let turned = |data: &[f32]| -> Vec<f32> {
        let at = |row: usize, head: usize, key: usize| (row * keys + key) * width + head * head_dim;
        let each = (0..batch * heads * keys).map(|index| {
            let (head, key) = (index / keys, index % keys);
            at(head / heads, head % heads, key)
        });
        each.flat_map(|at| data[at..at + head_dim].to_vec())
            .collect()
    };
    let (k_turned, v_turned) = (turned(&k), turned(&v));
    let q_strided = by_token(&q, 1);
    let lying = [
        (by_token(&k, keys), by_token(&v, keys)),
        (by_head(&k_turned), by_head(&v_turned)),
        (by_token(&k, keys), by_head(&v_turned)),
    ];
    let expected = shape.compute(proof, q_strided, lying[1].0, lying[1].1, &[]);
    assert!(expected.iter().all(|y| y.is_finite() && *y != 0.0));
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        for (k, v) in lying {
            let y = pool.install(|| shape.compute(proof, q_strided, k, v, &[]));
            assert!(y == expected, "{threads} threads");
        }
    }
    let row = Attention { batch: 1, ..shape };
    let [q, k, v] = [q_strided, lying[0].0, lying[0].1].map(|all| from_row(all, 4));
    let y = row.compute(proof, q, k, v, &[]);
    assert!(y == expected[4 * width..5 * width], "a row alone");
}

#[test]
fn nothing_to_see_gives_zeros() {
    let Some(proof) = Avx512::detect() else {
        return;
    };
    let shape = Attention {
        batch: 2,
        heads: 1,
        queries: 3,
        keys: 0,
        head_dim: 4,
        scale: 1.0,
    };
    let none = Strided {
        data: &[],
        batch: 0,
        head: 0,
        token: 0,
    };
    assert_eq!(shape.compute(proof, none, none, none, &[]), [0.0; 24]);
}

#[test]
fn norms_are_those_of_their_definition() {
    let Some(proof) = Avx512::detect() else {
        eprintln!("skipped: no AVX-512");
        return;
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for width in [1, 7, 96, 1408] {
        let x = numbers(&mut rng, 3 * width);
        let (weight, bias) = (numbers(&mut rng, width), numbers(&mut rng, width));
        let layer = layer_norm(proof, &x, &weight, &bias, 1e-5);
        let rms = rms_norm(proof, &x, &weight, 1e-6);
        assert_eq!((layer.len(), rms.len()), (x.len(), x.len()));
        for (row, x) in x.chunks_exact(width).enumerate() {
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let mean = wide.iter().sum::<f64>() / width as f64;
            let variance = wide.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let square = wide.iter().map(|x| x * x).sum::<f64>() / width as f64;
            for (at, x) in wide.iter().enumerate() {
                let (w, b) = (f64::from(weight[at]), f64::from(bias[at]));
                let expected = (x - mean) / (variance + 1e-5).sqrt() * w + b;
                let error = (f64::from(layer[row * width + at]) - expected).abs();
                assert!(error < 3e-6, "layer norm of {width}: {error}");
                let expected = x / (square + 1e-6).sqrt() * w;
                let error = (f64::from(rms[row * width + at]) - expected).abs();
                assert!(error < 3e-6, "rms norm of {width}: {error}");
            }
        }
    }
}

//! How many operations a second the products reach, at the shapes of BLIP-2.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Instant;

use half::bf16;
use kernels::{
    Attention, Avx512, Biased, PackedWeights, Q4K_BLOCK_BYTES, Q8_0_BLOCK_BYTES, Strided,
    WeightFormat, multiply_each,
};

/// The best of several runs, in units of 10⁹ operations a second.
fn rate(operations: f64, mut run: impl FnMut()) -> f64 {
    run();
    let best = (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min);
    operations / best / 1e9
}

/// Blocks of a quantised format with all kinds of bits: a processor that
/// multiplies the same ones again and again needs less power, and is faster.
fn some_blocks(count: usize, bytes: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut blocks: Vec<u8> = (0..count * bytes)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u8
        })
        .collect();
    for block in blocks.chunks_exact_mut(bytes) {
        // The factors of a block, both in Q4_K: small numbers in f16.
        block[..4].copy_from_slice(&[0x11, 0x11, 0x11, 0x11]);
    }
    blocks
}

fn main() {
    let Some(proof) = Avx512::detect() else {
        println!("this processor has no AVX-512");
        return;
    };
    println!("{} threads", rayon::current_num_threads());
    for (rows, inputs, outputs) in [
        (257usize, 768usize, 3072usize),
        (257, 3072, 768),
        (408, 768, 2048),
        (408, 2048, 768),
        (8, 768, 2048),
        (8, 768, 32128),
        (408, 2048, 5120),
        (408, 5120, 2048),
        (8, 2048, 5120),
        (257, 1408, 6144),
    ] {
        let operations = 2.0 * rows as f64 * inputs as f64 * outputs as f64;
        let x: Vec<f32> = (0..rows * inputs)
            .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
            .collect();
        let weights: Vec<f32> = (0..outputs * inputs)
            .map(|i| ((i * 104_729) % 1000) as f32 / 500.0 - 1.0)
            .collect();
        let half: Vec<bf16> = weights.iter().map(|&w| bf16::from_f32(w)).collect();
        let blocks =
            |block: usize, bytes: usize| some_blocks(outputs * inputs.div_ceil(block), bytes);
        let mut y = vec![0f32; rows * outputs];
        print!("{rows:4} × {inputs:5} × {outputs:5}:");
        for packed in [
            PackedWeights::from_f32(proof, &weights, outputs, inputs),
            PackedWeights::from_bf16(proof, &half, outputs, inputs),
            PackedWeights::from_blocks(
                proof,
                WeightFormat::Q8_0,
                &blocks(32, Q8_0_BLOCK_BYTES),
                outputs,
                inputs,
            ),
            PackedWeights::from_blocks(
                proof,
                WeightFormat::Q4K,
                &blocks(256, Q4K_BLOCK_BYTES),
                outputs,
                inputs,
            ),
        ]
        .into_iter()
        .flatten()
        {
            let rate = rate(operations, || packed.multiply(&x, None, &mut y));
            print!(" {:?} {rate:6.0}", packed.format());
        }
        println!();
    }
    from_memory(proof);
    together(proof);
    cross_attention(proof);
    for (batch, heads, tokens, head_dim) in [(1, 12, 257, 64), (1, 16, 257, 88), (8, 12, 51, 64)] {
        let attention = Attention {
            batch,
            heads,
            queries: tokens,
            keys: tokens,
            head_dim,
            scale: 0.1,
        };
        let width = heads * head_dim;
        let data = vec![0.01f32; batch * tokens * 3 * width];
        let part = |index: usize| Strided {
            data: &data[index * width..],
            batch: tokens * 3 * width,
            head: head_dim,
            token: 3 * width,
        };
        let operations = 4.0 * (batch * heads * tokens * tokens * head_dim) as f64;
        let rate = rate(operations, || {
            drop(attention.compute(proof, part(0), part(1), part(2), &[]));
        });
        println!("attention {batch} × {heads} × {tokens} × {head_dim}: {rate:.0}");
    }
    let mut values: Vec<f32> = (0..257 * 3072)
        .map(|i| (i % 100) as f32 / 25.0 - 2.0)
        .collect();
    let rate = rate(values.len() as f64, || {
        kernels::gelu_erf(proof, &mut values)
    });
    println!("gelu: {rate:.2} elements/ns");
}

/// Products with weights that no cache holds, as a decoder's step reads them.
fn from_memory(proof: Avx512) {
    let (inputs, outputs, layers) = (2048usize, 5120usize, 64usize);
    for (format, block, bytes) in [
        (WeightFormat::Q8_0, 32, Q8_0_BLOCK_BYTES),
        (WeightFormat::Q4K, 256, Q4K_BLOCK_BYTES),
    ] {
        let blocks = some_blocks(outputs * (inputs / block), bytes);
        let weights: Vec<PackedWeights> = (0..layers)
            .map(|_| PackedWeights::from_blocks(proof, format, &blocks, outputs, inputs).unwrap())
            .collect();
        print!("{format:?} from memory, GB/s by rows:");
        for rows in [1usize, 8, 32, 128, 400] {
            let x: Vec<f32> = (0..rows * inputs)
                .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
                .collect();
            let mut y = vec![0f32; rows * outputs];
            let rate = rate((layers * blocks.len()) as f64, || {
                for weights in &weights {
                    weights.multiply(&x, None, &mut y);
                }
            });
            print!(" {rows}: {rate:.1}");
        }
        println!();
    }
}

/// Layers that read one input, one after the other and together: a prompt's and a
/// decoder step's rows. Weights and results as in a model, more than caches hold.
fn together(proof: Avx512) {
    let (inputs, outputs, layers) = (768usize, 768usize, 36usize);
    for (format, block, bytes) in [
        (WeightFormat::Q8_0, 32, Q8_0_BLOCK_BYTES),
        (WeightFormat::Q4K, 256, Q4K_BLOCK_BYTES),
    ] {
        let blocks = some_blocks(outputs * (inputs / block), bytes);
        let weights: Vec<PackedWeights> = (0..layers)
            .map(|_| PackedWeights::from_blocks(proof, format, &blocks, outputs, inputs).unwrap())
            .collect();
        let weights: Vec<Biased> = weights
            .iter()
            .map(|weights| Biased {
                weights,
                bias: None,
            })
            .collect();
        print!("{format:?}, GFLOP/s of layers alone, by threes, all together:");
        for rows in [1usize, 8, 408] {
            let x: Vec<f32> = (0..rows * inputs)
                .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
                .collect();
            let operations = 2.0 * (rows * inputs * outputs * layers) as f64;
            let rates = [1, 3, layers].map(|at_a_time| {
                rate(operations, || {
                    for weights in weights.chunks(at_a_time) {
                        drop(multiply_each(&x, weights));
                    }
                })
            });
            print!(" {rows}:");
            rates.iter().for_each(|rate| print!(" {rate:.0}"));
        }
        println!();
    }
}

/// A decoder step's look at what the encoder gave: the keys and values of all layers
/// are more than caches hold.
fn cross_attention(proof: Avx512) {
    let (batch, heads, keys, head_dim, layers) = (8usize, 12usize, 51usize, 64usize, 12usize);
    let attention = Attention {
        batch,
        heads,
        queries: 1,
        keys,
        head_dim,
        scale: 1.0,
    };
    let width = heads * head_dim;
    let of_layer = 2 * batch * keys * width;
    let all = vec![0.01f32; layers * of_layer];
    let by_token = |data, tokens: usize| Strided {
        data,
        batch: tokens * width,
        head: head_dim,
        token: width,
    };
    let q = vec![0.1f32; batch * width];
    let rate = rate((all.len() * 4) as f64, || {
        for key_values in all.chunks_exact(of_layer) {
            let (k, v) = key_values.split_at(of_layer / 2);
            let (k, v) = (by_token(k, keys), by_token(v, keys));
            drop(attention.compute(proof, by_token(&q, 1), k, v, &[]));
        }
    });
    println!("attention of a step, from memory: {rate:.1} GB/s");
}

//! How many operations a second the products reach, at the shapes of BLIP-2.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Instant;

use half::bf16;
use kernels::{
    Attention, Avx512, PackedWeights, Q4K_BLOCK_BYTES, Q8_0_BLOCK_BYTES, Strided, WeightFormat,
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
            |block: usize, bytes: usize| vec![0x11u8; outputs * inputs.div_ceil(block) * bytes];
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
        let mut y = vec![0f32; batch * tokens * width];
        let operations = 4.0 * (batch * heads * tokens * tokens * head_dim) as f64;
        let rate = rate(operations, || {
            attention.compute(proof, part(0), part(1), part(2), &[], &mut y)
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

//! How many operations a second a layer reaches, at the shapes of BLIP-2,
//! beside this project's kernels.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Instant;

use half::bf16;
use kernels::{Avx512, PackedWeights};
use onednn::Linear;

/// One way to compute a product, and the least time that it took, in seconds.
struct Way<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
    best_s: f64,
}

fn way<'a>(name: &'static str, run: impl FnMut() + 'a) -> Way<'a> {
    Way {
        name,
        run: Box::new(run),
        best_s: f64::MAX,
    }
}

fn main() {
    let proof = Avx512::detect();
    println!(
        "10⁹ operations a second on {} threads",
        rayon::current_num_threads()
    );
    for (rows, inputs, outputs) in [
        (257usize, 768usize, 3072usize),
        (257, 3072, 768),
        (408, 768, 2048),
        (408, 2048, 768),
        (1, 768, 2048),
        (8, 768, 768),
        (8, 768, 2048),
        (8, 768, 32128),
        (408, 2048, 5120),
        (408, 5120, 2048),
        (8, 2048, 5120),
        (257, 1408, 6144),
    ] {
        let x: Vec<f32> = (0..rows * inputs)
            .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
            .collect();
        let weights: Vec<f32> = (0..outputs * inputs)
            .map(|i| ((i * 104_729) % 1000) as f32 / 500.0 - 1.0)
            .collect();
        let half: Vec<bf16> = weights.iter().map(|&w| bf16::from_f32(w)).collect();
        let x = x.as_slice();
        let mut ways = Vec::new();
        for (name, layer) in [
            (
                "oneDNN f32",
                Linear::new_f32(&weights, None, outputs, inputs),
            ),
            (
                "oneDNN bf16",
                Linear::new_bf16(&half, None, outputs, inputs),
            ),
        ] {
            if let Ok(layer) = layer {
                let mut y = vec![0f32; rows * outputs];
                ways.push(way(name, move || layer.multiply(x, &mut y).unwrap()));
            }
        }
        if let Some(proof) = proof {
            for (name, packed) in [
                (
                    "packed f32",
                    PackedWeights::from_f32(proof, &weights, outputs, inputs),
                ),
                (
                    "packed bf16",
                    PackedWeights::from_bf16(proof, &half, outputs, inputs),
                ),
            ] {
                if let Ok(packed) = packed {
                    let mut y = vec![0f32; rows * outputs];
                    ways.push(way(name, move || packed.multiply(x, None, &mut y)));
                }
            }
        }
        // In turns, so that a busy moment meets all.
        for _ in 0..24 {
            for way in &mut ways {
                let start = Instant::now();
                (way.run)();
                way.best_s = way.best_s.min(start.elapsed().as_secs_f64());
            }
        }
        let operations = 2.0 * rows as f64 * inputs as f64 * outputs as f64;
        print!("{rows:4} × {inputs:5} × {outputs:5}:");
        for Way { name, best_s, .. } in ways {
            print!("  {name} {:5.0}", operations / best_s / 1e9);
        }
        println!();
    }
}

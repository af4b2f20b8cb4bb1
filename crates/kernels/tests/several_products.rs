//! Several products of one input: each is what it is alone, bit for bit.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use half::bf16;
use kernels::{
    Avx512, Biased, PackedWeights, Q4K_BLOCK, Q4K_BLOCK_BYTES, Q8_0_BLOCK, Q8_0_BLOCK_BYTES,
    WeightFormat, multiply_each,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FORMATS: [WeightFormat; 4] = [
    WeightFormat::F32,
    WeightFormat::Bf16,
    WeightFormat::Q8_0,
    WeightFormat::Q4K,
];

fn numbers(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Weights of a format, if the processor has it.
fn weights(
    rng: &mut ChaCha8Rng,
    format: WeightFormat,
    (outputs, inputs): (usize, usize),
) -> Option<PackedWeights> {
    let Some(proof) = Avx512::detect().filter(|proof| proof.level() >= format.level()) else {
        eprintln!("skipped: the processor lacks {:?}", format.level());
        return None;
    };
    let mut blocks = |block: usize, bytes: usize| {
        let mut blocks: Vec<u8> = (0..outputs * inputs.div_ceil(block) * bytes)
            .map(|_| rng.random())
            .collect();
        for block in blocks.chunks_exact_mut(bytes) {
            // The factors of a block, both in Q4_K: small numbers in f16.
            block[..2].copy_from_slice(&[0x11, 0x11]);
            if bytes == Q4K_BLOCK_BYTES {
                block[2..4].copy_from_slice(&[0x12, 0x10]);
            }
        }
        PackedWeights::from_blocks(proof, format, &blocks, outputs, inputs)
    };
    let packed = match format {
        WeightFormat::Q8_0 => blocks(Q8_0_BLOCK, Q8_0_BLOCK_BYTES),
        WeightFormat::Q4K => blocks(Q4K_BLOCK, Q4K_BLOCK_BYTES),
        WeightFormat::F32 => {
            let weights = numbers(rng, outputs * inputs);
            PackedWeights::from_f32(proof, &weights, outputs, inputs)
        }
        WeightFormat::Bf16 => {
            let weights = numbers(rng, outputs * inputs).into_iter();
            let weights: Vec<bf16> = weights.map(bf16::from_f32).collect();
            PackedWeights::from_bf16(proof, &weights, outputs, inputs)
        }
    };
    Some(packed.unwrap())
}

/// The products of all layers at once, on so many threads.
fn on_threads(threads: usize, x: &[f32], layers: &[Biased]) -> Vec<Vec<f32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(|| multiply_each(x, layers))
}

#[track_caller]
fn assert_each_as_alone(rows: usize, inputs: usize, layers: &[Biased], rng: &mut ChaCha8Rng) {
    let x = numbers(rng, rows * inputs);
    let together = on_threads(2, &x, layers);
    assert_eq!(together.len(), layers.len());
    for (at, (layer, y)) in layers.iter().zip(&together).enumerate() {
        let Biased { weights, bias } = *layer;
        // Nothing of what was there before is in the result.
        let mut alone = vec![f32::NAN; rows * weights.outputs()];
        weights.multiply(&x, bias, &mut alone);
        let what = format!("{:?}, {rows} rows, layer {at}", weights.format());
        assert!(alone.iter().all(|y| y.is_finite()), "{what}");
        assert_eq!(*y, alone, "{what}");
        assert_eq!(weights.product(&x, bias), alone, "{what}, in new memory");
    }
    for threads in [1, 3] {
        assert_eq!(on_threads(threads, &x, layers), together);
    }
}

/// Panels of two layers in one piece of a thread's work, layers of less than one
/// panel, rows that are padded; in f32 few weights beside many.
#[test]
fn products_of_one_input_are_those_of_each_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (inputs, outputs) in [
        (100, [64, 640, 7]),
        (768, [96, 33, 160]),
        (1408, [1, 70, 32]),
    ] {
        for format in FORMATS {
            let packed = outputs.map(|outputs| weights(&mut rng, format, (outputs, inputs)));
            let [Some(a), Some(b), Some(c)] = packed else {
                continue;
            };
            let bias = numbers(&mut rng, b.outputs());
            let layers = [(&a, None), (&b, Some(bias.as_slice())), (&c, None)]
                .map(|(weights, bias)| Biased { weights, bias });
            for rows in [1, 8, 130] {
                assert_each_as_alone(rows, inputs, &layers, &mut rng);
            }
        }
    }
}

#[test]
fn layers_of_different_formats_may_share_an_input() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let formats = FORMATS.into_iter().chain(FORMATS);
    let packed: Vec<PackedWeights> = formats
        .filter_map(|format| weights(&mut rng, format, (48, 300)))
        .collect();
    let layers: Vec<Biased> = packed
        .iter()
        .map(|weights| Biased {
            weights,
            bias: None,
        })
        .collect();
    assert_each_as_alone(50, 300, &layers, &mut rng);
}

#[test]
fn nothing_gives_nothing() {
    assert!(multiply_each(&[], &[]).is_empty());
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let Some(weights) = weights(&mut rng, WeightFormat::F32, (5, 4)) else {
        return;
    };
    let layer = Biased {
        weights: &weights,
        bias: None,
    };
    let ys = multiply_each(&[], &[layer, layer]);
    assert!(ys.len() == 2 && ys.iter().all(Vec::is_empty), "{ys:?}");
}

#[test]
#[should_panic(expected = "rows of different lengths")]
fn layers_of_different_inputs_are_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut of = |inputs| weights(&mut rng, WeightFormat::F32, (3, inputs));
    let (Some(two), Some(four)) = (of(2), of(4)) else {
        panic!("rows of different lengths: skipped");
    };
    let layers = [&two, &four].map(|weights| Biased {
        weights,
        bias: None,
    });
    let _ = multiply_each(&[0.0; 4], &layers);
}

//! What the tests against the reference share.
#![allow(dead_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use blip2::training::{Learning, Trainee};
use blip2::{Adapter, Blip2, LoadOptions, LoraConfig, Outcome, Question, TargetModules};
use candle_core::{DType, Device, Tensor};

/// A folder of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// A folder of reference data that is too large to ship, kept beside the
/// repository; `None`, said on stderr, where it is not there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// The checkpoint that the one which ships began from: trained and small, and what model
/// code is tested with beside the tiny one. `tests/reference` and `tests/data` have what
/// transformers computes with it.
pub fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/blip2-mini")
}

/// A file of `tests/reference`.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

/// What the names of the language model's linear layers end with.
pub const LINEAR_LAYERS: &[&str] = &["q", "k", "v", "o", "wi_0", "wi_1", "wo", "lm_head"];

/// An adapter for the language model of a checkpoint whose numbers follow from
/// the seed, large enough to change what is answered.
pub fn made_adapter(checkpoint: &Path, targets: &[&str], seed: u64) -> Adapter {
    let config = LoraConfig {
        r: 4,
        alpha: 8.0,
        dropout: 0.05,
        target_modules: TargetModules::Names(targets.iter().map(|&t| t.to_owned()).collect()),
        use_rslora: false,
    };
    let learning = Learning::NewAdapter(config, seed);
    let trainee = Trainee::load(checkpoint, &LoadOptions::default(), &learning).unwrap();
    for parameter in trainee.parameters() {
        let change = |values: &mut [f32]| {
            for (at, value) in values.iter_mut().enumerate() {
                *value += 0.02 * ((at as f32 + seed as f32) * 1.7).sin();
            }
        };
        parameter.update(change).unwrap();
    }
    trainee.adapter().unwrap().unwrap()
}

/// Asks some questions as one batch.
pub fn answer_all(model: &Blip2, questions: &[Question]) -> Vec<Outcome> {
    let mut answering = model.start(questions).unwrap();
    let mut answers = vec![None; questions.len()];
    while !answering.is_done() {
        for (index, outcome) in answering.step().unwrap() {
            assert_eq!(answers[index].replace(outcome), None);
        }
    }
    answers.into_iter().map(Option::unwrap).collect()
}

/// The reference values of `blip2-tiny`.
pub fn expected() -> HashMap<String, Tensor> {
    let file = data("blip2-tiny/expected.safetensors");
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

pub fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor
        .to_dtype(DType::F32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// The largest of some differences, 0 of none. Where one is no number neither is this, so
/// that it is within no tolerance: `f64::max` would pass over it.
pub fn largest(differences: impl IntoIterator<Item = f64>) -> f64 {
    let larger = |largest: f64, next: f64| match largest.is_nan() || next <= largest {
        true => largest,
        false => next,
    };
    differences.into_iter().fold(0.0, larger)
}

/// Mean and largest absolute difference.
pub fn differences(a: &Tensor, b: &Tensor) -> (f32, f32) {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (floats(a), floats(b));
    let each = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
    assert!(each.clone().all(f32::is_finite));
    let sum: f32 = each.clone().sum();
    (sum / a.len() as f32, each.fold(0.0, f32::max))
}

#[track_caller]
pub fn assert_close(what: &str, actual: &Tensor, expected: &Tensor, tolerance: f32) {
    let (mean, largest) = differences(actual, expected);
    println!("{what}: mean difference {mean:.2e}, largest {largest:.2e}");
    assert!(
        largest <= tolerance,
        "{what}: {largest} is over {tolerance}"
    );
}

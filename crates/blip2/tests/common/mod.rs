//! What the tests against the reference share.
#![allow(dead_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use blip2::{Blip2, Outcome, Question};
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

/// The checkpoint that ships with the project.
pub fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/blip2-mini")
}

/// A file of `tests/reference`.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
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

//! What sees, taught by classifiers, on the trained checkpoint
//! `blip2-mini`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use blip2::training::{Batch, ClassBatch, ClassRow, Images, Learning, Row, Trainee};
use blip2::{Engine, LoadOptions};
use candle_core::{DType, Device, Tensor};
use common::mini;

const CLASSES: usize = 5;

fn trainee(engine: Option<Engine>) -> Trainee {
    let options = LoadOptions {
        engine,
        ..LoadOptions::default()
    };
    Trainee::load(&mini(), &options, &Learning::Sight { classes: CLASSES }).unwrap()
}

fn pictures() -> [Tensor; 2] {
    [1, 2].map(|which| {
        let pixels: Vec<f32> = (0..3 * 96 * 96)
            .map(|at| ((at * 7919 * which) % 101) as f32 / 50.0 - 1.0)
            .collect();
        Tensor::from_vec(pixels, (3, 96, 96), &Device::Cpu).unwrap()
    })
}

fn batch(pictures: &[Tensor; 2]) -> ClassBatch<'_> {
    let row = |image, class, among| ClassRow {
        image,
        class,
        among,
    };
    ClassBatch {
        images: Images::Pixels(pictures.iter().collect()),
        rows: vec![row(0, 2, 0..3), row(0, 3, 3..5), row(1, 0, 0..3)],
    }
}

/// Goes down the gradient.
fn learn(trainee: &Trainee, gradients: &[Vec<f32>], rate: f32) {
    for (parameter, gradient) in trainee.parameters().iter().zip(gradients) {
        let change = |values: &mut [f32]| {
            for (value, gradient) in values.iter_mut().zip(gradient) {
                *value -= rate * gradient;
            }
        };
        parameter.update(change).unwrap();
    }
}

#[test]
fn the_classes_are_learnt() {
    let (trainee, pictures) = (trainee(None), pictures());
    let batch = batch(&pictures);
    let first = trainee.class_loss(&batch).unwrap();
    // Nothing is known: every class of three, of two and of three is as likely.
    let expected = (2.0 * 3f64.ln() + 2f64.ln()) / 3.0;
    assert_eq!(first.tokens, 6);
    assert!((first.mean() - expected).abs() < 1e-6, "{}", first.mean());
    for _ in 0..12 {
        let step = trainee.class_step(&batch, 0.0).unwrap();
        learn(&trainee, &step.gradients, 2e-3);
    }
    let last = trainee.class_loss(&batch).unwrap().mean();
    assert!(last < 0.5 * expected, "{last}");
}

#[test]
fn what_speaks_does_not_learn_and_the_classifier_is_not_written() {
    let trainee = trainee(None);
    for parameter in trainee.parameters() {
        let change = |values: &mut [f32]| values.iter_mut().for_each(|value| *value += 0.125);
        parameter.update(change).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    trainee.write_checkpoint(folder.path()).unwrap();
    let read = |folder: &std::path::Path| {
        let file = folder.join("model.safetensors");
        candle_core::safetensors::load(file, &Device::Cpu).unwrap()
    };
    let (before, after) = (read(&mini()), read(folder.path()));
    assert_eq!(before.len(), after.len());
    let numbers = |tensor: &Tensor| {
        let numbers = tensor.to_dtype(DType::F32).unwrap();
        numbers.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    for (name, tensor) in &after {
        let is_same = numbers(tensor) == numbers(&before[name]);
        let speaks = name.starts_with("language_model.");
        assert_eq!(is_same, speaks, "{name}");
    }
}

#[test]
fn both_engines_compute_the_same_gradients() {
    if kernels::Avx512::detect().is_none() {
        eprintln!("skipped: one engine");
        return;
    }
    let pictures = pictures();
    let gradients = |engine| {
        let trainee = trainee(Some(engine));
        // So that something goes back through the classifiers.
        for parameter in trainee.parameters() {
            if parameter.name().starts_with("classifier.") {
                let change = |values: &mut [f32]| {
                    for (at, value) in values.iter_mut().enumerate() {
                        *value = 0.01 * (at as f32 * 1.7).sin();
                    }
                };
                parameter.update(change).unwrap();
            }
        }
        let names: Vec<String> = trainee
            .parameters()
            .iter()
            .map(|parameter| parameter.name().to_owned())
            .collect();
        let step = trainee.class_step(&batch(&pictures), 0.1).unwrap();
        (step.loss.mean(), names, step.gradients)
    };
    let (loss, names, packed) = gradients(Engine::Packed);
    let (expected, _, candle) = gradients(Engine::Candle);
    assert!((loss - expected).abs() < 1e-5);
    let mut not_zero = 0;
    for ((name, packed), candle) in names.iter().zip(&packed).zip(&candle) {
        let largest = candle.iter().fold(1e-4f32, |most, g| most.max(g.abs()));
        not_zero += usize::from(largest > 1e-4);
        for (packed, candle) in packed.iter().zip(candle) {
            let error = (packed - candle).abs() / largest;
            assert!(error < 2e-3, "{name}: {packed} and {candle} of {largest}");
        }
    }
    assert!(not_zero > 100, "{not_zero}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let (sight, pictures) = (trainee(None), pictures());
    let all = Trainee::load(&mini(), &LoadOptions::default(), &Learning::All).unwrap();
    let refused = |trainee: &Trainee, batch: &ClassBatch| {
        let error = trainee.class_step(batch, 0.0).unwrap_err();
        assert!(trainee.class_loss(batch).is_err());
        error.to_string()
    };
    let good = batch(&pictures);
    assert!(refused(&all, &good).contains("only what sees alone"));
    let features = ClassBatch {
        images: Images::Features(pictures.iter().collect()),
        ..good.clone()
    };
    assert!(refused(&sight, &features).contains("pixel values"));
    for (image, class, among) in [(2, 0, 0..3), (0, 3, 0..3), (0, 4, 3..6)] {
        let row = ClassRow {
            image,
            class,
            among,
        };
        let batch = ClassBatch {
            rows: vec![row],
            ..good.clone()
        };
        assert!(refused(&sight, &batch).contains("that there is not"));
    }
    let nothing = ClassBatch {
        rows: vec![],
        ..good.clone()
    };
    assert!(refused(&sight, &nothing).contains("without classes"));
    // Its language model still answers, but learns nothing.
    let row = Row {
        image: 0,
        prompt: &[5, 1],
        answer: &[7, 1],
    };
    let batch = Batch {
        images: Images::Pixels(pictures.iter().take(1).collect()),
        rows: vec![row],
    };
    assert!(sight.loss(&batch).unwrap().mean().is_finite());
}

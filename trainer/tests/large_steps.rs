//! Steps that are too large: what a job does about them, and leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use blip2::{Adapter, Blip2, LoadOptions};
use candle_core::{DType, Device, Tensor};
use common::Container;

#[test]
fn steps_without_a_number_are_skipped_and_too_many_are_a_failure() {
    // So large a step that the next pass overflows.
    let container = Container::new(4).with(&[
        ("lr", "1e38"),
        ("max-bad-steps", "2"),
        ("lora-dropout", "0"),
    ]);
    let run = container.run();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("is skipped"), "{}", run.stderr);
    let reason = container.failure().unwrap();
    assert!(
        reason.contains("2 steps in a row") && reason.contains("last good"),
        "{reason}"
    );
    assert!(
        !run.stdout.contains("NaN") && !run.stdout.contains("inf"),
        "{}",
        run.stdout
    );
    // The last weights that gave a loss are the untouched ones.
    let bytes = |folder: &str| std::fs::read(container.path(folder)).unwrap();
    let tensors = |bytes: &[u8]| {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        let mut all: Vec<(String, Vec<u8>)> = file
            .iter()
            .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
            .collect();
        all.sort();
        all
    };
    let before = tensors(&bytes("input/data/model/model.safetensors"));
    assert!(before == tensors(&bytes("model/model.safetensors")));
}

/// The adapter of a job as it began: its second matrices are 0.
#[track_caller]
fn assert_untouched(container: &Container) {
    let adapter = Adapter::read(&container.path("model/adapter")).unwrap();
    for (_, (_, b)) in adapter.layers {
        let b: Vec<f32> = b.flatten_all().unwrap().to_vec1().unwrap();
        assert!(b.iter().all(|&value| value == 0.0));
    }
    Blip2::load(&container.path("model"), &LoadOptions::default()).unwrap();
}

#[test]
fn a_job_that_ends_with_a_bad_step_leaves_the_last_good_weights() {
    // The learning rate rises from 0. The second step overflows, which the third
    // says, or where there is none, the end.
    for (steps, warmup) in [("3", "0.33"), ("2", "0.5")] {
        let container = || {
            Container::new(4).with(&[
                ("lr", "1e38"),
                ("max-bad-steps", "5"),
                ("max-steps", steps),
                ("warmup-ratio", warmup),
                ("lora-dropout", "0"),
            ])
        };
        for container in [container(), container().without_examination()] {
            let run = container.run().succeeded();
            let skipped = run.stderr.contains("step 3 is skipped");
            assert_eq!(skipped, steps == "3", "{}", run.stderr);
            assert!(
                run.stderr.contains("back to the last good"),
                "{}",
                run.stderr
            );
            assert_untouched(&container);
        }
    }
}

#[test]
fn a_job_that_learnt_nothing_fails_and_leaves_what_it_began_with() {
    let container = || Container::new(4).with(&[("lr", "1e38"), ("max-steps", "1")]);
    for container in [container(), container().without_examination()] {
        let run = container.run();
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        let reason = container.failure().unwrap();
        assert!(
            reason.contains("no step gave weights") && reason.contains("learning rate 1e38"),
            "{reason}"
        );
        assert_untouched(&container);
    }
}

#[test]
fn weights_too_large_for_the_type_of_the_checkpoint_are_not_written() {
    let container = Container::new(4)
        .with(&[("lr", "1e5"), ("max-steps", "1")])
        .without_examination();
    let path = container.path("input/data/model/model.safetensors");
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let half: std::collections::HashMap<String, Tensor> = tensors
        .into_iter()
        .map(|(name, tensor)| match tensor.dtype() {
            DType::F32 => (name, tensor.to_dtype(DType::F16).unwrap()),
            _ => (name, tensor),
        })
        .collect();
    candle_core::safetensors::save(&half, &path).unwrap();
    let run = container.run();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let reason = container.failure().unwrap();
    assert!(
        reason.contains("too large for f16") && reason.contains("the adapter is in"),
        "{reason}"
    );
    assert!(!container.path("model/model.safetensors").exists());
    Adapter::read(&container.path("model/adapter")).unwrap();
    assert_eq!(container.leftovers(), [""; 0]);
}

//! Ten steps of AdamW against those of torch and peft
//! (`crates/blip2/tests/data/blip2-tiny`, written by transformers 5.23, peft
//! 0.21 and torch 2.15), on every engine that trains.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use blip2::training::{Batch, Images, Learning, Row, Trainee};
use blip2::{Adapter, Engine, Error, LoadOptions};
use candle_core::{Device, IndexOp, Tensor};
use trainer::train::optimiser::{Algorithm, Optimiser};

fn stored(name: &str) -> std::collections::HashMap<String, Tensor> {
    candle_core::safetensors::load(common::tiny().join(name), &Device::Cpu).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn ten_losses_are_within_1e_3_and_the_weights_after_them_within_1e_4() {
    let losses = floats(&stored("expected_lora.safetensors")["train_losses"]);
    let after = Adapter::read(&common::tiny().join("adapter_after_10_steps")).unwrap();
    let texts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(common::tiny().join("expected.json")).unwrap())
            .unwrap();
    assert_eq!(losses.len(), 10);
    for engine in [Engine::Packed, Engine::Candle] {
        let options = LoadOptions {
            engine: Some(engine),
            threads: Some(1),
            ..Default::default()
        };
        let adapter = Adapter::read(&common::tiny().join("adapter")).unwrap();
        let checkpoint = common::tiny().join("checkpoint");
        let trainee = match Trainee::load(&checkpoint, &options, &Learning::Adapter(adapter)) {
            // Not every processor has it; `candle` runs anywhere.
            Err(Error::Engine { reason, .. }) if engine == Engine::Packed => {
                eprintln!("skipped: {engine}: {reason}");
                continue;
            }
            loaded => loaded.unwrap(),
        };
        let model = trainee.blip2();
        let ids = |name: &str| -> Vec<Vec<u32>> {
            let texts = texts[name].as_array().unwrap().iter();
            texts
                .map(|text| model.tokenize(text.as_str().unwrap()).unwrap())
                .collect()
        };
        let (prompts, answers) = (ids("prompts"), ids("answers"));
        let pixels = stored("expected.safetensors")["pixel_values_png"]
            .i(0)
            .unwrap();
        let features = model.encode_images(&[pixels]).unwrap().i(0).unwrap();
        let lengths: Vec<usize> = trainee
            .parameters()
            .iter()
            .map(|p| p.elem_count())
            .collect();
        let mut optimiser = Optimiser::new(Algorithm::AdamW, 0.01, &lengths);
        for expected in &losses {
            let rows = prompts.iter().zip(&answers);
            let batch = Batch {
                images: Images::Features(vec![&features]),
                rows: rows
                    .map(|(prompt, answer)| Row {
                        image: 0,
                        prompt,
                        answer,
                    })
                    .collect(),
            };
            let step = trainee.step(&batch, 0.0, None).unwrap();
            let error = (step.loss.mean() / f64::from(*expected) - 1.0).abs();
            assert!(error < 1e-3, "{engine}: {} {expected}", step.loss.mean());
            let mut update = optimiser.step(1e-3);
            let parameters = trainee.parameters().iter().zip(&step.gradients);
            for (index, (parameter, gradient)) in parameters.enumerate() {
                parameter
                    .update(|values| update.apply(index, values, gradient))
                    .unwrap();
            }
        }
        let ours = trainee.adapter().unwrap().unwrap();
        let mut worst = 0f32;
        for (layer, (a, b)) in &after.layers {
            let (our_a, our_b) = &ours.layers[layer];
            for (ours, theirs) in [(our_a, a), (our_b, b)] {
                assert_eq!(ours.dims(), theirs.dims(), "{engine}, {layer}");
                for (ours, theirs) in floats(ours).iter().zip(floats(theirs)) {
                    let error = (ours - theirs).abs();
                    // One that is no number is within nothing.
                    assert!(error < 1e-4, "{engine}, {layer}: {ours} and {theirs}");
                    worst = worst.max(error);
                }
            }
        }
        println!("{engine}: weights after ten steps within {worst:.1e}");
    }
}

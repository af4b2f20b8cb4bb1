//! LoRA and gradients against what peft computed (`tests/data/blip2-tiny`,
//! written with transformers 5.23 and peft 0.21), on every engine that trains.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use blip2::training::{Batch, Images, Learning, Row, Step, Trainee};
use blip2::{
    Adapter, Blip2, Engine, GenerationParameters, LoadOptions, LoraConfig, NumberType,
    TargetModules, photo,
};
use candle_core::{Device, IndexOp, Tensor};
use common::{assert_close, data, expected, floats};

fn expected_lora() -> HashMap<String, Tensor> {
    let file = data("blip2-tiny/expected_lora.safetensors");
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

/// The engines that train on this machine.
fn engines() -> Vec<Engine> {
    let packed = options(Engine::Packed);
    if Blip2::load(&data("blip2-tiny/checkpoint"), &packed).is_err() {
        eprintln!("skipped: the engine packed");
        return vec![Engine::Candle];
    }
    vec![Engine::Packed, Engine::Candle]
}

fn options(engine: Engine) -> LoadOptions {
    LoadOptions {
        engine: Some(engine),
        threads: Some(2),
        ..Default::default()
    }
}

fn adapter(name: &str) -> Adapter {
    Adapter::read(&data("blip2-tiny").join(name)).unwrap()
}

fn trainee(engine: Engine, learning: &Learning) -> Trainee {
    Trainee::load(&data("blip2-tiny/checkpoint"), &options(engine), learning).unwrap()
}

/// The fixture's four questions and answers, as token ids.
struct Questions(Vec<(Vec<u32>, Vec<u32>)>);

impl Questions {
    fn new(model: &Blip2) -> Self {
        let text: serde_json::Value =
            serde_json::from_slice(&std::fs::read(data("blip2-tiny/expected.json")).unwrap())
                .unwrap();
        let ids = |name: &str| -> Vec<Vec<u32>> {
            let texts = text[name].as_array().unwrap().iter();
            texts
                .map(|text| model.tokenize(text.as_str().unwrap()).unwrap())
                .collect()
        };
        Self(ids("prompts").into_iter().zip(ids("answers")).collect())
    }

    fn batch<'a>(&'a self, images: Images<'a>) -> Batch<'a> {
        let row = |(prompt, answer): &'a (Vec<u32>, Vec<u32>)| Row {
            image: 0,
            prompt,
            answer,
        };
        Batch {
            images,
            rows: self.0.iter().map(row).collect(),
        }
    }
}

fn features(model: &Blip2) -> Tensor {
    let pixels = expected()["pixel_values_png"].i(0).unwrap();
    model.encode_images(&[pixels]).unwrap().i(0).unwrap()
}

/// The rows of stored logits `(4, tokens, vocabulary)` that answer tokens have.
fn answer_rows(logits: &Tensor) -> Tensor {
    let labels: Vec<Vec<i64>> = expected()["labels"].to_vec2().unwrap();
    let rows: Vec<Tensor> = labels
        .iter()
        .enumerate()
        .map(|(row, labels)| {
            let count = labels.iter().filter(|&&label| label >= 0).count();
            logits.i((row, ..count)).unwrap()
        })
        .collect();
    Tensor::cat(&rows, 0).unwrap()
}

#[test]
fn logits_with_the_adapter_are_within_1e_3() {
    let stored = answer_rows(&expected_lora()["logits_with_adapter"]);
    for engine in engines() {
        let trainee = trainee(engine, &Learning::Adapter(adapter("adapter")));
        let (questions, features) = (Questions::new(trainee.blip2()), features(trainee.blip2()));
        let batch = questions.batch(Images::Features(vec![&features]));
        let logits = trainee.answer_logits(&batch).unwrap();
        assert_close(&format!("{engine}"), &logits, &stored, 1e-3);
        let loss = trainee.loss(&batch).unwrap().mean();
        let expected = f64::from(floats(&expected_lora()["loss_with_adapter"])[0]);
        assert!(
            (loss / expected - 1.0).abs() < 1e-4,
            "{engine}: {loss} {expected}"
        );
    }
}

#[test]
fn gradients_of_the_first_step_are_within_1e_3_of_the_largest() {
    let stored = expected_lora();
    for engine in engines() {
        let trainee = trainee(engine, &Learning::Adapter(adapter("adapter")));
        let (questions, features) = (Questions::new(trainee.blip2()), features(trainee.blip2()));
        let batch = questions.batch(Images::Features(vec![&features]));
        let step = trainee.step(&batch, 0.0, None).unwrap();
        let of_stored = stored.keys().filter(|name| name.starts_with("grad."));
        assert_eq!(trainee.parameters().len(), of_stored.count());
        let mut worst = 0f32;
        for (parameter, gradient) in trainee.parameters().iter().zip(&step.gradients) {
            let name = format!("grad.base_model.model.{}.default.weight", parameter.name());
            let expected = floats(&stored[&name]);
            let largest = expected
                .iter()
                .fold(0f32, |largest, e| largest.max(e.abs()));
            for (actual, expected) in gradient.iter().zip(&expected) {
                let error = (actual - expected).abs() / largest;
                worst = worst.max(error);
                assert!(
                    error < 1e-3,
                    "{engine}, {name}: {actual} instead of {expected}"
                );
            }
        }
        println!("{engine}: gradients within {worst:.1e} of the largest");
    }
}

#[test]
fn merged_logits_are_within_1e_3_and_equal_the_adapter_beside_the_model() {
    let stored = answer_rows(&expected_lora()["logits_merged_after_10_steps"]);
    for engine in engines() {
        let beside = trainee(
            engine,
            &Learning::Adapter(adapter("adapter_after_10_steps")),
        );
        let questions = Questions::new(beside.blip2());
        let features = features(beside.blip2());
        let batch = questions.batch(Images::Features(vec![&features]));
        let folder = tempfile::tempdir().unwrap();
        beside.write_checkpoint(folder.path()).unwrap();
        let merged = Trainee::load(folder.path(), &options(engine), &Learning::All).unwrap();
        let logits = merged.answer_logits(&batch).unwrap();
        assert_close(&format!("{engine}, merged"), &logits, &stored, 1e-3);
        let unmerged = beside.answer_logits(&batch).unwrap();
        assert_close(&format!("{engine}, beside"), &unmerged, &logits, 1e-4);
    }
}

#[test]
fn an_adapter_is_written_as_it_was_read() {
    let trainee = trainee(Engine::Candle, &Learning::Adapter(adapter("adapter")));
    let folder = tempfile::tempdir().unwrap();
    trainee
        .adapter()
        .unwrap()
        .unwrap()
        .write(folder.path())
        .unwrap();
    let load = |folder: &Path| {
        let file = folder.join("adapter_model.safetensors");
        candle_core::safetensors::load(file, &Device::Cpu).unwrap()
    };
    let (written, stored) = (load(folder.path()), load(&data("blip2-tiny/adapter")));
    assert_eq!(written.len(), stored.len());
    for (name, tensor) in &stored {
        assert_eq!(floats(&written[name]), floats(tensor), "{name}");
    }
    let again = Adapter::read(folder.path()).unwrap();
    assert_eq!(again.config, adapter("adapter").config);
}

/// The two engines differentiate by code of their own: that they agree for
/// every weight of the model says that both are right.
#[test]
fn all_weights_have_one_gradient_on_both_engines() {
    let photos = ["photo.png", "photo.jpg"].map(|name| {
        let bytes = std::fs::read(data("blip2-tiny").join(name)).unwrap();
        photo::decode(&bytes, 1 << 24).unwrap()
    });
    let step = |engine, checkpoint: &Path| -> (Vec<String>, Step) {
        let trainee = Trainee::load(checkpoint, &options(engine), &Learning::All).unwrap();
        assert!(trainee.learns_to_see());
        let pixels = photos
            .each_ref()
            .map(|photo| trainee.blip2().preprocess(photo).unwrap());
        let questions = Questions::new(trainee.blip2());
        let mut batch = questions.batch(Images::Pixels(pixels.iter().collect()));
        for (row, image) in batch.rows.iter_mut().zip([1, 0, 1, 1]) {
            row.image = image;
        }
        let step = trainee.step(&batch, 0.1, None).unwrap();
        let names = trainee.parameters().iter();
        (
            names.map(|parameter| parameter.name().to_owned()).collect(),
            step,
        )
    };
    let engines = engines();
    for checkpoint in [data("blip2-tiny/checkpoint"), common::mini()] {
        let (names, candle) = step(Engine::Candle, &checkpoint);
        let without = |step: &Step| {
            let each = names.iter().zip(&step.gradients);
            each.filter(|(_, gradient)| gradient.iter().all(|&number| number == 0.0))
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(without(&candle), Vec::<String>::new());
        if !engines.contains(&Engine::Packed) {
            continue;
        }
        let (_, packed) = step(Engine::Packed, &checkpoint);
        assert!((packed.loss.mean() - candle.loss.mean()).abs() < 1e-5);
        let pairs = packed.gradients.iter().zip(&candle.gradients);
        for (name, (packed, candle)) in names.iter().zip(pairs) {
            assert_equal_gradients(name, packed, candle);
        }
    }
}

#[track_caller]
fn assert_equal_gradients(name: &str, packed: &[f32], candle: &[f32]) {
    // Some are nothing but rounding: a key's bias moves all scores alike.
    let largest = candle.iter().fold(1e-4f32, |most, g| most.max(g.abs()));
    for (packed, candle) in packed.iter().zip(candle) {
        let error = (packed - candle).abs() / largest;
        assert!(
            error < 2e-3,
            "{name}: {packed} and {candle}, largest {largest}"
        );
    }
}

#[test]
fn a_head_that_is_tied_and_stored_stays_tied() {
    let trainee = Trainee::load(&common::mini(), &options(engines()[0]), &Learning::All).unwrap();
    let names = |name: &str| {
        let mut parameters = trainee.parameters().iter();
        parameters.any(|parameter| parameter.name() == name)
    };
    let (head, shared) = (
        "language_model.lm_head.weight",
        "language_model.shared.weight",
    );
    assert!(names(shared) && !names(head));
    for parameter in trainee.parameters() {
        parameter.update(|values| values.fill(0.125)).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    trainee.write_checkpoint(folder.path()).unwrap();
    let file = folder.path().join("model.safetensors");
    let written = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let stored =
        candle_core::safetensors::load(common::mini().join("model.safetensors"), &Device::Cpu)
            .unwrap();
    assert_eq!(written.len(), stored.len());
    for (name, tensor) in &written {
        assert_eq!(tensor.dims(), stored[name].dims(), "{name}");
        assert!(
            floats(tensor).iter().all(|&number| number == 0.125),
            "{name}"
        );
    }
}

/// Without a head of its own, the embedding is the head.
#[test]
fn a_head_that_is_the_embedding_is_not_adapted() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(data("blip2-tiny/checkpoint")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let file = folder.path().join("model.safetensors");
    let mut tensors = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    tensors.remove("language_model.lm_head.weight").unwrap();
    candle_core::safetensors::save(&tensors, &file).unwrap();

    let shared = "language_model.shared";
    for engine in engines() {
        let config = LoraConfig {
            target_modules: TargetModules::Pattern(r"language_model\..*".to_owned()),
            ..config(&[], 0.0)
        };
        let learning = Learning::NewAdapter(config, 5);
        let trainee = Trainee::load(folder.path(), &options(engine), &learning).unwrap();
        assert!(!trainee.parameters().is_empty());
        let names = trainee.parameters().iter().map(|one| one.name());
        assert_eq!(names.filter(|name| name.starts_with(shared)).count(), 0);

        // Nor is one taken from elsewhere that has it, nor where nothing else is.
        let mut adapter = trainee.adapter().unwrap().unwrap();
        let table = tensors["language_model.shared.weight"].dims2().unwrap();
        let zeros = |dims| Tensor::zeros(dims, candle_core::DType::F32, &Device::Cpu).unwrap();
        let matrices = (zeros((4, table.1)), zeros((table.0, 4)));
        adapter.layers.insert(shared.to_owned(), matrices);
        for learning in [
            Learning::Adapter(adapter),
            Learning::NewAdapter(self::config(&["shared"], 0.0), 5),
        ] {
            let error = Trainee::load(folder.path(), &options(engine), &learning).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("no layer language_model.shared")
                    || error.contains("no linear layer"),
                "{error}"
            );
        }
    }
}

fn config(targets: &[&str], dropout: f64) -> LoraConfig {
    LoraConfig {
        r: 4,
        alpha: 8.0,
        dropout,
        target_modules: TargetModules::Names(targets.iter().map(|&t| t.to_owned()).collect()),
        use_rslora: false,
    }
}

#[test]
fn layers_of_the_vision_encoder_and_the_qformer_are_adapted_too() {
    let targets = [
        "qkv",
        "query",
        "patch_embedding",
        "language_projection",
        "wo",
    ];
    let mut gradients = Vec::new();
    for engine in engines() {
        let learning = Learning::NewAdapter(config(&targets, 0.3), 5);
        let trainee = trainee(engine, &learning);
        assert!(trainee.learns_to_see());
        // B is zero in the beginning, so that only it has a gradient.
        for parameter in trainee.parameters() {
            let fill = |values: &mut [f32]| {
                for (at, value) in values.iter_mut().enumerate() {
                    *value += 0.01 * (at as f32).sin();
                }
            };
            parameter.update(fill).unwrap();
        }
        let pixels = expected()["pixel_values_png"].i(0).unwrap();
        let questions = Questions::new(trainee.blip2());
        let batch = questions.batch(Images::Pixels(vec![&pixels]));
        let step = trainee.step(&batch, 0.0, Some(11)).unwrap();
        let again = trainee.step(&batch, 0.0, Some(11)).unwrap();
        assert_eq!(step.gradients, again.gradients);
        assert_ne!(step.loss, trainee.step(&batch, 0.0, Some(12)).unwrap().loss);
        for (parameter, gradient) in trainee.parameters().iter().zip(&step.gradients) {
            assert!(gradient.iter().any(|&g| g != 0.0), "{}", parameter.name());
        }
        println!("{engine}: loss {}", step.loss.mean());
        let names = trainee.parameters().iter();
        let names: Vec<String> = names.map(|one| one.name().to_owned()).collect();
        gradients.push((names, step.gradients));
    }
    let [(names, packed), (_, candle)] = gradients.as_slice() else {
        return;
    };
    for (name, (packed, candle)) in names.iter().zip(packed.iter().zip(candle)) {
        assert_equal_gradients(name, packed, candle);
    }
}

#[test]
fn gradients_do_not_depend_on_the_number_of_threads() {
    let mut seen = Vec::new();
    for threads in [1, 2, 3] {
        let options = LoadOptions {
            threads: Some(threads),
            ..options(engines()[0])
        };
        let trainee = Trainee::load(&common::mini(), &options, &Learning::All).unwrap();
        let pixels = Tensor::ones((3, 96, 96), candle_core::DType::F32, &Device::Cpu).unwrap();
        let questions = Questions::new(trainee.blip2());
        let batch = questions.batch(Images::Pixels(vec![&pixels; 3]));
        seen.push(trainee.step(&batch, 0.0, Some(1)).unwrap().gradients);
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn bf16_learns_in_the_direction_of_f32() {
    if engines().len() < 2 {
        return;
    }
    let step = |number_type| {
        let options = LoadOptions {
            number_type: Some(number_type),
            ..options(Engine::Packed)
        };
        let learning = Learning::Adapter(adapter("adapter"));
        let loaded = Trainee::load(&data("blip2-tiny/checkpoint"), &options, &learning);
        let Ok(trainee) = loaded else {
            eprintln!("skipped: no bf16");
            return None;
        };
        let (questions, features) = (Questions::new(trainee.blip2()), features(trainee.blip2()));
        let batch = questions.batch(Images::Features(vec![&features]));
        Some(trainee.step(&batch, 0.0, None).unwrap().gradients.concat())
    };
    let (Some(full), Some(half)) = (step(NumberType::F32), step(NumberType::Bf16)) else {
        return;
    };
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let cosine = dot(&full, &half) / (dot(&full, &full) * dot(&half, &half)).sqrt();
    println!("cosine of f32's and bf16's gradients: {cosine}");
    assert!(cosine > 0.99, "{cosine}");
}

#[test]
fn an_adapter_that_learns_is_what_answers() {
    let before = trainee(
        engines()[0],
        &Learning::NewAdapter(config(&["q", "v"], 0.0), 5),
    );
    let features = features(before.blip2()).unsqueeze(0).unwrap();
    let prompts = ["Question: Fit? Answer: ".to_owned()];
    let answer = || {
        let parameters = GenerationParameters::default();
        let answers = before.blip2().generate(&features, &prompts, &parameters);
        answers.unwrap()[0].log_probability
    };
    let untouched = answer();
    let plain = Blip2::load(&data("blip2-tiny/checkpoint"), &options(engines()[0])).unwrap();
    let parameters = GenerationParameters::default();
    let of_plain = plain.generate(&features, &prompts, &parameters).unwrap();
    assert_eq!(of_plain[0].log_probability, untouched);
    for parameter in before.parameters() {
        parameter.update(|values| values.fill(0.05)).unwrap();
    }
    assert_ne!(answer(), untouched);
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let checkpoint = data("blip2-tiny/checkpoint");
    let refused = |options: &LoadOptions, learning: &Learning| {
        let error = Trainee::load(&checkpoint, options, learning).unwrap_err();
        error.to_string()
    };
    let none = Learning::NewAdapter(config(&["nothing"], 0.0), 1);
    assert!(refused(&options(Engine::Candle), &none).contains("nothing"));
    // Nor beside one that there is.
    let one = Learning::NewAdapter(config(&["q", "c_attn"], 0.0), 1);
    let reason = refused(&options(Engine::Candle), &one);
    assert!(
        reason.contains("target module `c_attn`") && reason.contains("lm_head, o, patch_embedding"),
        "{reason}"
    );
    let half = LoadOptions {
        number_type: Some(NumberType::Bf16),
        ..Default::default()
    };
    assert!(refused(&half, &Learning::All).contains("f32"));
    let mut wrong = adapter("adapter");
    let (name, pair) = wrong.layers.pop_first().unwrap();
    wrong.layers.insert(format!("{name}q"), pair);
    let learning = Learning::Adapter(wrong);
    assert!(refused(&options(Engine::Candle), &learning).contains("no layer"));
    let mut other = adapter("adapter");
    other.config.target_modules = config(&["q"], 0.0).target_modules;
    let reason = refused(&options(Engine::Candle), &Learning::Adapter(other));
    assert!(
        reason.contains("which do not name language_model."),
        "{reason}"
    );
}

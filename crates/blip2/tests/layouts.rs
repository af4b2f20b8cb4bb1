//! The forms in which a checkpoint may be stored give the same answers.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use blip2::{
    Blip2, Engine, Error, Generated, GenerationParameters, LoadOptions, NumberType, Quantization,
};
use candle_core::{DType, Device, IndexOp, Tensor};
use common::{data, expected};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROMPT: &str = "Question: What is the fabric of the shirt in this picture? Answer: ";

/// A copy of the tiny checkpoint without its weights.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(data("blip2-tiny/checkpoint")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name != "model.safetensors" {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    folder
}

fn weights() -> HashMap<String, Tensor> {
    let file = data("blip2-tiny/checkpoint/model.safetensors");
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

fn save(tensors: &HashMap<String, Tensor>, folder: &Path, name: &str) {
    candle_core::safetensors::save(tensors, folder.join(name)).unwrap();
}

fn load(folder: &Path) -> Result<Blip2, Error> {
    Blip2::load(folder, &LoadOptions::default())
}

fn answer(model: &Blip2) -> Generated {
    let pixels = expected()["pixel_values_png"].i(0).unwrap();
    let features = model.encode_images(&[pixels]).unwrap();
    let parameters = GenerationParameters {
        max_new_tokens: 12,
        ..Default::default()
    };
    model
        .generate(&features, &[PROMPT.to_owned()], &parameters)
        .unwrap()
        .remove(0)
}

fn reference() -> Generated {
    answer(&load(&data("blip2-tiny/checkpoint")).unwrap())
}

/// Changes the configuration of a copy.
fn configure(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&path, config.to_string()).unwrap();
}

#[test]
fn shards_with_an_index_are_one_checkpoint() {
    let folder = copy();
    let mut shards = [HashMap::new(), HashMap::new(), HashMap::new()];
    let mut weight_map = serde_json::Map::new();
    let mut names: Vec<_> = weights().into_iter().collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (index, (name, tensor)) in names.into_iter().enumerate() {
        let file = format!("model-{:05}-of-00003.safetensors", index % 3 + 1);
        weight_map.insert(name.clone(), json!(file));
        shards[index % 3].insert(name, tensor);
    }
    for (index, shard) in shards.iter().enumerate() {
        save(
            shard,
            folder.path(),
            &format!("model-{:05}-of-00003.safetensors", index + 1),
        );
    }
    let index = json!({"metadata": {}, "weight_map": weight_map}).to_string();
    std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(answer(&load(folder.path()).unwrap()), reference());
}

#[test]
fn weights_stored_in_half_precision_are_computed_in_full() {
    for (dtype, tolerance) in [(DType::F16, 0.01), (DType::BF16, 0.15)] {
        let folder = copy();
        let half: HashMap<String, Tensor> = weights()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.to_dtype(dtype).unwrap()))
            .collect();
        save(&half, folder.path(), "model.safetensors");
        let (stored, full) = (answer(&load(folder.path()).unwrap()), reference());
        let difference = (stored.confidence() - full.confidence()).abs();
        println!("stored in {dtype:?}: confidence differs by {difference:.1e}");
        assert!(difference < tolerance, "{dtype:?} {difference}");
    }
}

#[test]
fn a_configuration_of_the_older_generation_is_the_same_model() {
    let folder = copy();
    save(&weights(), folder.path(), "model.safetensors");
    configure(folder.path(), |config| {
        config.as_object_mut().unwrap().remove("image_token_index");
        let text = config["text_config"].as_object_mut().unwrap();
        text.remove("scale_decoder_outputs");
        text.insert("tie_word_embeddings".to_owned(), json!(false));
        text.insert("dense_act_fn".to_owned(), json!("gelu"));
    });
    std::fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    assert_eq!(answer(&load(folder.path()).unwrap()), reference());
}

#[test]
fn without_a_head_the_embedding_is_the_head_scaled_as_the_configuration_says() {
    let log_probability = |scaled: Option<bool>| {
        let folder = copy();
        let mut tensors = weights();
        tensors.remove("language_model.lm_head.weight").unwrap();
        save(&tensors, folder.path(), "model.safetensors");
        configure(folder.path(), |config| {
            let text = config["text_config"].as_object_mut().unwrap();
            text.insert("scale_decoder_outputs".to_owned(), json!(scaled));
            text.insert("tie_word_embeddings".to_owned(), json!(true));
        });
        answer(&load(folder.path()).unwrap()).log_probability
    };
    // What is left out follows `tie_word_embeddings`.
    assert_eq!(log_probability(None), log_probability(Some(true)));
    assert_ne!(log_probability(Some(false)), log_probability(Some(true)));
}

#[test]
fn a_head_that_is_the_embedding_answers_as_one_that_is_stored_apart() {
    let folder = |stored: bool| {
        let folder = copy();
        let mut tensors = weights();
        let shared = tensors["language_model.shared.weight"].clone();
        tensors.insert("language_model.lm_head.weight".to_owned(), shared);
        if !stored {
            tensors.remove("language_model.lm_head.weight");
        }
        save(&tensors, folder.path(), "model.safetensors");
        configure(folder.path(), |config| {
            config["text_config"]["scale_decoder_outputs"] = json!(false);
        });
        folder
    };
    let (apart, tied) = (folder(true), folder(false));
    let plain = [NumberType::F32, NumberType::Bf16].map(|number_type| LoadOptions {
        number_type: Some(number_type),
        ..Default::default()
    });
    let quantised = [Quantization::Q8_0, Quantization::Q4K].map(|quantization| LoadOptions {
        quantization: Some(quantization),
        ..Default::default()
    });
    for options in plain.into_iter().chain(quantised) {
        for engine in [Engine::Candle, Engine::Packed] {
            let options = LoadOptions {
                engine: Some(engine),
                ..options.clone()
            };
            let load = |folder: &TempDir| match Blip2::load(folder.path(), &options) {
                Err(Error::Engine { .. }) => None,
                loaded => Some(loaded.unwrap()),
            };
            let (Some(apart), Some(tied)) = (load(&apart), load(&tied)) else {
                eprintln!("skipped: this processor has no {engine}");
                continue;
            };
            assert_eq!(answer(&tied), answer(&apart), "{options:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_names_it() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage); 5] = [
        ("no model.safetensors", |_| ()),
        ("language_projection.weight", |folder| {
            let mut tensors = weights();
            tensors.remove("language_projection.weight").unwrap();
            save(&tensors, folder, "model.safetensors");
        }),
        ("qformer", |folder| {
            save(&weights(), folder, "model.safetensors");
            configure(folder, |config| {
                config["qformer_config"]["intermediate_size"] = json!(97)
            });
        }),
        ("tokenizer.json", |folder| {
            save(&weights(), folder, "model.safetensors");
            std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
        }),
        ("preprocessor_config.json", |folder| {
            save(&weights(), folder, "model.safetensors");
            std::fs::write(folder.join("preprocessor_config.json"), r#"{"size": 60}"#).unwrap();
        }),
    ];
    for (needle, damage) in cases {
        let folder = copy();
        damage(folder.path());
        let error = load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(needle), "{needle}: {error}");
    }
    let folder = copy();
    std::fs::write(folder.path().join("model.safetensors"), [1, 2, 3]).unwrap();
    assert!(load(folder.path()).is_err());
}

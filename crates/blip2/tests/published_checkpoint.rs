//! The real model, as far as it can be tried without its 16 GB of weights:
//! configuration, names and shapes of the weights, tokenizer.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use blip2::Tokenizer;
use blip2::config::Blip2Config;
use blip2::model::Blip2Model;
use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;
use common::{data, shared};

/// Gives any tensor that is asked for, one number wide, and remembers it.
#[derive(Clone, Default)]
struct Recorder {
    asked: Arc<Mutex<BTreeMap<String, Vec<usize>>>>,
    stored: Arc<BTreeSet<String>>,
}

impl SimpleBackend for Recorder {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let before = self
            .asked
            .lock()
            .unwrap()
            .insert(name.to_owned(), shape.dims().to_vec());
        assert_eq!(before, None, "{name} is loaded twice");
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.stored.contains(name)
    }
}

fn published(name: &str) -> String {
    std::fs::read_to_string(data("blip2-flan-t5-xl").join(name)).unwrap()
}

#[test]
fn the_names_asked_for_are_exactly_the_1289_of_the_index_and_the_sizes_add_up() {
    let index: serde_json::Value =
        serde_json::from_str(&published("model.safetensors.index.json")).unwrap();
    let stored: BTreeSet<String> = index["weight_map"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let recorder = Recorder {
        asked: Arc::default(),
        stored: Arc::new(stored.clone()),
    };
    let config = Blip2Config::from_json(&published("config.json")).unwrap();
    let vb = VarBuilder::from_backend(Box::new(recorder.clone()), DType::F32, Device::Cpu);
    Blip2Model::new(&config, vb).unwrap();

    let asked = recorder.asked.lock().unwrap();
    let names: BTreeSet<String> = asked.keys().cloned().collect();
    assert_eq!(names.len(), 1289);
    assert_eq!(names, stored);
    // The index states the bytes of all tensors, in f32: the shapes that
    // follow from the configuration are right together.
    let bytes: usize = asked
        .values()
        .map(|dims| 4 * dims.iter().product::<usize>())
        .sum();
    assert_eq!(
        bytes as u64,
        index["metadata"]["total_size"].as_u64().unwrap()
    );
}

#[test]
fn the_published_configuration_is_read_as_it_is() {
    let config = Blip2Config::from_json(&published("config.json")).unwrap();
    assert_eq!(config.vision_config.layer_norm_eps, 1e-5);
    assert_eq!(config.vision_config.num_patches(), 256);
    assert_eq!(config.text_config.num_decoder_layers(), 24);
    assert!(!config.text_config.scales_tied_output());
    let defaults =
        blip2::GenerationParameters::from_generation_config(&published("generation_config.json"));
    assert_eq!(defaults.unwrap(), blip2::GenerationParameters::default());
    let processor = blip2::ImageProcessor::from_json(&published("preprocessor_config.json"));
    assert_eq!(processor.unwrap().size(), (224, 224));
}

#[test]
fn token_ids_are_exact_with_the_published_tokenizer() {
    let Some(folder) = shared("blip2-flan-t5-xl") else {
        return;
    };
    let config = Blip2Config::from_json(&published("config.json")).unwrap();
    let text = std::fs::read_to_string(folder.join("tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::from_json(&text, &config.text_config).unwrap();
    let cases: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(folder.join("tokenization.json")).unwrap()).unwrap();
    assert!(!cases.is_empty());
    for case in &cases {
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let text = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text).unwrap(), ids, "{text:?}");
    }
    println!("{} texts", cases.len());
}

//! The largest choice that a server lets through, with the vocabulary of the
//! real model: 1,000 texts of 40 tokens. A program of its own, because it
//! looks at the memory of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use blip2::config::Blip2Config;
use blip2::generation::{Batch, Finished, SpecialIds};
use blip2::model::Blip2Model;
use blip2::{ChoiceTree, Chosen, Question, Task};
use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::init::Init;
use candle_nn::var_builder::SimpleBackend;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TEXTS: usize = 1_000;
const TOKENS: usize = 40;

/// Random weights.
struct Random;

impl SimpleBackend for Random {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().map(u64::from).sum());
        let values: Vec<f32> = (0..shape.elem_count())
            .map(|_| rng.random_range(-0.5..0.5))
            .collect();
        Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        candle_core::bail!("{name} is asked for without a shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

fn config() -> Blip2Config {
    let config = r#"{
        "num_query_tokens": 4,
        "vision_config": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
        "qformer_config": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "encoder_hidden_size": 16},
        "text_config": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2,
            "vocab_size": 32128}}"#;
    Blip2Config::from_json(config).unwrap()
}

/// The most memory that the process ever had, in MiB, where the system says so.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

fn choose(model: &Arc<Blip2Model>, special: &SpecialIds, ids: &[Vec<u32>]) -> Chosen {
    let texts: Vec<String> = (0..ids.len()).map(|index| index.to_string()).collect();
    let tree = ChoiceTree::new(&texts, special.decoder_start, |text| {
        Ok(ids[text.parse::<usize>().unwrap()].clone())
    });
    let features = Tensor::arange(0f32, 64.0, &Device::Cpu).unwrap();
    let question = Question {
        image_features: features.reshape((4, 16)).unwrap(),
        prompt: vec![5, 6, 7, 1],
        task: Task::Choose(Arc::new(tree.unwrap())),
        adapter: None,
    };
    let mut batch = Batch::start(model, special, &[question]).unwrap();
    loop {
        if let Some((0, Finished::Chosen(chosen))) = batch.step().unwrap().pop() {
            assert!(batch.is_done());
            return chosen;
        }
    }
}

#[test]
fn a_thousand_texts_of_forty_tokens_are_chosen_from_in_bounded_memory() {
    let config = config();
    let weights = VarBuilder::from_backend(Box::new(Random), DType::F32, Device::Cpu);
    let model = Arc::new(Blip2Model::new(&config, weights).unwrap());
    let special = SpecialIds::new(&config.text_config);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let ids: Vec<Vec<u32>> = (0..TEXTS)
        .map(|_| {
            let token = |_| rng.random_range(2..32_128);
            (1..TOKENS).map(token).chain([1]).collect()
        })
        .collect();
    let before = peak_mib();
    let started = Instant::now();
    let chosen = choose(&model, &special, &ids);
    let elapsed = started.elapsed();
    if let (Some(before), Some(after)) = (before, peak_mib()) {
        // The logits of all nodes alone would be 4,900.
        println!("{} MiB, {} ms", after - before, elapsed.as_millis());
        assert!(after - before < 128, "{before} {after}");
    }
    assert_eq!(chosen.token_counts, vec![TOKENS; TEXTS]);
    assert!(
        chosen
            .log_probabilities
            .iter()
            .all(|log| log.is_finite() && *log < 0.0)
    );
    assert!((chosen.normalised().iter().sum::<f64>() - 1.0).abs() < 1e-9);
    for index in [0, 499, 999] {
        let alone = choose(&model, &special, &ids[index..=index]).log_probabilities[0];
        let difference = (chosen.log_probabilities[index] - alone).abs();
        assert!(difference < 1e-3, "{index}: {alone}, {difference}");
    }
}

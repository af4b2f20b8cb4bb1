//! Adapters beside a model that answers: each question with one of its own,
//! many of them in one batch, as the checkpoint answers that the adapter is
//! merged into.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;
use std::sync::Arc;

use blip2::training::{Learning, Trainee};
use blip2::{
    Adapter, Blip2, Chosen, Engine, GenerationParameters, LoadOptions, LoadedAdapter, Outcome,
    Quantization, Question, TargetModules, Task,
};
use candle_core::{Device, IndexOp, Tensor};
use candle_nn::ops::log_softmax;
use common::{LINEAR_LAYERS, answer_all, data, expected, largest, made_adapter};

fn checkpoint() -> std::path::PathBuf {
    data("blip2-tiny/checkpoint")
}

fn stored(name: &str) -> Adapter {
    Adapter::read(&data("blip2-tiny").join(name)).unwrap()
}

/// What peft wrote, the same turned round, and one for every linear layer.
fn adapters() -> Vec<(&'static str, Adapter)> {
    let mut opposite = stored("adapter");
    for (_, b) in opposite.layers.values_mut() {
        *b = b.affine(-1.5, 0.0).unwrap();
    }
    vec![
        ("stored", stored("adapter")),
        ("after-10-steps", stored("adapter_after_10_steps")),
        ("opposite", opposite),
        ("wide", made_adapter(&checkpoint(), LINEAR_LAYERS, 3)),
    ]
}

fn options(engine: Engine) -> LoadOptions {
    LoadOptions {
        engine: Some(engine),
        threads: Some(2),
        ..Default::default()
    }
}

/// The checkpoint by every engine that this machine and this build have.
fn models() -> Vec<(Engine, Blip2)> {
    let engines = [Engine::Candle, Engine::Packed, Engine::OneDnn].into_iter();
    let load = |engine| match Blip2::load(&checkpoint(), &options(engine)) {
        Ok(model) => Some((engine, model)),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    };
    engines.filter_map(load).collect()
}

/// The checkpoint with the adapter within its weights.
fn merged(folder: &Path, adapter: &Adapter, engine: Engine) -> Blip2 {
    let learning = Learning::Adapter(adapter.clone());
    let options = LoadOptions::default();
    let trainee = Trainee::load(&checkpoint(), &options, &learning).unwrap();
    trainee.write_checkpoint(folder).unwrap();
    Blip2::load(folder, &self::options(engine)).unwrap()
}

/// The fixture's questions and answers.
fn texts(name: &str) -> Vec<String> {
    let text = std::fs::read(data("blip2-tiny/expected.json")).unwrap();
    let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let texts = text[name].as_array().unwrap().iter();
    texts.map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// Every question written freely, by beams, and held to the answers.
fn questions(model: &Blip2, adapter: Option<&Arc<LoadedAdapter>>) -> Vec<Question> {
    let pixels = expected()["pixel_values_png"].i(0).unwrap();
    let features = model.encode_images(&[pixels]).unwrap().i(0).unwrap();
    let free = |num_beams| {
        Task::Generate(GenerationParameters {
            max_new_tokens: 12,
            num_beams,
            ..Default::default()
        })
    };
    let choices = Task::Choose(Arc::new(model.choice_tree(&texts("answers")).unwrap()));
    let tasks = [free(1), free(3), choices];
    let prompts = texts("prompts");
    let each = prompts
        .iter()
        .flat_map(|prompt| tasks.iter().map(move |task| (prompt, task)));
    each.map(|(prompt, task)| Question {
        image_features: features.clone(),
        prompt: model.tokenize(prompt).unwrap(),
        task: task.clone(),
        adapter: adapter.cloned(),
    })
    .collect()
}

fn log_probabilities(outcome: &Outcome) -> Vec<f64> {
    match outcome {
        Outcome::Generated(generated) => vec![generated.log_probability],
        Outcome::Chosen(chosen) => chosen.log_probabilities.clone(),
    }
}

/// The logarithms of the probabilities of the same texts, in pairs.
fn pairs(one: &[Outcome], other: &[Outcome]) -> Vec<(f64, f64)> {
    assert_eq!(one.len(), other.len());
    let mut pairs = Vec::new();
    for (one, other) in one.iter().zip(other) {
        if let (Outcome::Generated(one), Outcome::Generated(other)) = (one, other) {
            assert_eq!(one.token_ids, other.token_ids);
        }
        let other = log_probabilities(other);
        pairs.extend(log_probabilities(one).into_iter().zip(other));
    }
    pairs
}

/// The largest difference of logarithms of probabilities, no number where one of them is
/// none; free texts are equal.
fn difference(one: &[Outcome], other: &[Outcome]) -> f64 {
    let pairs = pairs(one, other).into_iter();
    largest(pairs.map(|(a, b)| (a - b).abs()))
}

#[test]
fn what_is_no_number_differs_from_all() {
    let outcome = |log_probabilities: [f64; 3]| {
        let chosen = Chosen {
            log_probabilities: log_probabilities.to_vec(),
            token_counts: vec![1; 3],
        };
        [Outcome::Chosen(chosen)]
    };
    let good = outcome([-1.0, -2.0, -0.5]);
    assert_eq!(difference(&good, &outcome([-1.0, -2.5, -0.25])), 0.5);
    for place in 0..3 {
        let mut numbers = [-1.0, -2.0, -0.5];
        numbers[place] = f64::NAN;
        let bad = outcome(numbers);
        for (one, other) in [(&good, &bad), (&bad, &good), (&bad, &bad)] {
            assert!(difference(one, other).is_nan());
        }
    }
}

#[test]
fn answers_are_those_of_the_merged_checkpoint_within_1e_4() {
    for (engine, model) in models() {
        let plain = answer_all(&model, &questions(&model, None));
        for (name, adapter) in adapters() {
            let loaded = model.load_adapter(name, &adapter).unwrap();
            let beside = answer_all(&model, &questions(&model, Some(&loaded)));
            let folder = tempfile::tempdir().unwrap();
            let merged = merged(folder.path(), &adapter, engine);
            let within = answer_all(&merged, &questions(&merged, None));
            let largest = difference(&beside, &within);
            println!("{engine}, {name}: within {largest:.1e} of the merged checkpoint");
            assert!(largest < 1e-4, "{engine}, {name}: {largest}");
            let changed = plain
                .iter()
                .zip(&beside)
                .any(|(plain, beside)| log_probabilities(plain) != log_probabilities(beside));
            assert!(changed, "{name} changes nothing");
        }
    }
}

#[test]
fn answers_are_as_likely_as_peft_says_within_1e_4() {
    let file = data("blip2-tiny/expected_lora.safetensors");
    let stored_logits = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let logits = log_softmax(&stored_logits["logits_with_adapter"], 2).unwrap();
    let labels: Vec<Vec<i64>> = expected()["labels"].to_vec2().unwrap();
    for (engine, model) in models() {
        let adapter = model.load_adapter("stored", &stored("adapter")).unwrap();
        let answers = answer_all(&model, &questions(&model, Some(&adapter)));
        // The third task of each question is held to all four answers.
        let held = answers.iter().skip(2).step_by(3);
        for (row, (outcome, labels)) in held.zip(&labels).enumerate() {
            let of_token = |(at, &label): (usize, &i64)| {
                let logit = logits.i((row, at, label as usize)).unwrap();
                f64::from(logit.to_scalar::<f32>().unwrap())
            };
            let tokens = labels.iter().enumerate().filter(|(_, label)| **label >= 0);
            let expected: f64 = tokens.map(of_token).sum();
            let actual = log_probabilities(outcome)[row];
            println!("{engine}, question {row}: {actual} for {expected}");
            assert!((actual - expected).abs() < 1e-4, "{actual} {expected}");
        }
    }
}

#[test]
fn adapters_and_none_share_a_batch_as_if_each_were_alone() {
    for (engine, model) in models() {
        let loaded = adapters()
            .into_iter()
            .map(|(name, adapter)| Some(model.load_adapter(name, &adapter).unwrap()));
        let loaded: Vec<_> = loaded.chain([None]).collect();
        let alone: Vec<Vec<Question>> = loaded
            .iter()
            .map(|adapter| questions(&model, adapter.as_ref()))
            .collect();
        // Neighbours have different ones.
        let count = alone[0].len();
        let mixed: Vec<Question> = (0..count)
            .flat_map(|at| alone.iter().map(move |questions| questions[at].clone()))
            .collect();
        let together = answer_all(&model, &mixed);
        for (index, questions) in alone.iter().enumerate() {
            let of_adapter = together.iter().skip(index).step_by(alone.len());
            let of_adapter: Vec<Outcome> = of_adapter.cloned().collect();
            for (question, together) in questions.iter().zip(&of_adapter) {
                let alone = answer_all(&model, std::slice::from_ref(question));
                // A text that is next to impossible has a large logarithm.
                for (alone, together) in pairs(&alone, std::slice::from_ref(together)) {
                    let difference = (alone - together).abs() / alone.abs().max(1.0);
                    assert!(difference < 1e-5, "{engine}: {alone} and {together}");
                }
            }
        }
    }
}

/// What has no adapter is computed by the same sums in the same order, whoever
/// is in its batch.
#[test]
fn rows_without_an_adapter_keep_their_bits_by_the_packed_kernels() {
    let Some((_, model)) = models()
        .into_iter()
        .find(|(engine, _)| *engine == Engine::Packed)
    else {
        return;
    };
    let wide = made_adapter(&checkpoint(), LINEAR_LAYERS, 3);
    let wide = model.load_adapter("wide", &wide).unwrap();
    let plain = questions(&model, None);
    let mixed = [questions(&model, Some(&wide)), plain.clone()].concat();
    let together = answer_all(&model, &mixed);
    assert_eq!(together[plain.len()..], answer_all(&model, &plain));
}

#[test]
fn adapters_go_beside_quantised_weights() {
    for engine in [Engine::Candle, Engine::Packed] {
        let options = LoadOptions {
            quantization: Some(Quantization::Q8_0),
            ..options(engine)
        };
        let model = match Blip2::load(&checkpoint(), &options) {
            Ok(model) => model,
            Err(error) => {
                eprintln!("skipped: {error}");
                continue;
            }
        };
        let adapter = stored("adapter_after_10_steps");
        let folder = tempfile::tempdir().unwrap();
        let merged = merged(folder.path(), &adapter, Engine::Candle);
        let loaded = model.load_adapter("stored", &adapter).unwrap();
        // Choices only: a free text may part at the first close token.
        let held = |model: &Blip2, adapter| -> Vec<Outcome> {
            let all = questions(model, adapter);
            let held: Vec<Question> = all.into_iter().skip(2).step_by(3).collect();
            answer_all(model, &held)
        };
        let beside = difference(&held(&model, Some(&loaded)), &held(&merged, None));
        let without = difference(&held(&model, None), &held(&merged, None));
        println!("{engine}: {beside:.3} with the adapter, {without:.3} without");
        assert!(beside < without / 20.0, "{beside} {without}");
    }
}

#[test]
fn what_does_not_fit_the_model_is_refused() {
    let model = Blip2::load(&checkpoint(), &LoadOptions::default()).unwrap();
    let refused = |adapter: &Adapter, needle: &str| {
        let error = model.load_adapter("wrong", adapter).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(needle), "{error}");
    };
    refused(
        &made_adapter(&checkpoint(), &["v", "fc1"], 1),
        "merge it into a checkpoint of its own",
    );
    refused(
        &made_adapter(&common::mini(), &["q"], 1),
        "it was trained for another model",
    );
    let change = |change: &dyn Fn(String, (Tensor, Tensor)) -> (String, (Tensor, Tensor))| {
        let mut adapter = stored("adapter");
        adapter.layers = adapter
            .layers
            .into_iter()
            .map(|(name, pair)| change(name, pair))
            .collect();
        adapter
    };
    refused(
        &change(&|name, pair| (format!("{name}q"), pair)),
        "the model has no layer",
    );
    refused(
        &change(&|name, (a, b)| (name, (a, (b / 0.0).unwrap()))),
        "no finite number",
    );
    // Each of the matrices is of finite numbers, and nothing that follows from them is.
    let large = |matrix: Tensor| (matrix * 1e25).unwrap();
    for absurd in [
        change(&|name, (a, b)| (name, (large(a), large(b)))),
        change(&|name, (a, b)| (name, (large(a), b))),
        change(&|name, (a, b)| (name, (a, large(b)))),
    ] {
        refused(&absurd, "no finite number in f32");
    }
    let mut scaled = stored("adapter");
    scaled.config.alpha = 1e30;
    refused(&scaled, "with their scale of 125000");
    let strong = change(&|name, (a, b)| (name, (a, (b * 1e6).unwrap())));
    model.load_adapter("strong", &strong).unwrap();

    let targets = |targets: TargetModules| {
        let mut adapter = stored("adapter");
        adapter.config.target_modules = targets;
        adapter
    };
    let names =
        |names: &[&str]| TargetModules::Names(names.iter().map(|&n| n.to_owned()).collect());
    let pattern = |pattern: &str| TargetModules::Pattern(pattern.to_owned());
    for (other, said) in [
        (names(&["q"]), r#"["q"], which do not name language_model."#),
        (
            names(&["q", "v", "k"]),
            r#"["q", "v", "k"], which name language_model."#,
        ),
        (pattern(r".*\.[qkv]"), "which name language_model."),
        // A pattern is one of the whole name.
        (pattern("q|v"), "which do not name language_model."),
    ] {
        refused(&targets(other), said);
    }
    for same in [
        names(&[
            "SelfAttention.q",
            "SelfAttention.v",
            "EncDecAttention.q",
            "EncDecAttention.v",
        ]),
        pattern(r"language_model\..*Attention\.(q|v)"),
    ] {
        model.load_adapter("same", &targets(same)).unwrap();
    }

    let other = Blip2::load(&checkpoint(), &LoadOptions::default()).unwrap();
    let of_other = other.load_adapter("stored", &stored("adapter")).unwrap();
    let mut questions = questions(&model, None);
    questions[3].adapter = Some(of_other);
    let error = model.start(&questions).unwrap_err().to_string();
    assert!(error.contains("another model"), "{error}");
}

#[test]
fn an_adapter_says_what_it_is_and_takes() {
    let model = Blip2::load(&checkpoint(), &options(Engine::Candle)).unwrap();
    let stored = stored("adapter");
    let numbers: usize = stored
        .layers
        .values()
        .map(|(a, b)| a.elem_count() + b.elem_count())
        .sum();
    let loaded = model.load_adapter("dresses", &stored).unwrap();
    assert_eq!((loaded.name(), loaded.bytes()), ("dresses", 4 * numbers));
}

//! What adapters cost beside a model that answers.
//!
//! `cargo bench -p blip2 --bench adapters -- FOLDER [QUESTIONS]` with the folder of
//! a checkpoint: one batch of questions (16), of six tokens each, with no adapter,
//! with one, with one and none, and with four and none in turn; r 8 on `q` and `v`.
//! The mixes take turns; the median of each is printed, and its fastest run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use blip2::training::{Learning, Trainee};
use blip2::{
    Adapter, Blip2, GenerationParameters, LoadOptions, LoadedAdapter, LoraConfig, Question,
    TargetModules, Task,
};
use candle_core::{Device, Tensor};

const RUNS: usize = 25;
const TOKENS: usize = 6;

fn adapter(checkpoint: &Path) -> Adapter {
    let config = LoraConfig {
        r: 8,
        alpha: 32.0,
        dropout: 0.0,
        target_modules: TargetModules::Names(["q", "v"].map(str::to_owned).to_vec()),
        use_rslora: false,
    };
    let learning = Learning::NewAdapter(config, 1);
    let trainee = Trainee::load(checkpoint, &LoadOptions::default(), &learning).unwrap();
    trainee.adapter().unwrap().unwrap()
}

fn seconds(model: &Blip2, questions: &[Question]) -> f64 {
    let started = Instant::now();
    let mut answering = model.start(questions).unwrap();
    while !answering.is_done() {
        answering.step().unwrap();
    }
    started.elapsed().as_secs_f64()
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let Some(checkpoint) = arguments.first().map(Path::new) else {
        eprintln!("skipped: no folder was given");
        return;
    };
    let count = arguments
        .get(1)
        .map_or(16, |count| count.parse().expect("a number of questions"));
    let made = adapter(checkpoint);
    let model = Blip2::load(checkpoint, &LoadOptions::default()).unwrap();
    println!("{}", model.engine_report().unwrap());
    let loaded: Vec<Arc<LoadedAdapter>> = (0..4)
        .map(|number| model.load_adapter(&number.to_string(), &made).unwrap())
        .collect();
    println!(
        "an adapter takes {:.2} MiB",
        loaded[0].bytes() as f64 / (1 << 20) as f64
    );
    let config = model.config();
    let shape = (config.num_query_tokens, config.text_config.d_model);
    let features = Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
    let prompt = "Question: What is the sleeve length of the shirt in this picture? Answer: ";
    let parameters = GenerationParameters {
        min_new_tokens: TOKENS,
        max_new_tokens: TOKENS,
        ..Default::default()
    };
    let batch = |adapters: &[Option<usize>]| -> Vec<Question> {
        let each = adapters.iter().cycle().take(count);
        each.map(|adapter| Question {
            image_features: features.clone(),
            prompt: model.tokenize(prompt).unwrap(),
            task: Task::Generate(parameters.clone()),
            adapter: adapter.map(|number| Arc::clone(&loaded[number])),
        })
        .collect()
    };
    let mixes = [
        ("no adapter", batch(&[None])),
        ("one", batch(&[Some(0)])),
        ("one and none", batch(&[Some(0), None])),
        (
            "four and none",
            batch(&[Some(0), Some(1), None, Some(2), Some(3)]),
        ),
    ];
    let mut times = vec![Vec::new(); mixes.len()];
    for _ in 0..RUNS {
        for ((_, questions), times) in mixes.iter().zip(&mut times) {
            times.push(seconds(&model, questions));
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    for ((name, _), of_mix) in mixes.iter().zip(&times) {
        let (fastest, median) = (of_mix[0], of_mix[RUNS / 2]);
        let share = 100.0 * (median / times[0][RUNS / 2] - 1.0);
        println!(
            "{count} questions, {name}: {:.2} ms ({share:+.1} %), fastest {:.2} ms",
            1e3 * median,
            1e3 * fastest
        );
    }
}

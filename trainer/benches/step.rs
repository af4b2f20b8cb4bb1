//! How long a training step takes, on what the reference's script saved.
//!
//! `cargo bench -p trainer --bench step -- FOLDER [f32|bf16]` with a folder of
//! `peft_baseline.py … dropout0 save FOLDER`: `checkpoint/`, `adapter/`, the
//! start, and `inputs.safetensors`, one batch a step. Prints every step's loss,
//! then JSON: seconds a question where image features are known, seconds a
//! photograph that is encoded, and the most memory that was had.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::time::Instant;

use blip2::training::{Batch, Images, Learning, Row, Trainee};
use blip2::{Adapter, LoadOptions};
use candle_core::{DType, Device, IndexOp, Tensor};
use trainer::train::metrics::peak_memory_mib;
use trainer::train::optimiser::{Algorithm, Optimiser};

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn ids(tensor: &Tensor) -> Vec<Vec<u32>> {
    tensor.to_dtype(DType::U32).unwrap().to_vec2().unwrap()
}

fn main() {
    trainer::memory::configure();
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let Some(folder) = arguments.first() else {
        eprintln!("skipped: no folder was given");
        return;
    };
    let folder = Path::new(folder);
    let precision = arguments.get(1).map_or("f32", String::as_str);
    let options = LoadOptions {
        number_type: Some(precision.parse().unwrap()),
        ..LoadOptions::default()
    };
    let adapter = Adapter::read(&folder.join("adapter")).unwrap();
    let checkpoint = folder.join("checkpoint");
    let trainee = Trainee::load(&checkpoint, &options, &Learning::Adapter(adapter)).unwrap();
    println!("{}", trainee.blip2().engine_report().unwrap());
    let inputs = candle_core::safetensors::load(folder.join("inputs.safetensors"), &Device::Cpu);
    let inputs = inputs.unwrap();
    let queries = trainee.blip2().config().num_query_tokens;
    let lengths: Vec<usize> = trainee
        .parameters()
        .iter()
        .map(|p| p.elem_count())
        .collect();
    let mut optimiser = Optimiser::new(Algorithm::Adam, 0.0, &lengths);
    let (mut steps, mut encodings, mut questions) = (Vec::new(), Vec::new(), 0);
    for step in 0.. {
        let Some(pixels) = inputs.get(&format!("pixel_values_{step}")) else {
            break;
        };
        let prompts = ids(&inputs[&format!("input_ids_{step}")]);
        let answers = ids(&inputs[&format!("labels_{step}")]);
        questions = prompts.len();
        let pixels: Vec<Tensor> = (0..questions).map(|row| pixels.i(row).unwrap()).collect();
        let started = Instant::now();
        let features = trainee.blip2().encode_images(&pixels).unwrap();
        encodings.push(started.elapsed().as_secs_f64() / questions as f64);
        let features = features.to_dtype(DType::F32).unwrap();
        let features: Vec<Tensor> = (0..questions).map(|row| features.i(row).unwrap()).collect();
        let started = Instant::now();
        let rows = prompts.iter().zip(&answers).enumerate();
        let batch = Batch {
            images: Images::Features(features.iter().collect()),
            rows: rows
                .map(|(image, (prompt, answer))| Row {
                    image,
                    prompt: &prompt[queries..],
                    answer,
                })
                .collect(),
        };
        let one = trainee.step(&batch, 0.0, None).unwrap();
        let mut update = optimiser.step(0.0025);
        let parameters = trainee.parameters().iter().zip(&one.gradients);
        for (index, (parameter, gradient)) in parameters.enumerate() {
            parameter
                .update(|values| update.apply(index, values, gradient))
                .unwrap();
        }
        steps.push(started.elapsed().as_secs_f64() / questions as f64);
        println!("step {step} loss {:.6}", one.loss.mean());
    }
    let result = serde_json::json!({
        "precision": precision,
        "questions_a_step": questions,
        "seconds_a_question": median(steps.split_off(1)),
        "seconds_a_photograph": median(encodings.split_off(1)),
        "peak_memory_gib": peak_memory_mib() / 1024.0,
    });
    println!("{result}");
}

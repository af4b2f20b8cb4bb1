//! Training steps on inputs that another program drew: our side of `make
//! bench-train`, a process that is asked in turns with transformers and peft.
//!
//! `training_step CHECKPOINT FOLDER --dtype TYPE --batch-size N` loads a
//! checkpoint, and from the folder `adapter/` and `inputs.safetensors` as
//! `tools/bench/peft_baseline.py begin` writes them, and says so with a line of
//! JSON. For every line `epoch` of stdin it encodes every photograph, then learns
//! from all questions, given what was encoded, and answers with a line of JSON.
//! From the second epoch of a training job on the first part is not needed.
//!
//! The steps are those of `trainer train` without dropout: the model, the loss, the
//! gradients and the optimiser, but no files and no reports.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use blip2::training::{Batch, Images, Learning, Row, Trainee};
use blip2::{Adapter, LoadOptions, NumberType};
use candle_core::{DType, Device, IndexOp, Tensor};
use clap::Parser;
use serde_json::json;
use trainer::train::metrics::peak_memory_mib;
use trainer::train::optimiser::{Algorithm, Optimiser};
use trainer::train::sight::ENCODED_TOGETHER;

/// As the published training script has it.
const LEARNING_RATE: f64 = 0.0025;

#[derive(Parser)]
struct Options {
    checkpoint: PathBuf,
    folder: PathBuf,
    /// Of the frozen weights.
    #[arg(long)]
    dtype: NumberType,
    #[arg(long)]
    batch_size: usize,
    #[arg(long)]
    threads: usize,
}

/// Everything that is learnt from.
struct Inputs {
    pixels: Vec<Tensor>,
    /// By question, the place of its photograph.
    photos: Vec<usize>,
    prompts: Vec<Vec<u32>>,
    answers: Vec<Vec<u32>>,
}

impl Inputs {
    fn read(path: &Path) -> anyhow::Result<Inputs> {
        let tensors = candle_core::safetensors::load(path, &Device::Cpu)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let tensor = |name: &str| tensors.get(name).with_context(|| format!("no {name}"));
        let ids = |name: &str| anyhow::Ok(tensor(name)?.to_dtype(DType::U32)?.to_vec2()?);
        let pixels = tensor("pixel_values")?;
        let photos: Vec<u32> = tensor("photos")?.to_dtype(DType::U32)?.to_vec1()?;
        Ok(Inputs {
            pixels: (0..pixels.dim(0)?)
                .map(|photo| pixels.i(photo))
                .collect::<Result<_, _>>()?,
            photos: photos.into_iter().map(|photo| photo as usize).collect(),
            prompts: ids("prompts")?,
            answers: ids("answers")?,
        })
    }
}

fn main() -> anyhow::Result<()> {
    trainer::memory::configure();
    let options = Options::parse();
    let load = LoadOptions {
        number_type: Some(options.dtype),
        threads: Some(options.threads),
        ..LoadOptions::default()
    };
    let adapter = Adapter::read(&options.folder.join("adapter"))?;
    let trainee = Trainee::load(&options.checkpoint, &load, &Learning::Adapter(adapter))?;
    let inputs = Inputs::read(&options.folder.join("inputs.safetensors"))?;
    let lengths: Vec<usize> = trainee
        .parameters()
        .iter()
        .map(|parameter| parameter.elem_count())
        .collect();
    let mut optimiser = Optimiser::new(Algorithm::Adam, 0.0, &lengths);
    let computation = trainee.blip2().engine_report();
    say(&json!({
        "computation": computation.map_or(String::new(), |report| report.to_string()),
        "versions": { "trainer": env!("CARGO_PKG_VERSION") },
    }))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "epoch" => say(&epoch(
                &trainee,
                &inputs,
                &mut optimiser,
                options.batch_size,
            )?)?,
            other => bail!("unknown command {other}"),
        }
    }
    Ok(())
}

fn epoch(
    trainee: &Trainee,
    inputs: &Inputs,
    optimiser: &mut Optimiser,
    batch_size: usize,
) -> anyhow::Result<serde_json::Value> {
    let began = Instant::now();
    let mut features = Vec::new();
    for pixels in inputs.pixels.chunks(ENCODED_TOGETHER) {
        let encoded = trainee.blip2().encode_images(pixels)?;
        let encoded = encoded.to_dtype(DType::F32)?;
        for photo in 0..pixels.len() {
            features.push(encoded.i(photo)?);
        }
    }
    let encoding_seconds = began.elapsed().as_secs_f64();
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for first in (0..inputs.photos.len()).step_by(batch_size) {
        let questions = first..inputs.photos.len().min(first + batch_size);
        let began = Instant::now();
        let batch = Batch {
            images: Images::Features(features.iter().collect()),
            rows: questions
                .map(|question| Row {
                    image: inputs.photos[question],
                    prompt: &inputs.prompts[question],
                    answer: &inputs.answers[question],
                })
                .collect(),
        };
        let step = trainee.step(&batch, 0.0, None)?;
        let mut update = optimiser.step(LEARNING_RATE);
        let learnt = trainee.parameters().iter().zip(&step.gradients);
        for (index, (parameter, gradient)) in learnt.enumerate() {
            parameter.update(|values| update.apply(index, values, gradient))?;
        }
        seconds.push(began.elapsed().as_secs_f64());
        losses.push(step.loss.mean());
    }
    Ok(json!({
        "encoding_seconds": encoding_seconds,
        "step_seconds": seconds,
        "losses": losses,
        "peak_bytes": (peak_memory_mib() * f64::from(1 << 20)) as u64,
    }))
}

fn say(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{value}")?;
    Ok(stdout.flush()?)
}

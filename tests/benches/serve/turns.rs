//! Both sides in turns: one measurement of each, then the next of each.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::arithmetic::{Request, Work};
use tests::checkpoint::Checkpoint;
use tests::machine::{available_memory, commit, load_average, said_by};
use tests::photos::with_comment;
use tests::stages;
use tests::times::Times;

use crate::Setting;
use crate::ours::Ours;
use crate::prompts::{ANSWER_TOKENS, PROMPT_TOKENS, prompts};
use crate::results::{Measured, OurTimes, TheirTimes};
use crate::shape::{Configuration, Shape};
use crate::transformers::Transformers;

/// Between two measurements: threads that wait for more work spin for a while.
const PAUSE: Duration = Duration::from_millis(300);

/// A load average above this is said aloud.
const BUSY: f64 = 0.5;

/// How much of the memory that can be had is given to models.
const MEMORY_SHARE: f64 = 0.85;

/// The number types that transformers is measured in, and bytes a weight.
const DTYPES: [(&str, f64); 2] = [("bf16", 2.0), ("f32", 4.0)];

/// Measures a shape; `only` names the configurations to take.
pub async fn measure(
    setting: &Setting,
    shape: &Shape,
    only: Option<&str>,
    runs: Option<usize>,
) -> Result<Measured> {
    let checkpoint = Checkpoint::of(setting.checkpoints(), shape.name, shape.what).await?;
    let prompts = prompts(&checkpoint.folder)?;
    let mut measured = begin(setting, shape, &checkpoint, prompts)?;
    let groups = groups(setting, shape, only, &checkpoint, &mut measured.left_out).await?;
    let scratch = tempfile::tempdir().context("cannot make a folder")?;
    for (number, sides) in groups.into_iter().enumerate() {
        let names: Vec<String> = sides.iter().map(Side::name).collect();
        println!("in turns: {}", names.join(", "));
        let mut contenders = Vec::new();
        for side in sides {
            let start = Contender::start(setting, &checkpoint, &side, &measured, scratch.path());
            let contender = start.await.with_context(|| side.name())?;
            contenders.push(contender);
        }
        // One of PyTorch's processes measures the machine for all.
        for contender in &mut contenders {
            if let Contender::Theirs(transformers, _) = contender {
                measured
                    .versions
                    .extend(transformers.description.versions.clone());
                measured.parameters = transformers.description.parameters;
                if measured.peak_gflops.is_empty() {
                    measured.peak_gflops = transformers.peak().await?.gflops;
                }
            }
        }
        let mut photos = Photos::new(setting);
        let prompts = &measured.prompts;
        for contender in &mut contenders {
            contender.warm_up(shape, &mut photos, prompts).await?;
        }
        for _ in 0..runs.unwrap_or(shape.runs) {
            for contender in &mut contenders {
                contender.run(&mut photos, prompts).await?;
            }
        }
        for contender in contenders {
            match contender {
                Contender::Theirs(_, times) => {
                    let times = TheirTimes {
                        group: number,
                        ..times
                    };
                    print_times(
                        &format!("transformers {}, eight calls", times.dtype),
                        &times.eight_calls,
                    );
                    print_times(
                        &format!("transformers {}, one batch", times.dtype),
                        &times.one_batch,
                    );
                    measured.transformers.push(times);
                }
                Contender::Ours(ours, times) => {
                    let memory = ours.memory()?;
                    let times = OurTimes {
                        group: number,
                        serving_peak_bytes: memory.peak,
                        ..times
                    };
                    print_times(&format!("ours {}", times.configuration), &times.fresh);
                    print_times(
                        &format!("ours {}, photo known", times.configuration),
                        &times.repeated,
                    );
                    measured.ours.push(times);
                    ours.stop().await?;
                }
            }
        }
    }
    Ok(measured)
}

fn begin(
    setting: &Setting,
    shape: &Shape,
    checkpoint: &Checkpoint,
    prompts: Vec<String>,
) -> Result<Measured> {
    let request = Request {
        questions: prompts.len(),
        prompt_tokens: PROMPT_TOKENS + 1,
        answer_tokens: ANSWER_TOKENS,
    };
    let work = Work::of(&checkpoint.config, request)?;
    let load_average = load_average()?;
    if load_average > BUSY {
        println!("the load average is {load_average}: what else runs here spoils the numbers");
    }
    let versions = [("rustc", said_by("rustc", &["--version"]))];
    Ok(Measured {
        shape: shape.name.to_owned(),
        machine: setting.machine.clone(),
        date: said_by("date", &["-u", "+%F"]),
        commit: commit(),
        command: format!("make bench-serve SHAPES={}", shape.name),
        load_average,
        versions: versions
            .into_iter()
            .map(|(name, said)| {
                (
                    name.to_owned(),
                    said.trim_start_matches("rustc ").to_owned(),
                )
            })
            .collect(),
        parameters: checkpoint.parameters,
        weights_bytes: checkpoint.bytes,
        photo_bytes: setting.photo.len(),
        prompts,
        transformers: Vec::new(),
        ours: Vec::new(),
        peak_gflops: Default::default(),
        request_gflop: work.image + work.questions,
        cached_request_gflop: work.questions,
        left_out: Vec::new(),
        throughput: None,
    })
}

/// Who is measured.
enum Side {
    Theirs(&'static str),
    Ours(&'static Configuration),
}

impl Side {
    fn name(&self) -> String {
        match self {
            Side::Theirs(dtype) => format!("transformers {dtype}"),
            Side::Ours(configuration) => format!("ours {}", configuration.name),
        }
    }
}

/// Who is loaded together: as many as memory allows, the first that fit.
async fn groups(
    setting: &Setting,
    shape: &Shape,
    only: Option<&str>,
    checkpoint: &Checkpoint,
    left_out: &mut Vec<String>,
) -> Result<Vec<Vec<Side>>> {
    let parameters = checkpoint.parameters as f64;
    let mut sides = Vec::new();
    for configuration in shape.configurations {
        let is_wanted = only.is_none_or(|names| {
            names
                .split([' ', ','])
                .any(|name| name == configuration.name)
        });
        if !is_wanted {
            left_out.push(format!("ours {}: not asked for", configuration.name));
            continue;
        }
        if let Some(unknown) = Ours::unknown_to(&setting.program, configuration).await? {
            left_out.push(format!(
                "ours {}: the server does not know {unknown}",
                configuration.name
            ));
            continue;
        }
        let bytes = parameters * configuration.bytes_per_weight * 1.15 + 0.2e9;
        sides.push((Side::Ours(configuration), bytes));
    }
    if setting.python.is_some() {
        // The smaller first and the larger last, as that may have to be alone.
        let theirs =
            DTYPES.map(|(dtype, bytes)| (Side::Theirs(dtype), parameters * bytes * 1.25 + 0.9e9));
        let [small, large] = theirs;
        sides.insert(0, small);
        sides.push(large);
    } else {
        left_out.push("transformers: not asked for".to_owned());
    }
    let budget = available_memory()? as f64 * MEMORY_SHARE;
    let mut groups: Vec<(f64, Vec<Side>)> = Vec::new();
    for (side, bytes) in sides {
        if bytes > budget {
            left_out.push(format!(
                "{}: takes some {:.0} GB, {:.0} can be had",
                side.name(),
                bytes / 1e9,
                budget / 1e9
            ));
            continue;
        }
        match groups.iter_mut().find(|(taken, _)| taken + bytes <= budget) {
            Some((taken, group)) => {
                *taken += bytes;
                group.push(side);
            }
            None => groups.push((bytes, vec![side])),
        }
    }
    for reason in left_out.iter() {
        println!("left out: {reason}");
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

/// A side that is loaded, with what was measured of it so far.
enum Contender {
    Theirs(Transformers, TheirTimes),
    Ours(Ours, OurTimes),
}

impl Contender {
    async fn start(
        setting: &Setting,
        checkpoint: &Checkpoint,
        side: &Side,
        measured: &Measured,
        scratch: &Path,
    ) -> Result<Contender> {
        match side {
            Side::Theirs(dtype) => {
                let python = setting.python.as_ref().context("there is no Python")?;
                let prompts = &measured.prompts;
                let start =
                    Transformers::start(setting, python, checkpoint, dtype, prompts, scratch);
                let transformers = start.await?;
                let times = TheirTimes {
                    dtype: (*dtype).to_owned(),
                    group: 0,
                    threads: transformers.description.threads,
                    eight_calls: Times::default(),
                    one_batch: Times::default(),
                    peak_bytes: 0,
                    answers: Vec::new(),
                };
                Ok(Contender::Theirs(transformers, times))
            }
            Side::Ours(configuration) => {
                let ours = Ours::start(setting, checkpoint, configuration).await?;
                let times = OurTimes {
                    configuration: configuration.name.to_owned(),
                    flags: configuration.flags.join(" "),
                    group: 0,
                    fresh: Times::default(),
                    repeated: Times::default(),
                    one_fresh: Times::default(),
                    one_repeated: Times::default(),
                    computation: ours.computation(),
                    ready_after_s: ours.ready_after.as_secs_f64(),
                    loaded_bytes: ours.loaded.resident,
                    loading_peak_bytes: ours.loaded.peak,
                    serving_peak_bytes: 0,
                    stages: Default::default(),
                    answers: Vec::new(),
                    image_cache: None,
                };
                Ok(Contender::Ours(ours, times))
            }
        }
    }

    async fn warm_up(
        &mut self,
        shape: &Shape,
        photos: &mut Photos<'_>,
        prompts: &[String],
    ) -> Result<()> {
        match self {
            Contender::Theirs(transformers, _) => {
                // At xl one of them takes long enough.
                if shape.name != "xl" {
                    transformers.eight_calls().await?;
                }
                transformers.one_batch().await?;
            }
            Contender::Ours(ours, _) => {
                for _ in 0..2 {
                    ours.ask(&photos.next()?, prompts).await?;
                }
            }
        }
        Ok(())
    }

    async fn run(&mut self, photos: &mut Photos<'_>, prompts: &[String]) -> Result<()> {
        tokio::time::sleep(PAUSE).await;
        match self {
            Contender::Theirs(transformers, times) => {
                times
                    .eight_calls
                    .0
                    .push(transformers.eight_calls().await?.seconds);
                tokio::time::sleep(PAUSE).await;
                let batch = transformers.one_batch().await?;
                times.one_batch.0.push(batch.seconds);
                times.peak_bytes = batch.peak_bytes;
                times.answers = batch.answers;
            }
            Contender::Ours(ours, times) => {
                let photo = photos.next()?;
                let before = ours.stages().await?;
                let fresh = ours.ask(&photo, prompts).await?;
                let after = ours.stages().await?;
                stages::add_between(&mut times.stages, &before, &after);
                times.fresh.0.push(fresh.seconds);
                tokio::time::sleep(PAUSE).await;
                let repeated = ours.ask(&photo, prompts).await?;
                times.repeated.0.push(repeated.seconds);
                ensure!(
                    fresh.answers == repeated.answers,
                    "another answer to the same question: {:?}, {:?}",
                    fresh.answers,
                    repeated.answers
                );
                times.image_cache = fresh.image_cache.zip(repeated.image_cache);
                if let Some((of_fresh, of_repeated)) = &times.image_cache {
                    ensure!(
                        of_fresh == "miss" && of_repeated == "hit",
                        "the photo was {of_fresh} at first and {of_repeated} then"
                    );
                }
                times.answers = fresh.answers;
                let photo = photos.next()?;
                for of_one in [&mut times.one_fresh, &mut times.one_repeated] {
                    tokio::time::sleep(PAUSE).await;
                    let asked = ours.ask(&photo, &prompts[..1]).await?;
                    of_one.0.push(asked.seconds);
                }
            }
        }
        Ok(())
    }
}

/// The photo in bytes that no server has seen, its pixels the same: each has
/// another comment segment.
struct Photos<'a> {
    photo: &'a [u8],
    count: usize,
}

impl<'a> Photos<'a> {
    fn new(setting: &'a Setting) -> Photos<'a> {
        Photos {
            photo: &setting.photo,
            count: 0,
        }
    }

    fn next(&mut self) -> Result<Vec<u8>> {
        self.count += 1;
        with_comment(self.photo, &format!("number {}", self.count))
    }
}

fn print_times(what: &str, times: &Times) {
    println!("{what}: {} of {}", times.range(), times.0.len());
}

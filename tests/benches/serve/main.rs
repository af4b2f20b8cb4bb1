//! The model server beside Hugging Face transformers: `make bench-serve`.
//!
//! Both sides are asked the same eight questions about the same photograph on
//! the same cores, in turns: transformers in its own process without HTTP, the
//! released model server over HTTP. Then many clients at once. The numbers go
//! into BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod ours;
mod prompts;
mod report;
mod results;
mod shape;
mod throughput;
mod transformers;
mod turns;
mod verdicts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use clap::builder::BoolishValueParser;
use local_stack::{model_server_program, repository};
use tests::checkpoint::Source;
use tests::kept::{busy, not_released};
use tests::machine::{Machine, quiet_load};
use tests::outcome::exit_code;
use tests::photos::large_photo;

use results::Results;
use shape::{SHAPES, Shape};

/// Measures the model server beside transformers and writes BENCHMARKS.md.
#[derive(Debug, Parser)]
struct Options {
    /// Which shapes, by name, with blanks between: mini base xl.
    #[arg(long, env = "SHAPES", default_value = "mini base xl")]
    shapes: String,
    /// Which configurations of ours, by name; all by default. What is measured
    /// of some is shown and not kept.
    #[arg(long, env = "CONFIGURATIONS")]
    configurations: Option<String>,
    /// How often each side is measured; by default it depends on the shape. What
    /// is measured by another number is shown and not kept.
    #[arg(long, env = "RUNS")]
    runs: Option<usize>,
    /// How long many clients are measured at most; 0 leaves them out.
    #[arg(long, env = "SECONDS", default_value_t = 240)]
    seconds: u64,
    /// A Python that has tools/bench-requirements.txt.
    #[arg(
        long,
        env = "BENCH_PYTHON",
        default_value = ".tools/bench-venv/bin/python"
    )]
    python: PathBuf,
    /// Measure our side alone; shown and not kept.
    #[arg(long, env = "OURS_ONLY", value_parser = BoolishValueParser::new())]
    ours_only: bool,
    /// Where checkpoints and raw numbers are kept.
    #[arg(long, env = "BENCH_FOLDER", default_value = ".tools/bench")]
    folder: PathBuf,
    /// The report.
    #[arg(long, env = "REPORT", default_value = "BENCHMARKS.md")]
    report: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Why what is measured is not the whole comparison: it is shown and not
    /// kept.
    fn why_not_kept(&self, program: &Path, load: f64) -> Option<&'static str> {
        if self.ours_only || self.configurations.is_some() {
            Some("only a part was asked for")
        } else if self.runs.is_some() {
            Some("the number of runs is not the usual one")
        } else {
            not_released(&[program]).or_else(|| busy(load))
        }
    }
}

/// What every measurement needs.
struct Setting {
    repository: PathBuf,
    program: PathBuf,
    /// `None` where our side is measured alone.
    python: Option<PathBuf>,
    folder: PathBuf,
    photo: Vec<u8>,
    machine: Machine,
}

impl Setting {
    fn checkpoints(&self) -> Source<'_> {
        Source {
            repository: &self.repository,
            folder: &self.folder,
            python: self.python.as_deref(),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(bench(Options::parse()).await)
}

async fn bench(options: Options) -> Result<()> {
    let repository = repository()?;
    let shapes = chosen(&options.shapes)?;
    let python = repository.join(&options.python);
    if !options.ours_only && !python.is_file() {
        bail!(
            "{} is not there: run `make bench-serve`, which installs it",
            python.display()
        );
    }
    let setting = Setting {
        program: model_server_program()?,
        python: (!options.ours_only).then_some(python),
        folder: repository.join(&options.folder),
        photo: large_photo(&repository)?,
        machine: Machine::here()?,
        repository,
    };
    std::fs::create_dir_all(&setting.folder)
        .with_context(|| format!("cannot make {}", setting.folder.display()))?;
    println!("model server: {}", setting.program.display());
    println!("machine: {}", setting.machine);
    let load_at_start = quiet_load().await?;
    let mut results = Results::kept(&setting.folder, &setting.machine)?;
    for shape in shapes {
        println!("\n== {}", shape.name);
        let only = options.configurations.as_deref();
        let mut measured = turns::measure(&setting, shape, only, options.runs).await?;
        if shape.many_clients && options.seconds > 0 {
            measured.throughput =
                throughput::measure(&setting, shape, &measured, options.seconds).await?;
        }
        if let Some(why) = options.why_not_kept(&setting.program, load_at_start) {
            println!("\n{}\nnot kept: {why}", report::section(&measured)?);
            continue;
        }
        // A run may take an hour: what is measured is kept at once.
        results.put(measured)?;
        let path = setting.repository.join(&options.report);
        report::write(&path, &results)?;
        println!("written: {}", path.display());
    }
    Ok(())
}

fn chosen(names: &str) -> Result<Vec<&'static Shape>> {
    let names: Vec<&str> = names
        .split([' ', ','])
        .filter(|name| !name.is_empty())
        .collect();
    let found = names.iter().map(|name| {
        let shape = SHAPES.iter().find(|shape| shape.name == *name);
        shape.with_context(|| format!("there is no shape {name}: mini, base and xl are"))
    });
    found.collect()
}

//! LoRA training steps beside transformers and peft: `make bench-train`.
//!
//! Both sides begin with the same adapter and learn from the same questions about
//! the same photographs, on the same cores, in turns. Their losses have to be the
//! same, or nothing is said of their times. The numbers go into BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod parting;
mod report;
mod shape;
mod side;
mod targets;
mod turns;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use local_stack::repository;
use tests::benchmarks_page::write_section;
use tests::checkpoint::Source;
use tests::kept::{busy, not_released};
use tests::machine::{Machine, quiet_load};
use tests::outcome::exit_code;

use shape::{SHAPES, Shape};

/// Measures training steps beside peft and writes BENCHMARKS.md.
#[derive(Debug, Parser)]
struct Options {
    /// Which shapes, by name, with blanks between; what is measured of some is
    /// shown and not kept.
    #[arg(long, env = "SHAPES", default_value = "mini base")]
    shapes: String,
    /// How often each side is measured; by default it depends on the shape. What
    /// is measured by another number is shown and not kept.
    #[arg(long, env = "RUNS")]
    runs: Option<usize>,
    /// Measure nothing, and show how far peft's losses part from its own once its pixels
    /// are changed by this share of each, 1e-7 say.
    #[arg(long, env = "PARTING", value_parser = parting::share)]
    parting: Option<f64>,
    /// Our side, `trainer/examples/training_step.rs` as it was built.
    #[arg(
        long,
        env = "TRAINING_STEP",
        default_value = "target/release/examples/training_step"
    )]
    training_step: PathBuf,
    /// A Python that has tools/bench-requirements.txt.
    #[arg(
        long,
        env = "BENCH_PYTHON",
        default_value = ".tools/bench-venv/bin/python"
    )]
    python: PathBuf,
    /// Where checkpoints are kept.
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
    fn why_not_kept(&self, shapes: &[&Shape], load: f64) -> Option<&'static str> {
        if shapes.len() < SHAPES.len() {
            Some("only a part was asked for")
        } else if self.runs.is_some() {
            Some("the number of runs is not the usual one")
        } else {
            not_released(&[&self.training_step]).or_else(|| busy(load))
        }
    }
}

/// What every measurement needs.
struct Setting {
    repository: PathBuf,
    training_step: PathBuf,
    python: PathBuf,
    folder: PathBuf,
    machine: Machine,
}

impl Setting {
    fn checkpoints(&self) -> Source<'_> {
        Source {
            repository: &self.repository,
            folder: &self.folder,
            python: Some(&self.python),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(bench(Options::parse()).await)
}

async fn bench(options: Options) -> Result<()> {
    let repository = repository()?;
    let at = |path: &Path| repository.join(path);
    let shapes = chosen(&options.shapes)?;
    let setting = Setting {
        training_step: at(&options.training_step),
        python: at(&options.python),
        folder: at(&options.folder),
        machine: Machine::here()?,
        repository: repository.clone(),
    };
    for program in [&setting.training_step, &setting.python] {
        if !program.is_file() {
            bail!(
                "{} is not there: run `make bench-train`, which makes it",
                program.display()
            );
        }
    }
    std::fs::create_dir_all(&setting.folder)
        .with_context(|| format!("cannot make {}", setting.folder.display()))?;
    println!("machine: {}", setting.machine);
    if let Some(share) = options.parting {
        for shape in &shapes {
            println!("\n== {}", shape.name);
            parting::show(&setting, shape, share).await?;
        }
        return Ok(());
    }
    let load = quiet_load().await?;
    let mut measured = Vec::new();
    for shape in &shapes {
        println!("\n== {}", shape.name);
        measured.push(turns::measure(&setting, shape, options.runs).await?);
    }
    let section = report::section(&measured, &setting.machine, load)?;
    println!("\n{section}");
    match options.why_not_kept(&shapes, load) {
        Some(why) => println!("not kept: {why}"),
        None => {
            let path = at(&options.report);
            write_section(&path, "bench-train", &section)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}

fn chosen(names: &str) -> Result<Vec<&'static Shape>> {
    let names = names
        .split([' ', ','])
        .filter(|name| !name.is_empty())
        .map(|name| {
            let shape = SHAPES.iter().find(|shape| shape.name == name);
            shape.with_context(|| format!("there is no shape {name}: mini and base are"))
        });
    names.collect()
}

//! `trainer prepare` beside the published notebook's loop in pandas: `make
//! bench-prepare`.
//!
//! Both read the same files on the same cores, in turns. The numbers go into
//! BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod larger;
mod report;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use local_stack::repository;
use tests::benchmarks_page::write_section;
use tests::kept::{busy, not_released};
use tests::machine::{Machine, quiet_load};
use tests::outcome::exit_code;
use tests::times::Times;

/// Of fewer measurements a median says little.
const FEWEST_RUNS: usize = 3;

/// Products of the larger catalogue.
const PRODUCTS: usize = 20_000;

/// What is written with the name of its folder.
const BASELINE: &str = "tools/bench/pandas_prepare.py";

/// Measures `trainer prepare` beside pandas and writes BENCHMARKS.md.
#[derive(Debug, Parser)]
struct Options {
    /// The data set: styles.csv, images.csv, styles/, images/.
    #[arg(long, env = "KAGGLE", default_value = "../shared/data/kaggle")]
    data: PathBuf,
    /// How often each side is measured; what is measured fewer than 3 times is shown
    /// and not kept.
    #[arg(long, env = "RUNS", default_value_t = 5)]
    runs: usize,
    /// Products of the larger catalogue, made of the data set's records; 0 leaves
    /// it out. With another number than 20,000 nothing is kept.
    #[arg(long, env = "PRODUCTS", default_value_t = PRODUCTS)]
    products: usize,
    /// The program that is measured.
    #[arg(long, env = "TRAINER", default_value = "target/release/trainer")]
    trainer: PathBuf,
    /// A Python that has tools/bench-requirements.txt.
    #[arg(
        long,
        env = "BENCH_PYTHON",
        default_value = ".tools/bench-venv/bin/python"
    )]
    python: PathBuf,
    /// The report.
    #[arg(long, env = "REPORT", default_value = "BENCHMARKS.md")]
    report: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Why what is measured is not the whole comparison: it is shown and not kept.
    fn why_not_kept(&self, load: f64) -> Option<&'static str> {
        if self.runs < FEWEST_RUNS {
            Some("there are too few runs")
        } else if self.products != PRODUCTS {
            Some("the larger catalogue has another number of products")
        } else {
            not_released(&[&self.trainer]).or_else(|| busy(load))
        }
    }
}

/// One way in which the trainer is run.
struct Way {
    what: &'static str,
    flags: &'static [&'static str],
    /// Whether what an earlier run kept of photographs is there.
    keeps_fingerprints: bool,
}

const WAYS: [Way; 3] = [
    Way {
        what: "pairs and report, photos not looked at",
        flags: &["--no-photo-hash", "--thumbnails", "0"],
        keeps_fingerprints: false,
    },
    Way {
        what: "all of it: photos decoded and compared, thumbnails",
        flags: &[],
        keeps_fingerprints: false,
    },
    Way {
        what: "all of it, again: fingerprints of photos kept",
        flags: &[],
        keeps_fingerprints: true,
    },
];

/// What was measured: seconds.
#[derive(Debug, Default)]
struct Measured {
    /// By the baseline's own clock, its imports left out.
    pandas: Times,
    /// By way, from the process's start to its end.
    ours: Vec<Times>,
    /// What each side says of itself.
    pandas_said: String,
    ours_said: String,
    larger: Times,
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(bench(&Options::parse()).await)
}

async fn bench(options: &Options) -> Result<()> {
    let repository = repository()?;
    let at = |path: &Path| repository.join(path);
    let data = at(&options.data);
    if !data.join("styles.csv").is_file() {
        bail!(
            "there is no data set in {}: name its folder, KAGGLE=folder",
            data.display()
        );
    }
    let (trainer, python) = (at(&options.trainer), at(&options.python));
    for program in [&trainer, &python] {
        if !program.is_file() {
            bail!(
                "{} is not there: run `make bench-prepare`, which makes it",
                program.display()
            );
        }
    }
    if options.runs == 0 {
        bail!("RUNS is 0: nothing would be measured");
    }
    let load = quiet_load().await?;
    let out = tempfile::tempdir().context("no temporary folder")?;
    let mut measured = Measured {
        ours: vec![Times::default(); WAYS.len()],
        ..Measured::default()
    };
    for run in 1..=options.runs {
        println!("run {run} of {}", options.runs);
        let said = output(
            Command::new(&python)
                .arg(at(Path::new(BASELINE)))
                .args([&data, &out.path().join("pandas")]),
        )?;
        measured.pandas.0.push(seconds_said(&said)?);
        measured.pandas_said = said.trim().to_owned();
        for (way, times) in WAYS.iter().zip(&mut measured.ours) {
            let (seconds, said) = prepare(&trainer, &data, &out.path().join("ours"), way)?;
            times.0.push(seconds);
            measured.ours_said = said.lines().next().unwrap_or_default().to_owned();
        }
    }
    if options.products > 0 {
        println!("{} products", options.products);
        let folder = tempfile::tempdir().context("no temporary folder")?;
        larger::write(&data, folder.path(), options.products)?;
        for _ in 0..options.runs {
            let out = folder.path().join("out");
            let (seconds, _) = prepare(&trainer, folder.path(), &out, &WAYS[0])?;
            measured.larger.0.push(seconds);
        }
    }
    let section = report::section(&measured, options, &Machine::here()?, load)?;
    println!("\n{section}");
    match options.why_not_kept(load) {
        Some(why) => println!("not kept: {why}"),
        None => {
            let path = at(&options.report);
            write_section(&path, "bench-prepare", &section)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}

/// One run of the trainer: seconds, and what it prints.
fn prepare(trainer: &Path, data: &Path, out: &Path, way: &Way) -> Result<(f64, String)> {
    if !way.keeps_fingerprints && out.exists() {
        std::fs::remove_dir_all(out).context("the output of the run before stays")?;
    }
    let mut command = Command::new(trainer);
    command
        .arg("prepare")
        .arg("--data")
        .arg(data)
        .arg("--out")
        .arg(out)
        .args(way.flags);
    let began = Instant::now();
    let said = output(&mut command)?;
    Ok((began.elapsed().as_secs_f64(), said))
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last number before "s" of "2667 products, 15203 pairs, 8.91 s".
fn seconds_said(text: &str) -> Result<f64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [.., number, "s"] = words.as_slice() else {
        bail!("the baseline said {text:?}, which ends in no time");
    };
    Ok(number.parse()?)
}

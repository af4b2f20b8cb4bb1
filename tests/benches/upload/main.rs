//! `lookbook upload` beside `aws s3 sync`: `make bench-upload`.
//!
//! Both upload the same small files into the S3 of the local cloud, in turns, and then
//! again when nothing has changed; what the server was asked is counted, and another count
//! than the expected one is an error. The numbers go into BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod files;
mod report;
mod side;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use local_stack::repository;
use tests::benchmarks_page::write_section;
use tests::kept::{busy, not_released};
use tests::machine::{Machine, quiet_load, said_by};
use tests::times::Times;

use crate::side::{OfSide, Who};

/// Of fewer measurements a median says little.
const FEWEST_ROUNDS: usize = 3;

/// What the targets are about.
const FILES: usize = 10_000;

/// Before the first round, so that no file was changed a moment ago.
const SETTLED: Duration = Duration::from_secs(3);

/// Measures `lookbook upload` beside `aws s3 sync` and writes BENCHMARKS.md.
#[derive(Debug, Parser)]
struct Options {
    /// How often each side is measured; what is measured fewer than 3 times is shown and
    /// not kept.
    #[arg(long, env = "ROUNDS", default_value_t = 5)]
    rounds: usize,
    /// How many files; with another number than 10,000 nothing is kept.
    #[arg(long, env = "FILES", default_value_t = FILES)]
    files: usize,
    /// The operator's command line.
    #[arg(long, env = "LOOKBOOK", default_value = "target/release/lookbook")]
    lookbook: PathBuf,
    /// The server.
    #[arg(
        long,
        env = "LOCAL_CLOUD",
        default_value = "target/release/local-cloud"
    )]
    local_cloud: PathBuf,
    /// The other side: aws of tools/bench-upload-requirements.txt.
    #[arg(
        long,
        env = "AWS_CLI",
        default_value = ".tools/bench-upload-venv/bin/aws"
    )]
    aws: PathBuf,
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
        if self.rounds < FEWEST_ROUNDS {
            Some("there are too few rounds")
        } else if self.files != FILES {
            Some("there are more or fewer files")
        } else {
            not_released(&[&self.lookbook, &self.local_cloud]).or_else(|| busy(load))
        }
    }
}

/// What every measurement needs.
struct Setting {
    repository: PathBuf,
    lookbook: PathBuf,
    local_cloud: PathBuf,
    aws: PathBuf,
    /// The files, and how many they are.
    folder: PathBuf,
    files: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match bench(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(options: Options) -> Result<()> {
    let repository = repository()?;
    let at = |path: &Path| repository.join(path);
    let temporary = tempfile::tempdir().context("no temporary folder")?;
    let setting = Setting {
        lookbook: at(&options.lookbook),
        local_cloud: at(&options.local_cloud),
        aws: at(&options.aws),
        folder: temporary.path().join("files"),
        files: options.files,
        repository: repository.clone(),
    };
    for program in [&setting.lookbook, &setting.local_cloud, &setting.aws] {
        if !program.is_file() {
            bail!(
                "{} is not there: run `make bench-upload`, which makes it",
                program.display()
            );
        }
    }
    if options.rounds == 0 || options.files == 0 {
        bail!("ROUNDS or FILES is 0: nothing would be measured");
    }
    let machine = Machine::here()?;
    println!("machine: {machine}");
    let load = quiet_load().await?;
    let bytes = files::write(&setting.folder, options.files)?;
    tokio::time::sleep(SETTLED).await;
    let mut measured: Vec<OfSide> = Who::ALL
        .map(|who| OfSide {
            who,
            first: Times::default(),
            again: Times::default(),
        })
        .into();
    for round in 1..=options.rounds {
        for of_side in &mut measured {
            let (first, again) = side::round(of_side.who, &setting).await?;
            let name = of_side.who.name();
            println!(
                "round {round} of {}: {name}: {first:.2} s, again {again:.2} s",
                options.rounds
            );
            of_side.first.0.push(first);
            of_side.again.0.push(again);
        }
    }
    let about = report::About {
        machine: &machine,
        load,
        rounds: options.rounds,
        files: options.files,
        bytes,
        aws: said_by(&setting.aws.to_string_lossy(), &["--version"]),
    };
    let section = report::section(&measured, &about)?;
    println!("\n{section}");
    match options.why_not_kept(load) {
        Some(why) => println!("not kept: {why}"),
        None => {
            let path = at(&options.report);
            write_section(&path, "bench-upload", &section)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}

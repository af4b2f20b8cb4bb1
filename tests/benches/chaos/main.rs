//! Thousands of products through the function while everything around it fails:
//! `make chaos`.
//!
//! What is played, what is made to fail and which rules must hold is in `tests::chaos`,
//! where its parts are tested and where a small run is one of the end-to-end tests.
//! This is a large one. A rule that is broken is an exit code of 1.
#![allow(missing_docs)]

mod page;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use local_stack::repository;
use tests::chaos;
use tests::machine::load_average;
use tests::outcome::{exit_code, within_minutes};

/// What is kept in BENCHMARKS.md has at least so many products.
const PRODUCTS: usize = 2_000;

/// Sends many products through the function under faults, and judges what came of them.
#[derive(Debug, Parser)]
struct Options {
    /// How many products; with fewer than 2,000 the page stays as it is.
    #[arg(long, env = "PRODUCTS", default_value_t = PRODUCTS)]
    products: usize,
    /// The same seed plans the same, and the same faults for calls about the same.
    #[arg(long, env = "SEED", default_value_t = 7)]
    seed: u64,
    /// Processes of the function at a time.
    #[arg(long, env = "WORKERS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: u16,
    /// The longest invocation, in seconds.
    #[arg(long, env = "TIMEOUT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(4..=900))]
    timeout: u64,
    /// After so many minutes it is ended and has failed.
    #[arg(long, env = "MINUTES", default_value_t = 10)]
    minutes: u64,
    /// The page that is written.
    #[arg(long, env = "REPORT", default_value = "BENCHMARKS.md")]
    report: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    exit_code(within_minutes(options.minutes, run(&options)).await)
}

async fn run(options: &Options) -> Result<()> {
    let load = load_average()?;
    let sizes = chaos::Options {
        products: options.products,
        seed: options.seed,
        workers: usize::from(options.workers),
        timeout: Duration::from_secs(options.timeout),
    };
    let report = chaos::run(&sizes, |what| println!("{what}")).await?;
    println!("\n{}", report.tables);
    if options.products >= PRODUCTS {
        let path = repository()?.join(&options.report);
        page::write(&path, &report.tables, load)?;
    }
    if let Some(kept) = &report.kept {
        println!("logs and bucket are kept in {}", kept.display());
    }
    if !report.is_right {
        bail!("rules are broken");
    }
    println!("every rule holds");
    Ok(())
}

//! The function beside one in Python that does the same with boto3: `make bench-lambda`.
//!
//! Both sides run under the same Runtime API and ask the same stand-ins about the same
//! photo, in turns; what they ask is counted, and another count than the expected one is
//! an error. The numbers go into BENCHMARKS.md.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod report;
mod services;
mod side;
mod targets;
mod turns;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use local_stack::repository;
use tests::benchmarks_page::write_section;
use tests::kept::busy;
use tests::machine::{Machine, quiet_load};
use tests::outcome::exit_code;

/// Of fewer measurements a median says little.
const FEWEST_ROUNDS: usize = 30;

/// Measures the function beside Python and writes BENCHMARKS.md.
#[derive(Debug, Parser)]
struct Options {
    /// How often each side is measured; what is measured fewer than 30 times is shown
    /// and not kept.
    #[arg(long, env = "ROUNDS", default_value_t = FEWEST_ROUNDS)]
    rounds: usize,
    /// The function.
    #[arg(
        long,
        env = "FUNCTION_BINARY",
        default_value = "target/lambda/describe-product/bootstrap"
    )]
    function: PathBuf,
    /// Its release, which has it inside; what is measured without one is shown and not
    /// kept.
    #[arg(long, env = "FUNCTION_ZIP")]
    zip: Option<PathBuf>,
    /// A Python that has tools/bench-lambda-requirements.txt.
    #[arg(
        long,
        env = "BENCH_LAMBDA_PYTHON",
        default_value = ".tools/bench-lambda-venv/bin/python"
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
        if self.rounds < FEWEST_ROUNDS {
            Some("there are too few rounds")
        } else if self.zip.is_none() {
            Some("the function is not the released one")
        } else {
            busy(load)
        }
    }
}

/// What every measurement needs.
struct Setting {
    repository: PathBuf,
    function: PathBuf,
    python: PathBuf,
}

impl Setting {
    /// The photo of every product.
    fn photo(&self) -> Result<Vec<u8>> {
        let path = self.repository.join("samples/drawn-01.jpg");
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(bench(Options::parse()).await)
}

async fn bench(options: Options) -> Result<()> {
    let repository = repository()?;
    let at = |path: &Path| repository.join(path);
    let setting = Setting {
        function: at(&options.function),
        python: at(&options.python),
        repository: repository.clone(),
    };
    for program in [&setting.function, &setting.python] {
        if !program.is_file() {
            bail!(
                "{} is not there: run `make bench-lambda`, which makes it",
                program.display()
            );
        }
    }
    if options.rounds == 0 {
        bail!("ROUNDS is 0: nothing would be measured");
    }
    let zip_bytes = match &options.zip {
        None => None,
        Some(zip) => {
            let zip = at(zip);
            let file = zip
                .metadata()
                .with_context(|| format!("cannot read {}", zip.display()))?;
            Some(file.len())
        }
    };
    let machine = Machine::here()?;
    println!("machine: {machine}");
    let load = quiet_load().await?;
    let measured = turns::measure(&setting, options.rounds).await?;
    let about = report::About {
        machine: &machine,
        load,
        rounds: options.rounds,
        photo_bytes: setting.photo()?.len(),
        versions: report::versions(&setting.python),
        zip_bytes,
    };
    let section = report::section(&measured, &about)?;
    println!("\n{section}");
    match options.why_not_kept(load) {
        Some(why) => println!("not kept: {why}"),
        None => {
            let path = at(&options.report);
            write_section(&path, "bench-lambda", &section)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}

//! The training job: SageMaker's contract around a training loop.
//!
//! [`prepare`] reads the contract's files, [`job`] is the loop. `sight` is what
//! a batch is given of its photographs, [`state`] and [`checkpoints`] what survives
//! a restart.

mod batch;
pub mod checkpoints;
pub mod classes;
pub mod container;
pub mod data;
mod epoch_end;
pub mod facts;
pub mod feature_store;
mod fingerprint;
mod good_weights;
mod hyperparameter_values;
pub mod hyperparameters;
mod inputs;
pub mod interrupt;
pub mod job;
pub mod metric_definitions;
pub mod metrics;
pub mod optimiser;
pub mod order;
mod output;
pub mod photos;
pub mod prepare;
mod report;
pub mod schedule;
pub mod sight;
pub mod state;
mod tensors;
pub mod validation;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use blip2::{DeviceKind, Engine};
use clap::Args;

use container::Container;
use interrupt::Interrupt;
use job::Outcome;

/// Where the job finds what it is given, and how it computes. What it is to
/// learn is said by the hyperparameters.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The folder of SageMaker's training contract.
    #[arg(long, value_name = "DIR", default_value = "/opt/ml")]
    pub ml_root: PathBuf,
    /// Where image features are kept, instead of the folder `features` in that
    /// of the checkpoints.
    #[arg(long, value_name = "DIR")]
    pub feature_store: Option<PathBuf>,
    /// cpu, cuda or cuda:INDEX; the first GPU where there is one and the
    /// program was built for it.
    #[arg(long)]
    pub device: Option<DeviceKind>,
    /// By which kernels a CPU computes: packed or candle.
    #[arg(long)]
    pub engine: Option<Engine>,
    /// On how many threads a CPU computes; results do not depend on it.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Stop as at SIGTERM when stdin ends: for a program that runs this one, and may
    /// end before it.
    #[arg(long)]
    pub stop_with_input: bool,
}

impl TrainArgs {
    fn device(&self) -> anyhow::Result<DeviceKind> {
        let gpu = DeviceKind::Cuda(0);
        match self.device {
            Some(device) => Ok(device),
            None if cfg!(feature = "cuda") && gpu.open().is_ok() => Ok(gpu),
            None => Ok(DeviceKind::Cpu),
        }
    }
}

/// Runs the job. The exit code is 0 where it ended, also where it was told to
/// stop and has written a checkpoint: SageMaker takes every other code for a
/// failure of the algorithm, and starts a spot job anew by itself. It is 1 where
/// the job failed; the reason is on stderr and in `output/failure`.
#[must_use]
pub fn run(args: &TrainArgs) -> ExitCode {
    match train(args) {
        Ok(Outcome::Finished | Outcome::Interrupted) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trainer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the job, and tells whether it ended or was told to stop.
///
/// # Errors
/// Why it failed, which is in `output/failure` as well.
pub fn train(args: &TrainArgs) -> anyhow::Result<Outcome> {
    let container = Container::new(&args.ml_root);
    container.remove_leftovers();
    let result = catch_unwind(AssertUnwindSafe(|| work(args, &container)))
        .unwrap_or_else(|_| Err(anyhow!("a bug in the trainer: it panicked, see the log")));
    if let Err(reason) = &result
        && let Err(error) = container.write_failure(&format!("{reason:#}"))
    {
        eprintln!("trainer: {error:#}");
    }
    result
}

fn work(args: &TrainArgs, container: &Container) -> anyhow::Result<Outcome> {
    let interrupt = Interrupt::listen()?;
    if args.stop_with_input {
        interrupt.watch_input()?;
    }
    match prepare::prepare(args, container, &interrupt)? {
        Some(job) => job.run(),
        None => {
            log("told to stop before the first step");
            Ok(Outcome::Interrupted)
        }
    }
}

/// A line about what goes on; stdout is for metrics.
fn log(line: &str) {
    eprintln!("{line}");
}

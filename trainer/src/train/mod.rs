//! The training job.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

/// Where the job finds what it is given and puts what it makes.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The folder of SageMaker's training contract.
    #[arg(long, value_name = "DIR", default_value = "/opt/ml")]
    pub ml_root: PathBuf,
}

/// Runs the job and says on stderr what went wrong, if anything did.
#[must_use]
pub fn run(args: &TrainArgs) -> ExitCode {
    eprintln!("trainer: nothing trains yet in {}", args.ml_root.display());
    ExitCode::FAILURE
}

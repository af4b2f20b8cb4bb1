//! The command line: a subcommand each, turned into what it runs.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::prepare::PrepareArgs;
use crate::sample::SampleArgs;
use crate::train::TrainArgs;

/// Fine-tuning of BLIP-2.
#[derive(Debug, Parser)]
#[command(name = "trainer", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fine-tune a checkpoint: the entry point of the training container.
    Train(TrainArgs),
    /// Make the question/answer files from a catalogue
    Prepare(Box<PrepareArgs>),
    /// Draw a catalogue of products, for tests and for those without a data set
    Sample(SampleArgs),
}

impl Cli {
    /// Runs the subcommand and says on stderr what went wrong, if anything did.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Train(args) => crate::train::run(&args),
            Command::Prepare(args) => exit_code(crate::prepare::run(&args)),
            Command::Sample(args) => exit_code(crate::sample::run(&args)),
        }
    }
}

fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("trainer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

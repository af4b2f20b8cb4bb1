//! `trainer`: parse, run, map errors to exit codes.

use std::process::ExitCode;

use clap::Parser;
use trainer::cli::Cli;

fn main() -> ExitCode {
    trainer::memory::configure();
    Cli::parse().run()
}

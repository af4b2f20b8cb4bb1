//! `model-server`: parse, run, map errors to exit codes.

use std::process::ExitCode;

use clap::Parser;
use model_server::cli::Cli;

fn main() -> ExitCode {
    model_server::memory::configure();
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("model-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

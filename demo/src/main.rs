//! Photographs in, attributes and descriptions out, on one machine: starts the
//! whole of Lookbook, sends it pictures in each of its three ways, and writes a
//! page that shows what came back.

mod files;
mod function_log;
mod interrupt;
mod options;
mod page;
mod photos;
mod product;
mod progress;
mod results;
mod run;
mod summary;
mod ways;

use std::process::ExitCode;

use clap::Parser;

use crate::interrupt::Interrupted;
use crate::options::Options;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let Err(error) = run::run(options).await else {
        return ExitCode::SUCCESS;
    };
    progress::last_words(&format!("demo: {error:#}"));
    match error.downcast_ref::<Interrupted>() {
        Some(interrupted) => ExitCode::from(interrupted.exit_code()),
        None => ExitCode::FAILURE,
    }
}

//! A module for each command: its arguments and what it does.

pub mod ask;
pub mod backfill;
pub mod completions;
pub mod cost;
pub mod describe;
pub mod doctor;
pub mod man;

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs one command to its end.
///
/// # Errors
/// With what could not be done, what to do next, and the exit code that says which kind.
pub async fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Ask(args) => ask::run(args, context).await,
        Command::Describe(args) => describe::run(*args, context).await,
        Command::Backfill(args) => backfill::run(*args, context).await,
        Command::Cost(args) => cost::run(*args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Completions(args) => completions::run(args, context).await,
        Command::Man(args) => man::run(args, context).await,
    }
}

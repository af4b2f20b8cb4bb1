//! A module for each command: its arguments and what it does.

pub mod ask;
pub mod backfill;
pub mod completions;
pub mod cost;
pub mod delete;
pub mod deploy;
pub mod describe;
pub mod doctor;
pub mod evaluate;
pub mod fetch_model;
pub mod man;
pub mod prepare;
pub mod push_image;
pub mod sample;
pub mod status;
pub mod train;
pub mod upload;

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::Outcome;
use crate::training;

/// Runs one command to its end.
///
/// # Errors
/// With what could not be done, what to do next, and the exit code that says which kind.
pub async fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Prepare(args) => prepare::run(args, context).await,
        Command::Sample(args) => sample::run(args, context).await,
        Command::FetchModel(args) => fetch_model::run(*args, context).await,
        Command::PushImage(args) => push_image::run(args, context).await,
        Command::Upload(args) => upload::run(*args, context).await,
        Command::Train(args) => train::run(*args, context).await,
        Command::Deploy(args) => deploy::run(*args, context).await,
        Command::Ask(args) => ask::run(args, context).await,
        Command::Describe(args) => describe::run(*args, context).await,
        Command::Evaluate(args) => evaluate::run(*args, context).await,
        Command::Backfill(args) => backfill::run(*args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Cost(args) => cost::run(*args, context).await,
        Command::Completions(args) => completions::run(args, context).await,
        Command::Man(args) => man::run(args, context).await,
        Command::LocalTraining(args) => training::local::here(&args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::arguments::Arguments;

    #[test]
    fn the_command_line_has_no_contradictions() {
        Arguments::command().debug_assert();
    }
}

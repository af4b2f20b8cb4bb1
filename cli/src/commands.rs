//! A module for each command: its arguments and what it does.

pub mod fetch_model;
pub mod prepare;
pub mod push_image;
pub mod sample;
pub mod upload;

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs one command to its end.
///
/// # Errors
/// With what could not be done, what to do next, and the exit code that says which kind.
pub async fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Prepare(args) => prepare::run(args, context).await,
        Command::Sample(args) => sample::run(args, context).await,
        Command::Upload(args) => upload::run(*args, context).await,
        Command::FetchModel(args) => fetch_model::run(*args, context).await,
        Command::PushImage(args) => push_image::run(args, context).await,
    }
}

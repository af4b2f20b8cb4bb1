//! A module for each command: its arguments and what it does.

use crate::arguments::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs one command to its end.
///
/// # Errors
/// With what could not be done, what to do next, and the exit code that says which kind.
pub async fn run(command: Command, context: &Context) -> Outcome {
    let _ = context;
    match command {}
}

//! The operator's command line: what takes a catalogue to a fine-tuned model, the model
//! to an endpoint, and photographs to descriptions, on AWS or on one machine.
//!
//! [`arguments`] says what can be asked for, [`commands`] has a module for each.
//! [`context`] is what they share: the account that they work on, the terminal,
//! the interrupt. [`failure`] is how they end when they can't go on.

pub mod arguments;
pub mod asking;
pub mod aws_error;
pub mod backfill;
pub mod commands;
pub mod context;
pub mod cost;
pub mod describing;
pub mod doctor;
pub mod failure;
pub mod function_settings;
pub mod infra_defaults;
pub mod interrupt;
pub mod photographs;
pub mod picture;
pub mod terminal;

use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::context::Context;

/// Runs what was asked for, and says on stderr what went wrong and what to do, if
/// anything did.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("lookbook: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Arguments { global, command } = arguments;
    let result = runtime.block_on(async {
        let context = Context::new(global);
        commands::run(command, &context).await
    });
    // What still runs is of no use to anybody: a blocked read must not hold the end up.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("lookbook: {failure}");
            failure.exit.into()
        }
    }
}

//! The operator's command line: what takes a catalogue to a fine-tuned model, the model
//! to an endpoint, and photographs to descriptions, on AWS or on one machine.
//!
//! [`arguments`] says what can be asked for, [`commands`] has a module for each.
//! [`context`] is what they share: the account that they work on, the terminal,
//! the interrupt. [`failure`] is how they end when they can't go on.
//!
//! [`training`] and [`deployment`] are what the commands of a model's life are made of,
//! [`sagemaker`] what both ask of SageMaker.

pub mod arguments;
pub mod asking;
pub mod aws_error;
pub mod backfill;
pub mod cache_folder;
pub mod checksum;
pub mod clock;
pub mod commands;
pub mod context;
pub mod cost;
pub mod deployment;
pub mod describing;
pub mod doctor;
pub mod failure;
pub mod function_settings;
pub mod given_path;
pub mod glob;
pub mod hub;
pub mod image_push;
pub mod infra_defaults;
pub mod instance_type;
pub mod interrupt;
pub mod live_line;
pub mod log_streams;
pub mod name_value;
pub mod next_step;
pub mod overview;
pub mod photographs;
pub mod picture;
pub mod polling;
pub mod profile;
pub mod s3_location;
pub mod sagemaker;
pub mod sagemaker_wire;
pub mod terminal;
pub mod training;
pub mod transfer_progress;
pub mod upload;

use std::process::ExitCode;

use crate::arguments::{Arguments, Command};
use crate::context::Context;

/// Runs what was asked for, and says on stderr what went wrong and what to do, if
/// anything did.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { global, command } = arguments;
    if matches!(command, Command::LocalTraining(_)) {
        // Before there are other threads.
        trainer::memory::configure();
    }
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
    let result = runtime.block_on(async {
        let context = Context::new(global);
        context.look_for_profile().await?;
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

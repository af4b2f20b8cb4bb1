//! Fine-tuning of BLIP-2, and the SageMaker training container around it.
//!
//! [`cli`] has a subcommand each; [`train`] is the training job, [`prepare`] makes
//! what it reads from a catalogue, [`sample`] draws one.

pub mod catalogue_progress;
pub mod cli;
pub mod memory;
pub mod prepare;
pub mod progress;
pub mod sample;
pub mod scores;
pub mod train;

//! Fine-tuning and evaluation of BLIP-2, and the SageMaker training container
//! around it.
//!
//! [`cli`] has a subcommand each; [`train`] is the training job, [`prepare`] makes
//! what it reads from a catalogue, [`sample`] draws one, [`mod@evaluate`] says how
//! good a model is. [`scores`] is what evaluation and validation count by.

pub mod catalogue_progress;
pub mod cli;
pub mod evaluate;
mod json_members;
pub mod memory;
pub mod prepare;
pub mod progress;
pub mod sample;
pub mod scores;
pub mod train;

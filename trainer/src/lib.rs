//! Fine-tuning of BLIP-2, and the SageMaker training container around it.
//!
//! [`cli`] has a subcommand each; [`train`] is the training job.

pub mod cli;
pub mod memory;
pub mod train;

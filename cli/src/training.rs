//! Fine-tuning, on SageMaker and on this machine, told in the same way.
//!
//! [`job`] is the request that creates a training job and what is asked about one, [`follow`]
//! watches it: its states ([`states`]), its log and what that measures ([`measured`], drawn by
//! [`sparkline`]). [`local`] runs the trainer here.

pub mod follow;
pub mod hyperparameters;
pub mod job;
pub mod local;
pub mod measured;
pub mod report;
pub mod sparkline;
pub mod states;

//! The orchestration function: a photograph of a garment comes in by HTTP, by
//! an S3 upload, by a message or by an invocation, is asked about at a BLIP-2
//! endpoint, and leaves as attributes and a written description.
//!
//! - [`entrypoints`]: tell the events apart and give each answer its shape.
//! - [`domain`]: what the function is for, against traits for the outside world.
//! - [`adapters`]: those traits on SageMaker Runtime, Bedrock Runtime and S3.
//! - [`settings`]: the environment, read once.
//! - [`problem`]: what went wrong, in the form in which a caller hears of it.
//! - [`telemetry`]: what is seen from outside: a line a product, metrics, traces.
//! - [`logs`]: where lines and metrics are written, and what never is.

pub mod adapters;
pub mod domain;
pub mod entrypoints;
pub mod logs;
pub mod problem;
pub mod settings;
pub mod telemetry;

#[cfg(test)]
mod fakes;

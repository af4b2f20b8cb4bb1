//! The server over HTTP: in process with a fake backend, in process with the
//! small checkpoint, and as a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod adapters;
mod bad_input;
mod body_size;
mod busy;
mod checkpoint;
mod choices;
mod contract;
mod draining;
mod image_body;
mod json_lines;
mod json_lines_ends;
mod json_lines_memory;
mod merged_adapters;
mod negotiation;
mod observation;
mod process;
mod sagemaker_sdk;
mod sending;
mod slow_clients;
mod support;

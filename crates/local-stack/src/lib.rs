//! Lookbook on one machine: the model server, the local cloud, the Lambda
//! emulator and the function itself, started in order, watched and stopped.
//!
//! The end-to-end tests and the demo both run on this. Nothing in here stands
//! in for anything: it starts the real programs and speaks their protocols.

mod catalogue_bucket;
mod cpu_time;
mod emulator;
mod function;
mod lambda_environment;
mod local_cloud;
mod memory;
mod model_server;
mod process;
mod programs;
mod stack;

pub use catalogue_bucket::{CatalogueBucket, StoredObject};
pub use emulator::{Emulator, Invocation};
pub use function::function_command;
pub use lambda_environment::{ServiceUrls, lambda_environment};
pub use local_cloud::{LocalCloud, LocalCloudOptions, Writer};
pub use memory::Memory;
pub use model_server::ModelServer;
pub use process::Process;
pub use programs::{
    Programs, SHIPPED_MODEL, built_program, lookbook_program, model_server_program, repository,
};
pub use stack::{Endpoint, Stack, StackOptions};

/// The function's name, which the events' paths and the emulator use.
pub const FUNCTION: &str = "describe-product";

/// The bucket that the local cloud makes at its start.
pub const BUCKET: &str = "lookbook-catalogue";

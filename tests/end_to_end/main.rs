//! The real function under the Lambda emulator, the real model server with the
//! shipped checkpoint, the local cloud: through every way in, and under faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bedrock;
mod chaos;
mod cli_backfill;
mod cli_catalogue;
mod cli_describe;
mod cli_doctor;
mod cli_fetch_model;
mod cli_interrupts;
mod cli_inventory;
mod cli_missing;
mod cli_profile;
mod cli_push_image;
mod cli_state_machine;
mod cli_upload;
mod common;
mod counting_proxy;
mod direct;
mod endpoints;
mod faults;
mod http_api;
mod hub;
mod judgement;
mod life_cycle;
mod listings;
mod lookbook;
mod s3_events;
mod seen;
mod settings;
mod streaming;
mod triggers;
mod writer;

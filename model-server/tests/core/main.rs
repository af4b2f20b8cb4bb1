//! The core without HTTP: with a fake backend that records what it was made to
//! do, and with the small checkpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod adapters;
mod at_once;
mod batching;
mod choices;
mod failures;
mod fairness;
mod image_cache;
mod invariance;
mod leaving;
mod metrics;
mod observed;
mod support;

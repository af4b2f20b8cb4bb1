//! What is wrong before AWS says so.
//!
//! A module for each thing that is looked at: a thin call, and a judgement of its answer
//! that is a pure function. [`finding`] is what every judgement comes to.

pub mod bucket;
pub mod clock;
pub mod concurrency;
pub mod endpoint;
pub mod finding;
pub mod identity;
pub mod image;
pub mod models;
pub mod quotas;
pub mod region;

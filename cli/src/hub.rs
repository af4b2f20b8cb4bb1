//! Checkpoints from the Hugging Face hub, or from a server that speaks as it does.
//!
//! [`listing`] says which files a model has at one commit, with their sizes and checksums,
//! [`selection`] which of them a checkpoint needs. [`download`] brings one, over and over from
//! where it broke off, and lets it appear under its name only when it is what the hub says.
//! [`record`] is what stands beside a checkpoint in S3, so that nothing is brought twice.
//! [`http`] asks the hub.

pub mod download;
pub mod http;
pub mod listing;
pub mod model_id;
pub mod record;
pub mod selection;

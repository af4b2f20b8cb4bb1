//! An S3 server over a folder.
//!
//! `s3s` speaks the protocol and `s3s-fs` keeps the objects; two layers lie on top of it:
//! [`conforming`] mends where the folder behaves unlike S3, [`notifying`] tells the function
//! what arrived. [`server`] puts them together.

pub mod access;
pub mod conforming;
mod delegate;
mod internal_request;
mod key_locks;
mod listing;
pub mod notifying;
mod request_context;
pub mod server;
mod sidecars;
mod upload_checksum;
mod uploads;

pub use server::{OpenError, S3Settings, router};

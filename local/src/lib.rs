//! AWS on one machine: what Lookbook's function uses of AWS, over the same protocols.
//!
//! - [`s3`]: an S3 server over a folder;
//! - [`notifications`]: events about objects that arrive in it, sent to the function;
//! - [`bedrock`]: a Bedrock Runtime;
//! - [`writer`]: the language model that writes its answers.
//!
//! [`settings`] are the flags, [`run`](run::run) starts it all.

pub mod bedrock;
mod logs;
pub mod notifications;
mod ready_file;
pub mod run;
pub mod s3;
pub mod settings;
pub mod writer;

//! The SageMaker inference container for BLIP-2: one photograph and questions
//! about it in, answers out.
//!
//! Three rooms, each of which knows only the next:
//!
//! - [`router`]: HTTP. Bodies, headers, status codes, request ids; no tensors.
//! - [`core`]: what a request may ask, the decoding of photographs, admission,
//!   the queue and the inference thread; no HTTP.
//! - [`backend`]: tensors in, tensors out, behind one trait.
//!
//! [`serve`] joins them into a server, [`ask`] answers on the command line.

pub mod ask;
pub mod backend;
pub mod cli;
pub mod core;
mod logging;
pub mod memory;
mod ping;
pub mod quantize;
pub mod router;
pub mod serve;

//! A Bedrock Runtime: InvokeModel for Anthropic's models.
//!
//! [`server`] is the HTTP side; [`messages`] reads and validates a request, [`response`] writes
//! the answer, [`error`] the exceptions; [`behaviour`] makes chosen models fail as AWS does.

pub mod behaviour;
pub mod error;
pub mod messages;
pub mod model_id;
pub mod response;
pub mod server;

pub use behaviour::{Behaviours, ModelBehaviour};
pub use server::{BedrockState, router};

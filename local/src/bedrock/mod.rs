//! A Bedrock Runtime: InvokeModel and Converse for Anthropic's models.
//!
//! [`server`] is the HTTP side; [`messages`] reads and validates a request of InvokeModel,
//! [`response`] writes the answer; [`converse`] does both for Converse; [`error`] has the
//! exceptions; [`behaviour`] makes chosen models fail as AWS does.

pub mod behaviour;
pub mod converse;
pub mod error;
pub mod messages;
pub mod model_id;
pub mod response;
pub mod server;

pub use behaviour::{Behaviours, ModelBehaviour};
pub use server::{BedrockState, router};

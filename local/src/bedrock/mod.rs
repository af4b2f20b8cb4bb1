//! A Bedrock Runtime: InvokeModel and Converse for Anthropic's models, and their streaming
//! forms.
//!
//! [`server`] is the HTTP side; [`messages`] reads and validates a request of InvokeModel,
//! [`response`] writes the answer; [`converse`] does both for Converse; [`parts`] takes an
//! answer apart for a stream; [`error`] has the exceptions; [`behaviour`] makes chosen models fail as AWS does.

pub mod behaviour;
pub mod converse;
pub mod error;
pub mod messages;
pub mod model_id;
pub mod parts;
pub mod response;
pub mod server;

pub use behaviour::{Behaviours, ModelBehaviour};
pub use server::{BedrockState, router};

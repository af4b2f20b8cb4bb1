//! The writer of descriptions: Claude on Amazon Bedrock.
//!
//! - [`BedrockDescriber`]: which model is asked, and again when.
//! - [`SdkModels`]: one call of `InvokeModel` or `Converse`, or of their streaming forms, by
//!   the SDK.
//! - [`batch`]: the same requests as lines of a file.

mod answer;
pub mod batch;
mod converse;
mod converse_parts;
mod describer;
mod drafts;
mod growing;
mod message_parts;
mod messages;
mod models;
mod parts;

pub use describer::BedrockDescriber;
pub use models::{InvokeModel, ModelError, ModelErrorKind, SdkModels};
pub use parts::Parts;

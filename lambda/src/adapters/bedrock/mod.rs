//! The writer of descriptions: Claude on Amazon Bedrock.
//!
//! - [`BedrockDescriber`]: which model is asked, and again when.
//! - [`SdkModels`]: one call of `InvokeModel` or `Converse`, by the SDK.

mod answer;
mod converse;
mod describer;
mod messages;
mod models;

pub use describer::BedrockDescriber;
pub use models::{InvokeModel, ModelError, ModelErrorKind, SdkModels};

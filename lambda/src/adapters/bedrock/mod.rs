//! The writer of descriptions: Claude on Amazon Bedrock.
//!
//! - [`BedrockDescriber`]: which model is asked, and again when.
//! - [`SdkModels`]: one call of `InvokeModel`, by the SDK.

mod describer;
mod messages;
mod models;

pub use describer::BedrockDescriber;
pub use models::{InvokeModel, ModelError, ModelErrorKind, SdkModels};

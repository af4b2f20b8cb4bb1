//! The attribute model behind a SageMaker endpoint.
//!
//! - [`EndpointModel`]: how the questions of a photo become calls.
//! - [`SdkEndpoint`]: one call, by the SDK.
//! - [`transform`]: the same questions as lines of a file.

mod answer;
mod endpoint;
mod model;
mod payload;
pub mod transform;

pub use endpoint::{InvokeEndpoint, InvokeError, SdkEndpoint};
pub use model::EndpointModel;

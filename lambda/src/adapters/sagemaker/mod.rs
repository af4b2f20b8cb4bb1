//! The attribute model behind a SageMaker endpoint.
//!
//! - [`EndpointModel`]: how the questions of a photo become calls.
//! - [`SdkEndpoint`]: one call, by the SDK.

mod answer;
mod endpoint;
mod model;
mod payload;

pub use endpoint::{InvokeEndpoint, InvokeError, SdkEndpoint};
pub use model::EndpointModel;

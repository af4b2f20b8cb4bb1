//! S3 event notifications: what happened to an object, told to the function.
//!
//! An arrived object becomes an [`event`] in the form that S3 publishes; the [`queue`] holds it
//! until its turn; [`invocation`] is one call of the function.

pub mod event;
pub mod invocation;
pub mod queue;

pub use event::{CreatedBy, ObjectCreated};
pub use invocation::FunctionInvoker;
pub use queue::{DeliverySettings, Notifications};

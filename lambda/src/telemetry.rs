//! What is seen of the function from outside: one line in the log for each product, metrics
//! in CloudWatch's embedded metric format, and the trace that its calls belong to.
//!
//! - [`Invocation`] is what all products of an event have in common, [`Trace`] the trace that
//!   the event belongs to. Both are known to whatever is done within their scopes.
//! - [`follow`] looks on while a product is worked on, and says at the end what came of it.

mod emf;
mod invocation;
mod metrics;
mod product;
mod trace;

pub use self::emf::TARGET as METRICS_TARGET;
pub use self::invocation::Invocation;
pub use self::product::{About, Worked, follow, refuse};
pub use self::trace::{TRACEPARENT, TRACESTATE, Trace};

#[cfg(test)]
mod tests;

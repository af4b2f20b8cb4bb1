//! What all products of an event have in common.

use std::sync::Arc;
use std::time::Duration;

use super::{emf, metrics};

tokio::task_local! {
    static CURRENT: Arc<Invocation>;
}

/// An invocation of the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// What the event comes from, such as `sqs`.
    pub trigger: &'static str,
    /// The function's name, the one dimension of its metrics.
    pub function_name: String,
    /// The namespace of the metrics; none are written where there is none.
    pub metrics_namespace: Option<String>,
    /// How long the process took to start, where this is its first event.
    pub cold_start: Option<Duration>,
}

impl Invocation {
    /// The invocation that is being worked on; an empty one outside of any.
    pub fn current() -> Arc<Invocation> {
        CURRENT.try_with(Arc::clone).unwrap_or_default()
    }

    /// Does the work of this invocation.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        if let Some(took) = self.cold_start {
            self.emit(&[], &metrics::of_cold_start(took));
        }
        CURRENT.scope(Arc::new(self), work).await
    }

    /// Takes the invocation that is being worked on along with work that is spawned, which
    /// would belong to none.
    pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(Invocation::current(), work)
    }

    /// Writes metrics, unless they are off. `properties` stand beside them for searches in
    /// the log; they are no dimensions.
    pub(super) fn emit(&self, properties: &[(&str, &str)], metrics: &[emf::Metric]) {
        let Some(namespace) = &self.metrics_namespace else {
            return;
        };
        // A value of a dimension has a length of 1 at least.
        let dimension = Some(("FunctionName", self.function_name.as_str()))
            .filter(|(_, value)| !value.is_empty());
        emf::emit(namespace, dimension.as_slice(), properties, metrics);
    }
}

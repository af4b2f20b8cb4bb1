//! Requests that are on their way to the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts requests that are being read, so that the queue knows when company
/// for a waiting question is on its way, and when it is not.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    count: AtomicUsize,
    none_left: Notify,
}

/// A request that is being read; it has arrived, or is given up, when this is
/// dropped.
#[derive(Debug)]
pub struct Arrival(Arc<Inner>);

impl Arrivals {
    pub(super) fn announce(&self) -> Arrival {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        Arrival(Arc::clone(&self.0))
    }

    pub(super) fn any(&self) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
    }

    /// Waits until the last one that was announced has arrived. One waiter at
    /// a time.
    pub(super) async fn none_left(&self) {
        self.0.none_left.notified().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_one_that_arrives_is_told() {
        let arrivals = Arrivals::default();
        assert!(!arrivals.any());
        let (one, other) = (arrivals.announce(), arrivals.announce());
        drop(one);
        assert!(arrivals.any());
        drop(other);
        assert!(!arrivals.any());
        arrivals.none_left().await;
    }
}

//! The queue between the S3 server and the function.
//!
//! Behaves like an asynchronous invocation on Lambda: an event that fails is tried twice more,
//! with a pause that doubles, and is then lost. Events are started in the order in which their
//! objects arrived, a bounded number at a time; a request to S3 never waits for the function.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};

use super::event::{EventMessage, ObjectCreated, Sequencer};
use super::invocation::FunctionInvoker;

/// Attempts after the first, as Lambda makes by default for asynchronous invocations.
const RETRIES: u32 = 2;

/// How events are delivered.
#[derive(Clone, Copy, Debug)]
pub struct DeliverySettings {
    /// Invocations under way at the same time, at least 1.
    pub concurrency: usize,
    /// The pause before the first retry; the second waits twice as long. Lambda's are one and
    /// two minutes.
    pub retry_pause: Duration,
}

/// Tells the function about objects that arrive under a prefix. Clones share one queue.
#[derive(Clone, Debug)]
pub struct Notifications {
    prefix: String,
    region: String,
    sequencer: Arc<Sequencer>,
    queue: Option<mpsc::UnboundedSender<Queued>>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Queued {
    key: String,
    event: Bytes,
}

#[derive(Debug, Default)]
struct Counts {
    accepted: AtomicU64,
    delivered: AtomicU64,
    retries: AtomicU64,
    lost: AtomicU64,
}

/// What became of the events so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Events that were made.
    pub accepted: u64,
    /// Events that the function took.
    pub delivered: u64,
    /// Attempts after a failed one.
    pub retries: u64,
    /// Events given up after the last retry.
    pub lost: u64,
    /// Events that wait for their first attempt, for its end, or for a retry.
    pub pending: u64,
}

impl Notifications {
    /// Notifications about keys that begin with `prefix`; must be called within a Tokio
    /// runtime, on which the events are delivered. Without an invoker none are sent.
    pub fn start(
        prefix: &str,
        region: &str,
        invoker: Option<FunctionInvoker>,
        settings: DeliverySettings,
    ) -> Self {
        let counts = Arc::new(Counts::default());
        let queue = invoker.map(|invoker| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let delivery = Delivery {
                invoker,
                permits: Arc::new(Semaphore::new(settings.concurrency.max(1))),
                retry_pause: settings.retry_pause,
                counts: Arc::clone(&counts),
            };
            tokio::spawn(dispatch(receiver, Arc::new(delivery)));
            sender
        });
        Self {
            prefix: prefix.to_owned(),
            region: region.to_owned(),
            sequencer: Arc::new(Sequencer::default()),
            queue,
            counts,
        }
    }

    /// Queues an event if the object's key has the prefix; returns at once.
    pub fn object_created(&self, created: &ObjectCreated) {
        let Some(queue) = &self.queue else { return };
        if !created.key.starts_with(&self.prefix) {
            return;
        }
        let message = EventMessage::new(created, &self.region, &self.sequencer);
        let event = match serde_json::to_vec(&message) {
            Ok(json) => Bytes::from(json),
            Err(error) => {
                tracing::error!(key = created.key, %error, "an event could not be written");
                return;
            }
        };
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        let queued = Queued {
            key: created.key.clone(),
            event,
        };
        if queue.send(queued).is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of the events so far.
    pub fn counts(&self) -> DeliveryCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (delivered, lost) = (read(&self.counts.delivered), read(&self.counts.lost));
        let accepted = read(&self.counts.accepted);
        DeliveryCounts {
            accepted,
            delivered,
            retries: read(&self.counts.retries),
            lost,
            pending: accepted.saturating_sub(delivered + lost),
        }
    }
}

struct Delivery {
    invoker: FunctionInvoker,
    permits: Arc<Semaphore>,
    retry_pause: Duration,
    counts: Arc<Counts>,
}

/// Starts deliveries in the order of the queue, as permits come free.
async fn dispatch(mut queue: mpsc::UnboundedReceiver<Queued>, delivery: Arc<Delivery>) {
    while let Some(queued) = queue.recv().await {
        let Ok(permit) = Arc::clone(&delivery.permits).acquire_owned().await else {
            return;
        };
        let delivery = Arc::clone(&delivery);
        tokio::spawn(async move {
            let first = delivery.invoker.invoke(queued.event.clone()).await;
            drop(permit);
            match first {
                Ok(()) => delivery.delivered(&queued.key),
                Err(error) => delivery.retry(queued, error).await,
            }
        });
    }
}

impl Delivery {
    fn delivered(&self, key: &str) {
        self.counts.delivered.fetch_add(1, Ordering::Relaxed);
        tracing::info!(key, "notification delivered");
    }

    /// Tries again after a pause, in which the permit is free for other events.
    async fn retry(&self, queued: Queued, mut error: super::invocation::InvocationError) {
        let mut pause = self.retry_pause;
        for retry in 1..=RETRIES {
            tracing::warn!(
                key = queued.key,
                %error,
                pause_ms = pause.as_millis(),
                "notification failed, retry {retry} of {RETRIES} follows"
            );
            tokio::time::sleep(pause).await;
            pause *= 2;
            let Ok(_permit) = self.permits.acquire().await else {
                return;
            };
            self.counts.retries.fetch_add(1, Ordering::Relaxed);
            match self.invoker.invoke(queued.event.clone()).await {
                Ok(()) => return self.delivered(&queued.key),
                Err(failed) => error = failed,
            }
        }
        let lost = self.counts.lost.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::error!(key = queued.key, %error, lost, "notification lost");
    }
}

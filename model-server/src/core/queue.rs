//! The queue: one task that holds all that waits, and tells the inference
//! thread what to do. Nothing is locked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::admission::Place;
use super::arrivals::{Arrival, Arrivals};
use super::image_cache::PhotoKey;
use super::inference::{Done, InferenceThread};
use super::photos::{PhotoPreparation, PreparedPhoto};
use super::questions::ReadQuestion;
use super::scheduler::{Next, PhotoId, RequestId, Scheduler, Submission};
use super::{Answered, CoreError};
use crate::backend::Backend;

/// The way into the queue.
pub(super) struct Queue {
    // Unbounded, because admission bounds what can be in it.
    events: mpsc::UnboundedSender<Event>,
    next_id: AtomicU64,
}

enum Event {
    Submitted(Box<Submission>),
    Prepared(PhotoId, Result<PreparedPhoto, CoreError>),
    Done(Done),
    Departed(RequestId),
}

impl Queue {
    /// Starts the queue's task and the inference thread. Both end when the
    /// queue is dropped. Must be called within a tokio runtime.
    pub(super) fn start(
        backend: Arc<dyn Backend>,
        photos: PhotoPreparation,
        arrivals: Arrivals,
        scheduler: Scheduler,
    ) -> io::Result<Queue> {
        let (sender, events) = mpsc::unbounded_channel();
        // Weak, so that the queue's end is seen although the thread lives.
        let report = sender.downgrade();
        let thread = InferenceThread::start(backend, move |done| {
            report
                .upgrade()
                .is_some_and(|events| events.send(Event::Done(done)).is_ok())
        })?;
        let task = Task {
            scheduler,
            thread,
            photos,
            arrivals,
            to_self: sender.downgrade(),
            events,
        };
        tokio::spawn(task.run());
        Ok(Queue {
            events: sender,
            next_id: AtomicU64::new(0),
        })
    }

    /// Waits for the answers to all questions, in order. Dropping the future
    /// takes the request out of the queue and frees its place.
    pub(super) async fn ask(
        &self,
        photo: Photo,
        questions: Vec<ReadQuestion>,
        place: Place,
        arrival: Arrival,
    ) -> Result<Answered, CoreError> {
        let (reply, answered) = oneshot::channel();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let submission = Submission {
            id,
            image: photo.image,
            key: photo.key,
            questions,
            place,
            reply,
            arrival,
        };
        self.events
            .send(Event::Submitted(Box::new(submission)))
            .map_err(|_| CoreError::Stopped)?;
        let mut ticket = Ticket {
            events: Some(&self.events),
            id,
        };
        let answered = answered.await;
        ticket.events = None;
        answered.unwrap_or(Err(CoreError::Stopped))
    }
}

/// The photograph of a request.
pub(super) struct Photo {
    pub(super) image: bytes::Bytes,
    /// Where features are kept.
    pub(super) key: Option<PhotoKey>,
}

/// Tells the queue when somebody no longer waits.
struct Ticket<'a> {
    events: Option<&'a mpsc::UnboundedSender<Event>>,
    id: RequestId,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(events) = self.events {
            // It fails only where the queue has ended.
            let _ = events.send(Event::Departed(self.id));
        }
    }
}

struct Task {
    scheduler: Scheduler,
    thread: InferenceThread,
    photos: PhotoPreparation,
    arrivals: Arrivals,
    to_self: mpsc::WeakUnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Task {
    async fn run(mut self) {
        loop {
            // What happened together is looked at together.
            while let Ok(event) = self.events.try_recv() {
                self.handle(event);
            }
            let wake_at = match self.scheduler.next(Instant::now()) {
                Next::Work(work) => {
                    if self.thread.perform(work).is_err() {
                        tracing::error!("the inference thread has ended");
                        return;
                    }
                    None
                }
                Next::Wait(until) => until,
                Next::Busy => None,
            };
            let alarm = async {
                match wake_at {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.handle(event),
                    None => return,
                },
                () = alarm => {}
                () = self.arrivals.none_left(), if wake_at.is_some() => {}
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Submitted(submission) => {
                if let Some((id, image)) = self.scheduler.submit(*submission, now) {
                    self.prepare(id, image);
                }
                self.thread.pause();
            }
            Event::Prepared(id, photo) => {
                self.scheduler.prepared(id, photo, now);
                self.thread.pause();
            }
            Event::Departed(request) => {
                self.scheduler.depart(request);
                self.thread.pause();
            }
            Event::Done(done) => self.scheduler.done(done, now),
        }
    }

    fn prepare(&mut self, id: PhotoId, image: bytes::Bytes) {
        let (photos, events) = (self.photos.clone(), self.to_self.clone());
        let preparation = tokio::spawn(async move {
            let photo = photos.prepare(image).await;
            if let Some(events) = events.upgrade() {
                // It fails only where the queue has ended.
                let _ = events.send(Event::Prepared(id, photo));
            }
        });
        self.scheduler
            .set_abort_handle(id, preparation.abort_handle());
    }
}

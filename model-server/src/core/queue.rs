//! The queue: one task that holds the waiting requests and hands them to the
//! inference thread when that asks for work. Nothing is locked.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use candle_core::Tensor;
use tokio::sync::{Notify, mpsc, oneshot};

use super::admission::Place;
use super::answer::Answer;
use super::error::CoreError;
use super::inference::{self, Demand, Job};
use super::request::QuestionForm;
use crate::backend::Backend;

/// The way into the queue.
pub(super) struct Queue {
    // Unbounded, because admission bounds what can be in it.
    submissions: mpsc::UnboundedSender<Job>,
    departures: Arc<Notify>,
}

impl Queue {
    /// Starts the queue's task and the inference thread. Both end when the
    /// queue is dropped. Must be called within a tokio runtime.
    pub(super) fn start(backend: Arc<dyn Backend>) -> io::Result<Queue> {
        let (submissions, submitted) = mpsc::unbounded_channel();
        let (demands, demanded) = mpsc::channel(1);
        let departures = Arc::new(Notify::new());
        inference::spawn(backend, demands)?;
        tokio::spawn(run(submitted, demanded, Arc::clone(&departures)));
        Ok(Queue {
            submissions,
            departures,
        })
    }

    /// Waits for the answers to all prompts, in order. Dropping the future
    /// takes the request out of the queue and frees its place.
    pub(super) async fn ask(
        &self,
        pixel_values: Tensor,
        questions: Vec<QuestionForm>,
        place: Place,
    ) -> Result<Vec<Answer>, CoreError> {
        let (reply, answers) = oneshot::channel();
        let job = Job {
            pixel_values,
            questions,
            place,
            reply,
        };
        self.submissions.send(job).map_err(|_| CoreError::Stopped)?;
        let mut ticket = Ticket {
            answers,
            departures: &self.departures,
        };
        (&mut ticket.answers)
            .await
            .unwrap_or(Err(CoreError::Stopped))
    }
}

/// Tells the queue when somebody no longer waits.
struct Ticket<'a> {
    answers: oneshot::Receiver<Result<Vec<Answer>, CoreError>>,
    departures: &'a Notify,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.answers.close();
        self.departures.notify_one();
    }
}

async fn run(
    mut submitted: mpsc::UnboundedReceiver<Job>,
    mut demanded: mpsc::Receiver<Demand>,
    departures: Arc<Notify>,
) {
    let mut waiting: VecDeque<Job> = VecDeque::new();
    let mut idle: Option<Demand> = None;
    loop {
        tokio::select! {
            job = submitted.recv() => match job {
                Some(job) => waiting.push_back(job),
                None => return,
            },
            demand = demanded.recv(), if idle.is_none() => match demand {
                Some(demand) => idle = Some(demand),
                None => return,
            },
            () = departures.notified() => waiting.retain(|job| !job.reply.is_closed()),
        }
        if let Some(demand) = idle.take() {
            match waiting.pop_front() {
                // It fails only where the thread is gone; the next demand tells.
                Some(job) => drop(demand.send(job)),
                None => idle = Some(demand),
            }
        }
    }
}

//! The inference thread, and what it does with one request.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use candle_core::Tensor;
use tokio::sync::{mpsc, oneshot};

use super::admission::Place;
use super::answer::Answer;
use super::batches::batches;
use super::error::{CoreError, panic_message};
use super::request::{QuestionForm, TaskForm};
use crate::backend::Backend;

/// One request on its way to the model.
pub(super) struct Job {
    pub(super) pixel_values: Tensor,
    pub(super) questions: Vec<QuestionForm>,
    pub(super) place: Place,
    pub(super) reply: oneshot::Sender<Result<Vec<Answer>, CoreError>>,
}

/// An idle inference thread asks for work by sending the place where it is to
/// be put.
pub(super) type Demand = oneshot::Sender<Job>;

/// Starts the thread; it ends when nobody listens to its demands any more.
pub(super) fn spawn(backend: Arc<dyn Backend>, demands: mpsc::Sender<Demand>) -> io::Result<()> {
    thread::Builder::new()
        .name("inference".to_owned())
        .spawn(move || {
            while let Some(job) = next_job(&demands) {
                perform(&*backend, job);
            }
        })?;
    Ok(())
}

fn next_job(demands: &mpsc::Sender<Demand>) -> Option<Job> {
    let (demand, job) = oneshot::channel();
    demands.blocking_send(demand).ok()?;
    job.blocking_recv().ok()
}

fn perform(backend: &dyn Backend, job: Job) {
    let Job {
        pixel_values,
        questions,
        place,
        reply,
    } = job;
    // It waits no longer.
    drop(place);
    if reply.is_closed() {
        return;
    }
    let wanted = || !reply.is_closed();
    let result = catch_unwind(AssertUnwindSafe(|| {
        infer(backend, &pixel_values, &questions, wanted)
    }))
    .unwrap_or_else(|panic| Err(CoreError::Panicked(panic_message(&*panic))));
    // A client that has left needs no answer.
    let _ = reply.send(result);
}

/// Encodes the photograph once and asks all prompts about it, in as few batches
/// as memory allows. Between two of them it stops if the answer is no longer
/// `wanted`.
pub(super) fn infer(
    backend: &dyn Backend,
    pixel_values: &Tensor,
    questions: &[QuestionForm],
    wanted: impl Fn() -> bool,
) -> Result<Vec<Answer>, CoreError> {
    let image_features = backend
        .encode_images(std::slice::from_ref(pixel_values))
        .map_err(CoreError::backend)?;
    let mut answers = Vec::with_capacity(questions.len());
    for alike in questions.chunk_by(|one, other| one.task == other.task) {
        let TaskForm::Generate(parameters) = &alike[0].task else {
            return Err(CoreError::backend("choices are not answered".into()));
        };
        let prompts: Vec<String> = alike.iter().map(|one| one.prompt.clone()).collect();
        for batch in batches(&prompts, parameters.num_beams) {
            if !wanted() {
                break;
            }
            let prompts = &prompts[batch];
            let generated = backend
                .generate(&image_features, prompts, parameters)
                .map_err(CoreError::backend)?;
            if generated.len() != prompts.len() {
                let (answers, questions) = (generated.len(), prompts.len());
                return Err(CoreError::AnswerCount { answers, questions });
            }
            answers.extend(generated.into_iter().map(Answer::from));
        }
    }
    Ok(answers)
}

//! The inference thread: it does one piece of work after the other and knows
//! nothing of requests.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use blip2::{Outcome, Question};
use candle_core::Tensor;

use super::error::{CoreError, panic_message};
use crate::backend::{Backend, Decoding};

/// A piece of work.
pub(super) enum Work {
    /// Encode these photographs together.
    Encode(Vec<Tensor>),
    /// Read these questions as one batch and go on with it.
    Begin {
        questions: Vec<Question>,
        max_steps: usize,
    },
    /// Go on with a batch.
    Step {
        decoding: Box<dyn Decoding>,
        /// Questions of it that nobody waits for any more.
        abandoned: Vec<usize>,
        max_steps: usize,
    },
}

/// What came of it.
pub(super) enum Done {
    Encoded {
        features: Result<Vec<Tensor>, CoreError>,
        took: Duration,
    },
    Stepped(Stepped),
}

/// How far a batch came.
pub(super) struct Stepped {
    /// How long reading the questions took, if they were.
    pub(super) read_took: Option<Duration>,
    pub(super) steps: usize,
    pub(super) steps_took: Duration,
    /// Answers by their index in the batch.
    pub(super) finished: Vec<(usize, Outcome)>,
    pub(super) state: Result<BatchState, CoreError>,
}

/// What is left of a batch.
pub(super) enum BatchState {
    Unfinished(Box<dyn Decoding>),
    Finished,
}

/// The way to the inference thread, which ends when this is dropped.
pub(super) struct InferenceThread {
    work: Sender<Work>,
    pause: Arc<AtomicBool>,
}

impl InferenceThread {
    /// Starts it; `report` takes what it has done, and says whether anybody
    /// still listens.
    pub(super) fn start(
        backend: Arc<dyn Backend>,
        report: impl Fn(Done) -> bool + Send + 'static,
    ) -> io::Result<InferenceThread> {
        let (work, to_do) = channel();
        let pause = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            backend,
            pause: Arc::clone(&pause),
        };
        thread::Builder::new()
            .name("inference".to_owned())
            .spawn(move || worker.run(&to_do, report))?;
        Ok(InferenceThread { work, pause })
    }

    /// Has it do a piece of work, which it must have nothing else of.
    pub(super) fn perform(&self, work: Work) -> Result<(), CoreError> {
        self.pause.store(false, Ordering::Release);
        self.work.send(work).map_err(|_| CoreError::Stopped)
    }

    /// Has it report after the step that it is at, however many it may do.
    pub(super) fn pause(&self) {
        self.pause.store(true, Ordering::Release);
    }
}

struct Worker {
    backend: Arc<dyn Backend>,
    pause: Arc<AtomicBool>,
}

impl Worker {
    fn run(&self, to_do: &Receiver<Work>, report: impl Fn(Done) -> bool) {
        while let Ok(work) = to_do.recv() {
            if !report(self.perform(work)) {
                return;
            }
        }
    }

    fn perform(&self, work: Work) -> Done {
        match work {
            Work::Encode(pixel_values) => {
                let started = Instant::now();
                let features = encode_images(&*self.backend, &pixel_values);
                Done::Encoded {
                    features,
                    took: started.elapsed(),
                }
            }
            Work::Begin {
                questions,
                max_steps,
            } => {
                let started = Instant::now();
                let begun = caught(|| self.backend.start(&questions).map_err(CoreError::backend));
                let read_took = Some(started.elapsed());
                Done::Stepped(match begun {
                    Ok(decoding) => Stepped {
                        read_took,
                        ..self.step(decoding, &[], max_steps)
                    },
                    Err(error) => Stepped {
                        read_took,
                        ..Stepped::failed(error)
                    },
                })
            }
            Work::Step {
                decoding,
                abandoned,
                max_steps,
            } => Done::Stepped(self.step(decoding, &abandoned, max_steps)),
        }
    }

    /// Goes on until an answer is finished, `max_steps` are done, or a pause is
    /// asked for.
    fn step(
        &self,
        mut decoding: Box<dyn Decoding>,
        abandoned: &[usize],
        max_steps: usize,
    ) -> Stepped {
        let started = Instant::now();
        let mut steps = 0;
        let mut finished = Vec::new();
        let state = caught(|| {
            if !abandoned.is_empty() {
                decoding.abandon(abandoned).map_err(CoreError::backend)?;
            }
            while !decoding.is_done() && finished.is_empty() && steps < max_steps {
                finished = decoding.step().map_err(CoreError::backend)?;
                steps += 1;
                if self.pause.load(Ordering::Acquire) {
                    break;
                }
            }
            Ok(if decoding.is_done() {
                BatchState::Finished
            } else {
                BatchState::Unfinished(decoding)
            })
        });
        Stepped {
            read_took: None,
            steps,
            steps_took: started.elapsed(),
            finished,
            state,
        }
    }
}

impl Stepped {
    fn failed(error: CoreError) -> Stepped {
        Stepped {
            read_took: None,
            steps: 0,
            steps_took: Duration::ZERO,
            finished: Vec::new(),
            state: Err(error),
        }
    }
}

/// The features of each photograph.
pub(super) fn encode_images(
    backend: &dyn Backend,
    pixel_values: &[Tensor],
) -> Result<Vec<Tensor>, CoreError> {
    caught(|| {
        let features = backend
            .encode_images(pixel_values)
            .map_err(CoreError::backend)?;
        let (answers, questions) = (features.len(), pixel_values.len());
        if answers == questions {
            Ok(features)
        } else {
            let reason = format!("it encoded {answers} photographs where there are {questions}");
            Err(CoreError::backend(reason.into()))
        }
    })
}

/// A panic of the model is an error like any other; the thread goes on.
fn caught<T>(compute: impl FnOnce() -> Result<T, CoreError>) -> Result<T, CoreError> {
    catch_unwind(AssertUnwindSafe(compute))
        .unwrap_or_else(|panic| Err(CoreError::Panicked(panic_message(&*panic))))
}

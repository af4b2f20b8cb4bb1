//! What came of the inference thread's work, for whom.

use blip2::Outcome;
use candle_core::Tensor;
use tokio::time::Instant;

use super::super::CoreError;
use super::super::image_cache::ImageFeatures;
use super::super::inference::{BatchState, Done, Stepped};
use super::super::metrics::Stage;
use super::batch::Batch;
use super::photos::Encoding;
use super::requests::RequestId;
use super::{Busy, Scheduler};

impl Scheduler {
    /// The inference thread has done what it was at.
    pub(in super::super) fn done(&mut self, done: Done, now: Instant) {
        match (self.busy.take(), done) {
            (Some(Busy::Encoding(photos)), Done::Encoded { features, took }) => {
                self.metrics.observe_stage(Stage::Vision, took);
                self.encoded(photos, features, now);
            }
            (Some(Busy::Answering(batch)), Done::Stepped(stepped)) => {
                self.stepped(batch, stepped, now);
            }
            // The thread does what it is told.
            (busy, _) => self.busy = busy,
        }
    }

    fn encoded(
        &mut self,
        photos: Vec<Encoding>,
        features: Result<Vec<Tensor>, CoreError>,
        now: Instant,
    ) {
        match features {
            Ok(features) => {
                for (photo, tensor) in photos.into_iter().zip(features) {
                    let size = photo.size();
                    let features = ImageFeatures { tensor, size };
                    let (key, requests) = self.photos.remove(photo.id);
                    for request in requests {
                        self.make_ready(request, &features, now);
                    }
                    if let Some(key) = key {
                        self.cache.insert(key, features, &self.metrics);
                    }
                }
            }
            // One of them may be what fails the others.
            Err(error) if photos.len() > 1 => {
                tracing::warn!("photos failed together and are encoded one by one: {error}");
                self.photos.put_back(photos, now);
            }
            Err(error) => photos
                .iter()
                .for_each(|photo| self.fail_photo(photo.id, &error)),
        }
    }

    fn stepped(&mut self, mut batch: Batch, stepped: Stepped, now: Instant) {
        let Stepped {
            read_took,
            steps,
            steps_took,
            finished,
            state,
        } = stepped;
        if let Some(took) = read_took {
            self.metrics.observe_stage(Stage::Encode, took);
        }
        batch.steps += steps;
        batch.stepping += steps_took;
        let taken = self.take_answers(&mut batch, finished);
        match state.and_then(|state| taken.map(|()| state)) {
            Err(error) => self.fail_batch(batch, &error, now),
            // What is left of it is wanted by nobody.
            Ok(BatchState::Unfinished(_)) if batch.unanswered() == 0 => {}
            Ok(BatchState::Unfinished(decoding)) => {
                batch.decoding = Some(decoding);
                if batch.progress().is_slow() {
                    self.running.push_back(batch);
                } else {
                    self.running.push_front(batch);
                }
            }
            Ok(BatchState::Finished) if batch.unanswered() == 0 => {}
            Ok(BatchState::Finished) => {
                let error = CoreError::AnswerCount {
                    answers: batch.len() - batch.unanswered(),
                    questions: batch.len(),
                };
                self.fail_batch(batch, &error, now);
            }
        }
    }

    fn take_answers(
        &mut self,
        batch: &mut Batch,
        finished: Vec<(usize, Outcome)>,
    ) -> Result<(), CoreError> {
        // All or none: a model that miscounts is not believed in part.
        if !batch.awaits(finished.iter().map(|&(index, _)| index)) {
            return Err(CoreError::AnswerCount {
                answers: batch.len() - batch.unanswered() + finished.len(),
                questions: batch.len(),
            });
        }
        for (index, outcome) in finished {
            let Some(question) = batch.answered(index) else {
                continue;
            };
            self.metrics.observe_stage(Stage::Generate, batch.stepping);
            match self
                .requests
                .answer(question.request, question.index, outcome)
            {
                Ok(tokens) => drop(self.metrics.generated_tokens.inc_by(tokens as u64)),
                Err(error) => self.fail_request(question.request, error, batch),
            }
        }
        Ok(())
    }

    /// A batch that several requests share is tried again request by request,
    /// so that one that fails fails alone.
    fn fail_batch(&mut self, batch: Batch, error: &CoreError, now: Instant) {
        if batch.is_shared {
            tracing::warn!("questions failed together and are asked request by request: {error}");
            for mut question in batch.into_unanswered().rev() {
                question.alone = true;
                question.ready_at = now;
                self.ready.push_front(question);
            }
        } else if let Some(question) = batch.into_unanswered().next() {
            self.requests.fail(question.request, error.clone());
            self.forget(question.request);
        }
    }

    fn fail_request(&mut self, request: RequestId, error: CoreError, batch: &mut Batch) {
        batch.abandon(request);
        self.requests.fail(request, error);
        self.forget(request);
    }
}

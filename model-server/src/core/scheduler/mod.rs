//! What all requests wait for, and what is to be done next for them. It waits
//! for nothing itself: it is told what happened, and asked what to do.

mod batch;
mod outcomes;
mod photos;
mod requests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use blip2::Question;
use bytes::Bytes;
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub(super) use photos::PhotoId;
pub(super) use requests::{Reply, RequestId};

use batch::{Batch, ReadyQuestion};
use photos::{Encoding, Photos};
use requests::{Request, Requests};

use super::admission::Place;
use super::arrivals::{Arrival, Arrivals};
use super::extent::Extent;
use super::gather::Candidate;
use super::image_cache::{ImageCache, ImageFeatures, PhotoKey};
use super::inference::Work;
use super::metrics::{Metrics, Stage};
use super::photos::PreparedPhoto;
use super::policy::{Decision, Policy, Progress, Situation};
use super::questions::ReadQuestion;
use super::{CoreError, ImageCacheUse};

/// A request as it arrives at the queue.
pub(super) struct Submission {
    pub(super) id: RequestId,
    pub(super) image: Bytes,
    /// Of the image, where features are kept.
    pub(super) key: Option<PhotoKey>,
    pub(super) questions: Vec<ReadQuestion>,
    /// For all of its questions.
    pub(super) place: Place,
    pub(super) reply: Reply,
    /// That it was on its way.
    pub(super) arrival: Arrival,
}

/// What the inference thread is to do.
pub(super) enum Next {
    /// This.
    Work(Work),
    /// Nothing until then, unless something happens.
    Wait(Option<Instant>),
    /// What it is at.
    Busy,
}

/// The whole state of the queue.
pub(super) struct Scheduler {
    policy: Policy,
    cache: ImageCache,
    metrics: Arc<Metrics>,
    arrivals: Arrivals,
    requests: Requests,
    /// The questions of requests whose photograph is not encoded yet.
    without_photo: HashMap<RequestId, (Vec<ReadQuestion>, Place, ImageCacheUse)>,
    photos: Photos,
    ready: VecDeque<ReadyQuestion>,
    /// Those that are not slow first, the slow ones in the order of their turns.
    running: VecDeque<Batch>,
    busy: Option<Busy>,
    slow_is_next: bool,
    photos_are_next: bool,
}

/// What the inference thread is at.
enum Busy {
    Encoding(Vec<Encoding>),
    Answering(Batch),
}

impl Scheduler {
    pub(super) fn new(
        policy: Policy,
        cache: ImageCache,
        metrics: Arc<Metrics>,
        arrivals: Arrivals,
    ) -> Scheduler {
        Scheduler {
            policy,
            cache,
            metrics,
            arrivals,
            requests: Requests::default(),
            without_photo: HashMap::new(),
            photos: Photos::default(),
            ready: VecDeque::new(),
            running: VecDeque::new(),
            busy: None,
            slow_is_next: false,
            photos_are_next: false,
        }
    }

    /// Takes a request. Returns the photograph that is to be prepared for it,
    /// if that is not known and not on its way.
    pub(super) fn submit(
        &mut self,
        submission: Submission,
        now: Instant,
    ) -> Option<(PhotoId, Bytes)> {
        let Submission {
            id,
            image,
            key,
            mut questions,
            place,
            reply,
            arrival,
        } = submission;
        drop(arrival);
        let choices = questions
            .iter_mut()
            .map(|question| question.choices.take())
            .collect();
        self.requests.add(id, Request::new(choices, reply));
        if let Some(features) = key.as_ref().and_then(|key| self.cache.get(key)) {
            self.metrics.image_cache_hits.inc();
            self.without_photo
                .insert(id, (questions, place, ImageCacheUse::Hit));
            self.make_ready(id, &features, now);
            return None;
        }
        if key.is_some_and(|key| self.photos.join(&key, id)) {
            self.metrics.image_cache_hits.inc();
            self.without_photo
                .insert(id, (questions, place, ImageCacheUse::Hit));
            return None;
        }
        let cache_use = if key.is_some() {
            self.metrics.image_cache_misses.inc();
            ImageCacheUse::Miss
        } else {
            ImageCacheUse::Off
        };
        self.without_photo.insert(id, (questions, place, cache_use));
        Some((self.photos.add(key, id), image))
    }

    /// How to stop a preparation when nobody waits for it any more.
    pub(super) fn set_abort_handle(&mut self, photo: PhotoId, handle: AbortHandle) {
        self.photos.set_abort_handle(photo, handle);
    }

    /// A photograph was prepared, or is none.
    pub(super) fn prepared(
        &mut self,
        id: PhotoId,
        photo: Result<PreparedPhoto, CoreError>,
        now: Instant,
    ) {
        match photo {
            Ok(photo) => self.photos.set_prepared(id, photo, now),
            Err(error) => self.fail_photo(id, &error),
        }
    }

    /// Nobody waits for a request any more.
    pub(super) fn depart(&mut self, request: RequestId) {
        if self.requests.remove(request) {
            self.forget(request);
        }
    }

    /// What the inference thread is to do now.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let next = self.decide(now);
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.metrics
            .photos_waiting
            .set(gauge(self.photos.waiting()));
        let answering = matches!(self.busy, Some(Busy::Answering(_)));
        self.metrics
            .batches_running
            .set(gauge(self.running.len() + usize::from(answering)));
        next
    }

    fn decide(&mut self, now: Instant) -> Next {
        if self.busy.is_some() {
            return Next::Busy;
        }
        let questions: Vec<Candidate> = self.ready.iter().map(ReadyQuestion::candidate).collect();
        let running: Vec<Progress> = self.running.iter().map(Batch::progress).collect();
        let decision = self.policy.decide(&Situation {
            now,
            more_is_coming: self.arrivals.any() || self.photos.are_preparing(),
            photos: self.photos.situation(),
            questions: &questions,
            running: &running,
            slow_is_next: self.slow_is_next,
            photos_are_next: self.photos_are_next,
        });
        let has_slow = running.iter().any(|batch| batch.is_slow());
        match decision {
            Decision::Encode(count) => {
                self.slow_is_next = has_slow;
                self.photos_are_next = false;
                Next::Work(self.encode(count))
            }
            Decision::Begin {
                questions,
                max_steps,
            } => {
                self.slow_is_next = has_slow;
                self.photos_are_next = true;
                Next::Work(self.begin(&questions, max_steps, now))
            }
            Decision::Step { batch, max_steps } => {
                self.slow_is_next = has_slow && !running[batch].is_slow();
                match self.step(batch, max_steps) {
                    Some(work) => Next::Work(work),
                    None => self.decide(now),
                }
            }
            Decision::Wait(until) => Next::Wait(until),
        }
    }

    fn encode(&mut self, count: usize) -> Work {
        let photos = self.photos.take(count);
        self.metrics.photos_per_batch.observe(photos.len() as f64);
        let pixel_values = photos.iter().map(Encoding::pixel_values).collect();
        self.busy = Some(Busy::Encoding(photos));
        Work::Encode(pixel_values)
    }

    fn begin(&mut self, questions: &[usize], max_steps: usize, now: Instant) -> Work {
        let mut taken = Vec::with_capacity(questions.len());
        for &index in questions.iter().rev() {
            taken.extend(self.ready.remove(index));
        }
        taken.reverse();
        for question in &taken {
            let waited = now.saturating_duration_since(question.ready_at);
            self.metrics.observe_stage(Stage::Queue, waited);
            let tokens = question.question.prompt.len() as u64;
            self.metrics.prompt_tokens.inc_by(tokens);
            let adapted = u64::from(question.question.adapter.is_some());
            self.metrics.adapter_questions.inc_by(adapted);
        }
        self.metrics.questions_per_batch.observe(taken.len() as f64);
        let batch = Batch::new(taken);
        let questions = batch.to_read();
        self.busy = Some(Busy::Answering(batch));
        Work::Begin {
            questions,
            max_steps,
        }
    }

    /// `None` where the batch is one that nobody waits for any more.
    fn step(&mut self, batch: usize, max_steps: usize) -> Option<Work> {
        let mut batch = self.running.remove(batch)?;
        let decoding = batch.decoding.take()?;
        let abandoned = batch.take_abandoned();
        self.busy = Some(Busy::Answering(batch));
        Some(Work::Step {
            decoding,
            abandoned,
            max_steps,
        })
    }

    /// The questions of a request can be answered now.
    fn make_ready(&mut self, request: RequestId, features: &ImageFeatures, now: Instant) {
        let Some((questions, mut place, cache_use)) = self.without_photo.remove(&request) else {
            return;
        };
        self.requests.set_photo(request, features.size, cache_use);
        let image_tokens = features.tensor.dims().first().copied().unwrap_or(0);
        for (index, question) in questions.into_iter().enumerate() {
            let ReadQuestion {
                prompt,
                task,
                adapter,
                choices: _,
            } = question;
            self.ready.push_back(ReadyQuestion {
                request,
                index,
                extent: Extent::of(image_tokens, prompt.len(), &task),
                question: Question {
                    image_features: features.tensor.clone(),
                    prompt,
                    task,
                    adapter,
                },
                ready_at: now,
                place: place.split_one(),
                alone: false,
            });
        }
    }

    /// Everybody who waits for the photograph is told, and it is not kept.
    fn fail_photo(&mut self, id: PhotoId, error: &CoreError) {
        let (_, requests) = self.photos.remove(id);
        for request in requests {
            self.requests.fail(request, error.clone());
            self.without_photo.remove(&request);
        }
    }

    /// Drops whatever is still to be done for a request.
    fn forget(&mut self, request: RequestId) {
        if self.without_photo.remove(&request).is_some() {
            self.photos.leave(request);
        }
        self.ready.retain(|question| question.request != request);
        for batch in &mut self.running {
            batch.abandon(request);
        }
        self.running.retain(|batch| batch.unanswered() > 0);
        if let Some(Busy::Answering(batch)) = &mut self.busy {
            batch.abandon(request);
        }
    }
}

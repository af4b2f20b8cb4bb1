//! A batch of questions while it is answered.

use std::collections::HashSet;
use std::time::Duration;

use blip2::Question;
use tokio::time::Instant;

use super::super::admission::Place;
use super::super::extent::Extent;
use super::super::gather::Candidate;
use super::super::policy::Progress;
use super::requests::RequestId;
use crate::backend::Decoding;

/// A question whose photograph is encoded.
pub(super) struct ReadyQuestion {
    pub(super) request: RequestId,
    /// Its index in the request.
    pub(super) index: usize,
    pub(super) question: Question,
    pub(super) extent: Extent,
    pub(super) ready_at: Instant,
    /// Its place among those that wait; gone when it is begun.
    pub(super) place: Option<Place>,
    /// Whether it must be answered in no company but its own request's.
    pub(super) alone: bool,
}

impl ReadyQuestion {
    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            extent: self.extent,
            ready_at: self.ready_at,
            alone: self.alone.then_some(self.request),
        }
    }
}

/// Questions that are answered together.
pub(super) struct Batch {
    /// Those that are answered or abandoned are gone.
    questions: Vec<Option<ReadyQuestion>>,
    /// Not there while the inference thread has it.
    pub(super) decoding: Option<Box<dyn Decoding>>,
    /// What was abandoned since the thread was told.
    abandoned: Vec<usize>,
    pub(super) steps: usize,
    /// How long its steps took.
    pub(super) stepping: Duration,
    /// Whether it was begun with questions of several requests.
    pub(super) is_shared: bool,
}

impl Batch {
    pub(super) fn new(mut questions: Vec<ReadyQuestion>) -> Batch {
        for question in &mut questions {
            // It waits no longer.
            question.place = None;
        }
        let is_shared = questions
            .windows(2)
            .any(|pair| pair[0].request != pair[1].request);
        Batch {
            questions: questions.into_iter().map(Some).collect(),
            decoding: None,
            abandoned: Vec::new(),
            steps: 0,
            stepping: Duration::ZERO,
            is_shared,
        }
    }

    /// What the model is asked, at the batch's beginning.
    pub(super) fn to_read(&self) -> Vec<Question> {
        let questions = self.questions.iter().flatten();
        questions.map(|one| one.question.clone()).collect()
    }

    pub(super) fn progress(&self) -> Progress {
        let mut left = self.questions.iter().flatten();
        Progress {
            steps: self.steps,
            is_heavy: left.any(|question| question.extent.is_heavy()),
        }
    }

    /// A question that was answered. `None` where there is none of that index,
    /// or it was answered before.
    pub(super) fn answered(&mut self, index: usize) -> Option<ReadyQuestion> {
        self.questions.get_mut(index)?.take()
    }

    /// Drops the questions of a request.
    pub(super) fn abandon(&mut self, request: RequestId) {
        for (index, place) in self.questions.iter_mut().enumerate() {
            if place.as_ref().is_some_and(|one| one.request == request) {
                *place = None;
                self.abandoned.push(index);
            }
        }
    }

    pub(super) fn take_abandoned(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.abandoned)
    }

    /// Whether all these indices are of questions that are not answered, each
    /// of another one. One that was abandoned since the thread was told may
    /// still be answered.
    pub(super) fn awaits(&self, indices: impl Iterator<Item = usize>) -> bool {
        let mut seen = HashSet::new();
        let mut indices = indices;
        indices.all(|index| {
            let is_there = self.questions.get(index).is_some_and(Option::is_some);
            seen.insert(index) && (is_there || self.abandoned.contains(&index))
        })
    }

    /// How many questions are still waited for.
    pub(super) fn unanswered(&self) -> usize {
        self.questions.iter().flatten().count()
    }

    pub(super) fn len(&self) -> usize {
        self.questions.len()
    }

    /// The questions that are still waited for.
    pub(super) fn into_unanswered(self) -> impl DoubleEndedIterator<Item = ReadyQuestion> {
        self.questions.into_iter().flatten()
    }
}

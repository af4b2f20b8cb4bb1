//! What the inference thread does next: a function of what waits and what
//! runs, without state of its own.
//!
//! - A batch that was begun goes on before anything new is begun, because most
//!   answers are a few tokens long and whoever waits for them waits least so.
//! - That holds for a batch's first [`PROMPT_STEPS`]. One that takes longer is
//!   *slow*: it shares the thread half and half with all that is not, and the
//!   slow ones share their half in turn. So a long answer ends, and delays
//!   others by no more than its half.
//! - At most [`MAX_RUNNING`] batches run, which bounds the memory of what they
//!   have written; the last place is kept for questions that cannot be slow.
//! - Photographs are encoded and batches are begun in turn where both wait, so
//!   that neither holds the other up for ever. A batch that is held back for
//!   company lets the photographs pass: they are its company.

use std::time::Duration;

use tokio::time::Instant;

use super::extent::{Extent, SHORT_ANSWER_TOKENS};
use super::gather::{Candidate, gather};

/// Steps of a batch before it counts as slow: as many as an ordinary answer
/// may have tokens.
pub(super) const PROMPT_STEPS: usize = SHORT_ANSWER_TOKENS;

/// Batches that are being answered at one time.
pub(super) const MAX_RUNNING: usize = 4;

/// The bounds that the policy keeps.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) max_batch_tokens: usize,
    pub(super) max_wait: Duration,
    pub(super) images_per_batch: usize,
}

/// What there is to do.
#[derive(Clone, Debug)]
pub(super) struct Situation<'a> {
    pub(super) now: Instant,
    /// Whether requests are being read or photographs prepared: what comes of
    /// them could share a batch with what waits.
    pub(super) more_is_coming: bool,
    pub(super) photos: Option<WaitingPhotos>,
    /// Questions whose photograph is encoded, in their order.
    pub(super) questions: &'a [Candidate],
    /// Batches that were begun; of slow ones, the first is that whose turn it is.
    pub(super) running: &'a [Progress],
    /// Whether what was done last was not for a slow batch, while there was one.
    pub(super) slow_is_next: bool,
    /// Whether a batch was begun since photographs were encoded.
    pub(super) photos_are_next: bool,
}

/// Photographs that wait to be encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitingPhotos {
    /// How many of them can be encoded together.
    pub(super) count: usize,
    /// Since when the first of them waits.
    pub(super) since: Instant,
    /// Whether the first is to be encoded by itself.
    pub(super) alone: bool,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) steps: usize,
    /// Whether a single step of it may take long: see [`Extent::is_heavy`].
    pub(super) is_heavy: bool,
}

impl Progress {
    pub(super) fn is_slow(self) -> bool {
        self.is_heavy || self.steps >= PROMPT_STEPS
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Encode so many of the photographs that wait.
    Encode(usize),
    /// Begin a batch of these questions, and go on with it up to so many steps.
    Begin {
        questions: Vec<usize>,
        max_steps: usize,
    },
    /// Go on with a batch, up to so many steps.
    Step { batch: usize, max_steps: usize },
    /// Nothing until then, unless something happens.
    Wait(Option<Instant>),
}

impl Policy {
    pub(super) fn decide(&self, situation: &Situation<'_>) -> Decision {
        let running = situation.running;
        let slow = running.iter().position(|batch| batch.is_slow());
        if let Some(batch) = slow.filter(|_| situation.slow_is_next) {
            return Decision::Step {
                batch,
                max_steps: steps_of_slow(situation),
            };
        }
        if let Some(batch) = running.iter().position(|batch| !batch.is_slow()) {
            let max_steps = steps_of_prompt(running[batch].steps, running.len() - 1, situation);
            return Decision::Step { batch, max_steps };
        }
        let (begin, encode) = (self.begin(situation), self.encode(situation));
        let (first, second) = if situation.photos_are_next {
            (encode, begin)
        } else {
            (begin, encode)
        };
        match (first, second, slow) {
            (Choice::Due(decision), _, _) | (_, Choice::Due(decision), _) => decision,
            (_, _, Some(batch)) => Decision::Step {
                batch,
                max_steps: steps_of_slow(situation),
            },
            (first, second, None) => Decision::Wait(earlier(first, second)),
        }
    }

    /// A batch of the questions that wait.
    fn begin(&self, situation: &Situation<'_>) -> Choice {
        let running = situation.running.len();
        if running >= MAX_RUNNING {
            return Choice::None;
        }
        let may_be_slow = running + 1 < MAX_RUNNING;
        let admits = |extent: &Extent| may_be_slow || !extent.may_be_slow();
        let Some(gathered) = gather(situation.questions, self.max_batch_tokens, admits) else {
            return Choice::None;
        };
        let first = &situation.questions[gathered.questions[0]];
        let company =
            first.alone.is_none() && (situation.more_is_coming || situation.photos.is_some());
        let until = first.ready_at + self.max_wait;
        if company && !gathered.is_full && situation.now < until {
            return Choice::HeldBack(until);
        }
        let left = situation.questions.len() - gathered.questions.len();
        let max_steps = match (running, left, situation.photos) {
            (0, 0, None) => usize::MAX,
            (0, _, _) => PROMPT_STEPS,
            _ => 1,
        };
        Choice::Due(Decision::Begin {
            questions: gathered.questions,
            max_steps,
        })
    }

    /// An encoding of the photographs that wait.
    fn encode(&self, situation: &Situation<'_>) -> Choice {
        let Some(WaitingPhotos {
            count,
            since,
            alone,
        }) = situation.photos
        else {
            return Choice::None;
        };
        let count = count.min(self.images_per_batch.max(1));
        let is_full = count >= self.images_per_batch;
        let company = situation.more_is_coming && !alone;
        let until = since + self.max_wait;
        if company && !is_full && situation.now < until {
            return Choice::HeldBack(until);
        }
        Choice::Due(Decision::Encode(count))
    }
}

/// Something new that could be done.
enum Choice {
    /// There is nothing of the kind.
    None,
    /// It waits until then for what could be done together with it.
    HeldBack(Instant),
    Due(Decision),
}

/// When the first of two that are held back is due.
fn earlier(one: Choice, other: Choice) -> Option<Instant> {
    let until = |choice| match choice {
        Choice::HeldBack(until) => Some(until),
        Choice::None | Choice::Due(_) => None,
    };
    until(one).into_iter().chain(until(other)).min()
}

fn steps_of_slow(situation: &Situation<'_>) -> usize {
    let alone = situation.running.len() == 1
        && situation.questions.is_empty()
        && situation.photos.is_none();
    if alone { usize::MAX } else { 1 }
}

/// How long a batch that is not slow goes on before something else is thought
/// about.
fn steps_of_prompt(steps: usize, others: usize, situation: &Situation<'_>) -> usize {
    if others > 0 {
        1
    } else if situation.questions.is_empty() && situation.photos.is_none() {
        usize::MAX
    } else {
        PROMPT_STEPS - steps
    }
}

#[cfg(test)]
mod tests;

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
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        max_batch_tokens: 400,
        max_wait: Duration::from_millis(5),
        images_per_batch: 1,
    };

    const GPU: Policy = Policy {
        images_per_batch: 8,
        ..POLICY
    };

    const FRESH: Progress = Progress {
        steps: 1,
        is_heavy: false,
    };

    const SLOW: Progress = Progress {
        steps: PROMPT_STEPS,
        is_heavy: false,
    };

    /// 70 tokens.
    fn question(ready_at: Instant) -> Candidate {
        Candidate {
            extent: Extent {
                rows: 1,
                read: 50,
                written: 20,
                nodes: 0,
            },
            ready_at,
            alone: None,
        }
    }

    fn idle(now: Instant) -> Situation<'static> {
        Situation {
            now,
            more_is_coming: false,
            photos: None,
            questions: &[],
            running: &[],
            slow_is_next: false,
            photos_are_next: false,
        }
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn begin(questions: &[usize], max_steps: usize) -> Decision {
        Decision::Begin {
            questions: questions.to_vec(),
            max_steps,
        }
    }

    fn photos(count: usize, since: Instant) -> Option<WaitingPhotos> {
        Some(WaitingPhotos {
            count,
            since,
            alone: false,
        })
    }

    #[test]
    fn nothing_to_do_is_waited_for() {
        assert_eq!(POLICY.decide(&idle(Instant::now())), Decision::Wait(None));
    }

    #[test]
    fn a_question_alone_is_answered_at_once() {
        let now = Instant::now();
        let situation = Situation {
            questions: &[question(now)],
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
    }

    #[test]
    fn a_question_is_held_back_while_company_is_coming_but_not_for_longer() {
        let now = Instant::now();
        let questions = [question(now), question(now + ms(3))];
        let mut situation = Situation {
            questions: &questions,
            more_is_coming: true,
            ..idle(now + ms(4))
        };
        assert_eq!(POLICY.decide(&situation), Decision::Wait(Some(now + ms(5))));
        situation.now = now + ms(5);
        assert_eq!(POLICY.decide(&situation), begin(&[0, 1], usize::MAX));
        situation.now = now + ms(4);
        situation.more_is_coming = false;
        assert_eq!(POLICY.decide(&situation), begin(&[0, 1], usize::MAX));
    }

    #[test]
    fn a_full_batch_is_not_held_back() {
        let now = Instant::now();
        let questions = vec![question(now); 6];
        let situation = Situation {
            questions: &questions,
            more_is_coming: true,
            ..idle(now)
        };
        assert_eq!(
            POLICY.decide(&situation),
            begin(&[0, 1, 2, 3, 4], PROMPT_STEPS)
        );
    }

    #[test]
    fn a_photo_is_encoded_while_a_question_is_held_back_for_it() {
        let now = Instant::now();
        let questions = [question(now)];
        let mut situation = Situation {
            photos: photos(1, now),
            questions: &questions,
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
        situation.now = now + ms(5);
        assert_eq!(POLICY.decide(&situation), begin(&[0], PROMPT_STEPS));
    }

    #[test]
    fn photos_and_questions_that_both_wait_take_turns() {
        let now = Instant::now();
        let questions = [question(now)];
        let mut situation = Situation {
            photos: photos(1, now),
            questions: &questions,
            ..idle(now + ms(9))
        };
        assert_eq!(POLICY.decide(&situation), begin(&[0], PROMPT_STEPS));
        situation.photos_are_next = true;
        assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
        situation.photos = None;
        assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
    }

    #[test]
    fn photos_wait_for_company_where_they_are_encoded_together() {
        let now = Instant::now();
        let mut situation = Situation {
            photos: photos(3, now),
            more_is_coming: true,
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
        assert_eq!(GPU.decide(&situation), Decision::Wait(Some(now + ms(5))));
        situation.photos = photos(9, now);
        assert_eq!(GPU.decide(&situation), Decision::Encode(8));
        situation.photos = photos(3, now);
        situation.more_is_coming = false;
        assert_eq!(GPU.decide(&situation), Decision::Encode(3));
    }

    #[test]
    fn what_must_be_alone_waits_for_no_company() {
        let now = Instant::now();
        let questions = [Candidate {
            alone: Some(1),
            ..question(now)
        }];
        let mut situation = Situation {
            questions: &questions,
            more_is_coming: true,
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
        situation.questions = &[];
        situation.photos = Some(WaitingPhotos {
            count: 1,
            since: now,
            alone: true,
        });
        assert_eq!(GPU.decide(&situation), Decision::Encode(1));
    }

    #[test]
    fn what_was_begun_goes_on_before_anything_new() {
        let now = Instant::now();
        let questions = [question(now)];
        let situation = Situation {
            photos: photos(1, now),
            questions: &questions,
            running: &[FRESH],
            ..idle(now + ms(50))
        };
        let step = Decision::Step {
            batch: 0,
            max_steps: PROMPT_STEPS - 1,
        };
        assert_eq!(POLICY.decide(&situation), step);
    }

    #[test]
    fn a_batch_alone_goes_on_until_something_happens() {
        let now = Instant::now();
        for batch in [FRESH, SLOW] {
            let running = [batch];
            let situation = Situation {
                running: &running,
                ..idle(now)
            };
            let step = Decision::Step {
                batch: 0,
                max_steps: usize::MAX,
            };
            assert_eq!(POLICY.decide(&situation), step);
        }
    }

    #[test]
    fn a_slow_batch_has_every_second_turn() {
        let now = Instant::now();
        let questions = [question(now)];
        let mut situation = Situation {
            questions: &questions,
            running: &[SLOW],
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), begin(&[0], 1));
        situation.slow_is_next = true;
        let step = |batch| Decision::Step {
            batch,
            max_steps: 1,
        };
        assert_eq!(POLICY.decide(&situation), step(0));
        situation.questions = &[];
        situation.running = &[SLOW, FRESH];
        assert_eq!(POLICY.decide(&situation), step(0));
        situation.slow_is_next = false;
        assert_eq!(POLICY.decide(&situation), step(1));
        situation.running = &[SLOW, SLOW];
        assert_eq!(POLICY.decide(&situation), step(0));
    }

    #[test]
    fn a_batch_of_heavy_steps_is_slow_from_the_beginning() {
        let heavy = Progress {
            steps: 0,
            is_heavy: true,
        };
        assert!(heavy.is_slow() && SLOW.is_slow() && !FRESH.is_slow());
    }

    #[test]
    fn the_last_place_is_kept_for_short_answers() {
        let now = Instant::now();
        let mut long = question(now);
        long.extent.written = 256;
        let questions = [long, question(now)];
        let mut situation = Situation {
            questions: &questions,
            running: &[SLOW; MAX_RUNNING - 2],
            ..idle(now)
        };
        assert_eq!(POLICY.decide(&situation), begin(&[0, 1], 1));
        situation.running = &[SLOW; MAX_RUNNING - 1];
        assert_eq!(POLICY.decide(&situation), begin(&[1], 1));
        situation.running = &[SLOW; MAX_RUNNING];
        assert!(matches!(POLICY.decide(&situation), Decision::Step { .. }));
    }
}

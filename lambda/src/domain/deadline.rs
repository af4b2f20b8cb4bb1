//! How long there is: the invocation's own end, and parts of it.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, timeout_at};

/// What is kept back before the end of an invocation. 500 ms are promised; the
/// rest is for giving the answer its shape and handing it to the runtime.
const INVOCATION_MARGIN: Duration = Duration::from_millis(750);
/// What is kept back before the end of an HTTP call, for shape and transport.
const HTTP_MARGIN: Duration = Duration::from_millis(250);
/// What the questions leave to the description: this share of the time, …
const DESCRIPTION_SHARE: f64 = 0.3;
/// … but no more than a description of 400 tokens takes.
const DESCRIPTION_LONGEST: Duration = Duration::from_secs(8);
/// What the mending of a description leaves to what comes after it: it is a second
/// attempt, for which the first one's text must not be lost.
const AFTER_MENDING: Duration = Duration::from_secs(1);
/// What work leaves to keeping its failure: this share of the time, …
const KEEPING_SHARE: f64 = 0.1;
/// … but no more than a few calls to S3 take.
const KEEPING_LONGEST: Duration = Duration::from_secs(2);
/// The shortest turn of many: in less nothing is described.
const SHORTEST_TURN: Duration = Duration::from_secs(5);

/// Lambda gives the end of an invocation as a time since the epoch. Its emulator
/// in cargo-lambda gives the time that is left instead; this point, in 2001,
/// tells the two apart.
const EARLIEST_END_MS: u64 = 1_000_000_000_000;

/// A point in time after which an answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `remaining` from now.
    pub fn after(remaining: Duration) -> Deadline {
        Deadline(Instant::now() + remaining)
    }

    /// The time by which the answer to an invocation must stand that Lambda ends
    /// `deadline_ms` after the epoch, the `Lambda-Runtime-Deadline-Ms` of the
    /// Runtime API.
    pub fn of_invocation(deadline_ms: u64, now: SystemTime) -> Deadline {
        let deadline = Duration::from_millis(deadline_ms);
        let remaining = if deadline_ms < EARLIEST_END_MS {
            deadline
        } else {
            (UNIX_EPOCH + deadline)
                .duration_since(now)
                .unwrap_or_default()
        };
        Deadline::after(remaining.saturating_sub(INVOCATION_MARGIN))
    }

    /// The same or sooner: by which the answer to an HTTP call must stand that
    /// may take `timeout_ms`.
    pub fn of_http_call(self, timeout_ms: u64) -> Deadline {
        let timeout = Duration::from_millis(timeout_ms);
        self.min(Deadline::after(timeout.saturating_sub(HTTP_MARGIN)))
    }

    /// The time by which the attributes must be known for a description to be
    /// written after them.
    pub fn of_questions(self) -> Deadline {
        let share = self.remaining().mul_f64(DESCRIPTION_SHARE);
        Deadline(self.0 - share.min(DESCRIPTION_LONGEST))
    }

    /// The time by which a description must be mended.
    pub fn of_mending(self) -> Deadline {
        Deadline::after(self.remaining().saturating_sub(AFTER_MENDING))
    }

    /// The time by which work must be done for its failure to be kept after it.
    pub fn of_work(self) -> Deadline {
        let share = self.remaining().mul_f64(KEEPING_SHARE);
        Deadline(self.0 - share.min(KEEPING_LONGEST))
    }

    /// The time by which the first of `turns` pieces of work must be done that are
    /// worked on one after another: each has an equal share of what is left. Where
    /// that would be too short for every one of them, those that come first have
    /// what they need, and there is no time for the last.
    pub fn of_turn(self, turns: usize) -> Deadline {
        let turns = u32::try_from(turns).unwrap_or(u32::MAX).max(1);
        let share = self.remaining() / turns;
        self.min(Deadline::after(share.max(SHORTEST_TURN)))
    }

    /// The time until the deadline; zero once it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// What `work` gives, or nothing if it is not done in time. Work that is not
    /// done is dropped.
    pub async fn bound<F: Future>(self, work: F) -> Option<F::Output> {
        timeout_at(self.0, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_800_000_000_000;

    fn remaining(deadline_ms: u64) -> Duration {
        let now = UNIX_EPOCH + Duration::from_millis(NOW_MS);
        Deadline::of_invocation(deadline_ms, now).remaining()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_stands_before_the_invocation_ends() {
        assert_eq!(remaining(NOW_MS + 30_000), Duration::from_millis(29_250));
        assert_eq!(remaining(NOW_MS + 100), Duration::ZERO);
        assert_eq!(remaining(NOW_MS - 1), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_emulator_s_time_that_is_left_is_understood() {
        assert_eq!(remaining(600_000), Duration::from_millis(599_250));
        assert_eq!(remaining(0), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_http_call_ends_sooner_or_with_the_invocation() {
        let deadline = Deadline::after(Duration::from_secs(60));
        let http = deadline.of_http_call(28_000);
        assert_eq!(http.remaining(), Duration::from_millis(27_750));
        assert_eq!(deadline.of_http_call(90_000), deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn the_questions_leave_time_for_the_description() {
        let left = |ms| {
            Deadline::after(Duration::from_millis(ms))
                .of_questions()
                .remaining()
        };
        assert_eq!(left(60_000), Duration::from_millis(52_000));
        assert_eq!(left(2_000), Duration::from_millis(1_400));
        assert_eq!(left(0), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn mending_ends_before_the_rest() {
        let left = |ms| {
            Deadline::after(Duration::from_millis(ms))
                .of_mending()
                .remaining()
        };
        assert_eq!(left(10_000), Duration::from_secs(9));
        assert_eq!(left(500), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn work_leaves_time_for_keeping_its_failure() {
        let left = |ms| {
            Deadline::after(Duration::from_millis(ms))
                .of_work()
                .remaining()
        };
        assert_eq!(left(60_000), Duration::from_millis(58_000));
        assert_eq!(left(5_000), Duration::from_millis(4_500));
        assert_eq!(left(0), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_share_the_time_unless_it_is_too_short_for_all() {
        let left = |ms, turns| {
            Deadline::after(Duration::from_millis(ms))
                .of_turn(turns)
                .remaining()
        };
        assert_eq!(left(60_000, 3), Duration::from_secs(20));
        assert_eq!(left(60_000, 1), Duration::from_secs(60));
        assert_eq!(left(60_000, 0), Duration::from_secs(60));
        assert_eq!(left(60_000, 100), Duration::from_secs(5));
        assert_eq!(left(2_000, 4), Duration::from_secs(2));
        assert_eq!(left(0, 4), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_dropped_at_the_deadline() {
        let deadline = Deadline::after(Duration::from_millis(100));
        assert_eq!(deadline.bound(async { 1 }).await, Some(1));
        assert_eq!(deadline.bound(std::future::pending::<()>()).await, None);
    }
}

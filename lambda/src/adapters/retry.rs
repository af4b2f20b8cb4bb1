//! Trying again, with jitter, inside the time that there is.

use std::future::Future;
use std::time::Duration;

use crate::domain::{Deadline, Progress};

/// The first pause; each further one is twice as long, …
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How often a call is made that fails for another reason than load. More would
/// only hide that something is broken.
const TRANSIENT_ATTEMPTS: u32 = 3;

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The other side is overloaded or still loading: as long as time allows.
    UntilDeadline,
    /// A fault that may pass: a few times.
    AFewTimes,
    /// The answer would be the same.
    Never,
}

/// An error that knows whether trying again may help.
pub trait Retryable {
    /// What to do about it.
    fn retry(&self) -> Retry;
}

/// How a call ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The call was under way when the time was over.
    TimedOut,
    /// The last try's error, and how many there were.
    Failed {
        /// What the last try came to.
        error: E,
        /// The number of tries.
        attempts: u32,
    },
}

/// Makes a call until it succeeds, fails for good, or the next try would begin
/// after the deadline. Pauses are drawn from the upper half of their length, so
/// that callers which were turned away together don't come back together.
pub async fn retry<T, E, F>(
    deadline: Deadline,
    what: &str,
    mut call: impl FnMut() -> F,
) -> Result<T, Failure<E>>
where
    E: Retryable + std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let mut attempts = 0;
    loop {
        attempts += 1;
        Progress::note(|progress| progress.attempts += 1);
        let error = match deadline.bound(call()).await {
            None => return Err(Failure::TimedOut),
            Some(Ok(value)) => return Ok(value),
            Some(Err(error)) => error,
        };
        let again = match error.retry() {
            Retry::UntilDeadline => {
                Progress::note(|progress| progress.throttled += 1);
                true
            }
            Retry::AFewTimes => attempts < TRANSIENT_ATTEMPTS,
            Retry::Never => false,
        };
        let pause = pause_after(attempts).mul_f64(rand::random_range(0.5..1.0));
        if !again || pause >= deadline.remaining() {
            return Err(Failure::Failed { error, attempts });
        }
        tracing::warn!(what, attempts, %error, pause_ms = pause.as_millis() as u64, "trying again");
        Progress::note(|progress| progress.retries += 1);
        tokio::time::sleep(pause).await;
    }
}

fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << (attempts - 1).min(16))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::Instant;

    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    #[error("{0:?}")]
    struct Fault(Retry);

    impl Retryable for Fault {
        fn retry(&self) -> Retry {
            self.0
        }
    }

    /// Fails `failures` times, then gives the number of calls.
    async fn run(fault: Retry, failures: u32, time_ms: u64) -> Result<u32, Failure<Fault>> {
        let calls = Cell::new(0);
        retry(
            Deadline::after(Duration::from_millis(time_ms)),
            "test",
            || {
                calls.set(calls.get() + 1);
                let calls = calls.get();
                async move {
                    if calls > failures {
                        Ok(calls)
                    } else {
                        Err(Fault(fault))
                    }
                }
            },
        )
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn load_is_waited_out_as_long_as_time_allows() {
        assert_eq!(run(Retry::UntilDeadline, 6, 60_000).await, Ok(7));
        let start = Instant::now();
        let failure = run(Retry::UntilDeadline, u32::MAX, 10_000)
            .await
            .unwrap_err();
        let Failure::Failed { attempts, .. } = failure else {
            panic!("{failure:?}")
        };
        assert!((5..=12).contains(&attempts), "{attempts}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_is_tried_three_times() {
        assert_eq!(run(Retry::AFewTimes, 2, 60_000).await, Ok(3));
        let error = Fault(Retry::AFewTimes);
        assert_eq!(
            run(Retry::AFewTimes, 3, 60_000).await,
            Err(Failure::Failed { error, attempts: 3 })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_look_on_see_how_often() {
        for (fault, throttled) in [(Retry::UntilDeadline, 2), (Retry::AFewTimes, 0)] {
            let (outcome, progress) = Progress::of(run(fault, 2, 60_000)).await;
            assert_eq!(outcome, Ok(3));
            assert_eq!((progress.attempts, progress.retries), (3, 2));
            assert_eq!(progress.throttled, throttled);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final() {
        let error = Fault(Retry::Never);
        assert_eq!(
            run(Retry::Never, 1, 60_000).await,
            Err(Failure::Failed { error, attempts: 1 })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_under_way_ends_at_the_deadline() {
        let deadline = Deadline::after(Duration::from_millis(300));
        let start = Instant::now();
        let outcome: Result<(), Failure<Fault>> =
            retry(deadline, "test", std::future::pending).await;
        assert_eq!(outcome, Err(Failure::TimedOut));
        assert_eq!(start.elapsed(), Duration::from_millis(300));
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses = [1, 2, 3, 5, 6, 100].map(|attempts| pause_after(attempts).as_millis());
        assert_eq!(pauses, [200, 400, 800, 3_200, 4_000, 4_000]);
    }
}

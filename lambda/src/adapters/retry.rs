//! Trying again, with jitter, inside the time that there is and as far as the
//! dependency may be troubled.

use std::future::Future;
use std::time::Duration;

use super::dependency::Dependency;
use crate::domain::{Deadline, Progress, in_ms};

/// The first pause; each further one is twice as long, …
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How often a call is made that fails for another reason than load. More would
/// only hide that something is broken.
const TRANSIENT_ATTEMPTS: u32 = 3;
/// A call that had less than this until the deadline, and took longer, says nothing
/// about the dependency.
pub const LEAST_TIME: Duration = Duration::from_secs(2);

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

    /// Whether the dependency as a whole seems to be out of order, whatever it is
    /// asked.
    fn is_outage(&self) -> bool;
}

/// How a call ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The call was under way when the time was over.
    TimedOut,
    /// No call was made: the dependency kept failing and is left alone for now.
    LeftAlone,
    /// The last try's error, and how many there were.
    Failed {
        /// What the last try came to.
        error: E,
        /// The number of tries.
        attempts: u32,
    },
}

/// Makes a call until it succeeds, fails for good, the next try would begin after the
/// deadline, or the dependency may not be troubled any more. Pauses are drawn from the
/// upper half of their length, so that callers which were turned away together don't
/// come back together.
pub async fn retry<T, E, F>(
    dependency: &Dependency,
    deadline: Deadline,
    mut call: impl FnMut() -> F,
) -> Result<T, Failure<E>>
where
    E: Retryable + std::fmt::Display,
    F: Future<Output = Result<T, E>>,
{
    let Some(mut leave) = dependency.leave() else {
        return Err(Failure::LeftAlone);
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        Progress::note(|progress| progress.attempts += 1);
        let time = deadline.remaining();
        let error = match deadline.bound(call()).await {
            None => {
                if time >= LEAST_TIME {
                    dependency.failed(leave);
                }
                return Err(Failure::TimedOut);
            }
            Some(Ok(value)) => {
                dependency.succeeded();
                return Ok(value);
            }
            Some(Err(error)) => error,
        };
        if error.is_outage() {
            dependency.failed(leave);
        } else {
            dependency.answered();
        }
        let again = match error.retry() {
            Retry::UntilDeadline => {
                Progress::note(|progress| progress.throttled += 1);
                true
            }
            Retry::AFewTimes => attempts < TRANSIENT_ATTEMPTS,
            Retry::Never => false,
        };
        let pause = pause_after(attempts).mul_f64(rand::random_range(0.5..1.0));
        if !again || pause >= deadline.remaining() || !dependency.take_retry() {
            return Err(Failure::Failed { error, attempts });
        }
        let what = dependency.name();
        tracing::warn!(what, attempts, %error, pause_ms = in_ms(pause), "trying again");
        tokio::time::sleep(pause).await;
        leave = match dependency.leave() {
            Some(leave) => leave,
            None => return Err(Failure::Failed { error, attempts }),
        };
        Progress::note(|progress| progress.retries += 1);
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

        fn is_outage(&self) -> bool {
            self.0 == Retry::AFewTimes
        }
    }

    /// Fails `failures` times, then gives the number of calls.
    async fn run(fault: Retry, failures: u32, time_ms: u64) -> Result<u32, Failure<Fault>> {
        run_on(&Dependency::new("test"), fault, failures, time_ms).await
    }

    async fn run_on(
        dependency: &Dependency,
        fault: Retry,
        failures: u32,
        time_ms: u64,
    ) -> Result<u32, Failure<Fault>> {
        let calls = Cell::new(0);
        retry(
            dependency,
            Deadline::after(Duration::from_millis(time_ms)),
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
            retry(&Dependency::new("test"), deadline, std::future::pending).await;
        assert_eq!(outcome, Err(Failure::TimedOut));
        assert_eq!(start.elapsed(), Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn what_keeps_failing_is_left_alone_until_it_is_back() {
        let dependency = Dependency::new("test");
        let run = |failures| run_on(&dependency, Retry::AFewTimes, failures, 60_000);
        for _ in 0..2 {
            run(u32::MAX).await.unwrap_err();
        }
        // The eighth outage in a row ends the third call's tries.
        let error = Fault(Retry::AFewTimes);
        let failed = Err(Failure::Failed { error, attempts: 2 });
        assert_eq!(run(u32::MAX).await, failed);
        assert_eq!(run(0).await, Err(Failure::LeftAlone));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(run(0).await, Ok(1));
        assert_eq!(run(1).await, Ok(2));
    }

    #[tokio::test(start_paused = true)]
    async fn overload_of_many_calls_ends_their_tries_sooner() {
        let dependency = Dependency::new("test");
        let run = || run_on(&dependency, Retry::UntilDeadline, u32::MAX, 600_000);
        let attempts = |outcome: Result<u32, Failure<Fault>>| match outcome {
            Err(Failure::Failed { attempts, .. }) => attempts,
            other => panic!("{other:?}"),
        };
        assert_eq!(attempts(run().await), 65);
        assert_eq!(attempts(run().await), 1);
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses = [1, 2, 3, 5, 6, 100].map(|attempts| pause_after(attempts).as_millis());
        assert_eq!(pauses, [200, 400, 800, 3_200, 4_000, 4_000]);
    }
}

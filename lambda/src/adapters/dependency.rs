//! What calls have shown of a dependency: whether it is to be left alone for now (a
//! circuit breaker), and how many more tries it may be troubled with (a budget).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::in_ms;

/// So many outages in a row open the circuit: more than one product's tries.
const OUTAGES: u32 = 8;
/// For how long the circuit is open first; after a failed probe twice as long, …
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most repeated tries that may be ahead of the successes. Each takes one, each
/// success brings one back: who waits out a short overload has enough, and a
/// dependency that fails on and on is asked once a call and no more.
const MOST_RETRIES: u32 = 64;

/// One dependency of the process. Clocks are those of the process, which may be
/// frozen between invocations.
#[derive(Debug)]
pub struct Dependency {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    circuit: Circuit,
    retries_left: u32,
}

#[derive(Debug)]
enum Circuit {
    /// Calls are made.
    Closed {
        /// How many outages there were since it last answered.
        outages: u32,
    },
    /// Calls are not made, but for one at a time that tries whether it is back.
    Open {
        /// When the next probe may be made.
        until: Instant,
        /// How long it was waited for.
        pause: Duration,
    },
}

/// The leave to make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// As usual.
    Usual,
    /// To try whether the dependency is back.
    Probe,
}

impl Dependency {
    /// One of which nothing is known yet. The name is for logs.
    pub fn new(name: impl Into<String>) -> Dependency {
        Dependency {
            name: name.into(),
            state: Mutex::new(State {
                circuit: Circuit::Closed { outages: 0 },
                retries_left: MOST_RETRIES,
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The leave to call it; nothing while it is left alone. A probe of which nothing
    /// is heard is followed by another after a pause.
    pub fn leave(&self) -> Option<Leave> {
        match &mut self.state().circuit {
            Circuit::Closed { .. } => Some(Leave::Usual),
            Circuit::Open { until, pause } => {
                let now = Instant::now();
                if now < *until {
                    return None;
                }
                *until = now + *pause;
                Some(Leave::Probe)
            }
        }
    }

    /// It did what was asked.
    pub fn succeeded(&self) {
        let mut state = self.state();
        state.retries_left = (state.retries_left + 1).min(MOST_RETRIES);
        self.close(&mut state);
    }

    /// It did not do it, but it is there: it refuses, or has too much to do.
    pub fn answered(&self) {
        self.close(&mut self.state());
    }

    /// It can't be reached, or it failed as a whole.
    pub fn failed(&self, leave: Leave) {
        let mut state = self.state();
        let pause = match (&mut state.circuit, leave) {
            (Circuit::Closed { outages }, _) => {
                *outages += 1;
                if *outages < OUTAGES {
                    return;
                }
                FIRST_PAUSE
            }
            (Circuit::Open { pause, .. }, Leave::Probe) => (*pause * 2).min(LONGEST_PAUSE),
            // It began before the circuit was opened, and says nothing new.
            (Circuit::Open { .. }, Leave::Usual) => return,
        };
        let until = Instant::now() + pause;
        state.circuit = Circuit::Open { until, pause };
        let pause_ms = in_ms(pause);
        tracing::warn!(
            dependency = self.name,
            pause_ms,
            "keeps failing: left alone for now"
        );
    }

    /// Whether it may be tried once more after a failure.
    pub fn take_retry(&self) -> bool {
        let mut state = self.state();
        let left = state.retries_left.checked_sub(1);
        state.retries_left = left.unwrap_or(0);
        left.is_some()
    }

    fn close(&self, state: &mut State) {
        if matches!(state.circuit, Circuit::Open { .. }) {
            tracing::info!(dependency = self.name, "answers again");
        }
        state.circuit = Circuit::Closed { outages: 0 };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    /// One whose circuit has just been opened.
    fn broken() -> Dependency {
        let dependency = Dependency::new("test");
        for _ in 0..OUTAGES {
            assert_eq!(dependency.leave(), Some(Leave::Usual));
            dependency.failed(Leave::Usual);
        }
        assert_eq!(dependency.leave(), None);
        dependency
    }

    #[tokio::test(start_paused = true)]
    async fn outages_in_a_row_open_the_circuit_and_others_do_not() {
        broken();
        let dependency = Dependency::new("test");
        for round in 0..3 * OUTAGES {
            assert_eq!(dependency.leave(), Some(Leave::Usual), "{round}");
            dependency.failed(Leave::Usual);
            if round % 2 == 1 {
                dependency.answered();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_probe_at_a_time_finds_out_that_it_is_back() {
        let dependency = broken();
        advance(FIRST_PAUSE).await;
        assert_eq!(dependency.leave(), Some(Leave::Probe));
        assert_eq!(dependency.leave(), None);
        dependency.succeeded();
        assert_eq!(dependency.leave(), Some(Leave::Usual));
        assert_eq!(dependency.leave(), Some(Leave::Usual));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_probe_it_is_left_alone_for_longer_up_to_a_limit() {
        let dependency = broken();
        let mut pause = FIRST_PAUSE;
        for _ in 0..8 {
            advance(pause - Duration::from_millis(1)).await;
            assert_eq!(dependency.leave(), None);
            advance(Duration::from_millis(1)).await;
            assert_eq!(dependency.leave(), Some(Leave::Probe));
            // A call that was under way before has no say.
            dependency.failed(Leave::Usual);
            dependency.failed(Leave::Probe);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        assert_eq!(pause, LONGEST_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_never_heard_of_is_followed_by_another() {
        let dependency = broken();
        advance(FIRST_PAUSE).await;
        assert_eq!(dependency.leave(), Some(Leave::Probe));
        advance(FIRST_PAUSE).await;
        assert_eq!(dependency.leave(), Some(Leave::Probe));
    }

    #[test]
    fn successes_bring_back_what_tries_take() {
        let dependency = Dependency::new("test");
        for _ in 0..MOST_RETRIES {
            assert!(dependency.take_retry());
        }
        assert!(!dependency.take_retry());
        dependency.succeeded();
        assert!(dependency.take_retry());
        assert!(!dependency.take_retry());
        for _ in 0..2 * MOST_RETRIES {
            dependency.succeeded();
        }
        for _ in 0..MOST_RETRIES {
            assert!(dependency.take_retry());
        }
        assert!(!dependency.take_retry());
    }
}

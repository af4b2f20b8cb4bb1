//! When a process of the function is killed in the middle of its work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::Notify;

/// Of how many invocations one is to be killed.
const RATE: f64 = 0.06;

/// A moment at which little is safe: something is done, and the function has not
/// heard of it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The endpoint has answered.
    AttributesKnown,
    /// Bedrock has answered.
    TextWritten,
    /// A result lies in the bucket.
    ResultStored,
    /// A record of a failure lies in the bucket.
    FailureStored,
}

/// When an invocation is killed. A moment that does not come kills nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// So long after it has begun.
    After(Duration),
    /// The first time that this is the moment.
    At(Moment),
}

impl Kill {
    /// What is planned for the invocation of this number: the same for a seed.
    pub fn planned(seed: u64, invocation: usize) -> Option<Kill> {
        const MOMENTS: [Moment; 4] = [
            Moment::AttributesKnown,
            Moment::TextWritten,
            Moment::ResultStored,
            Moment::FailureStored,
        ];
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ ((invocation as u64) << 20));
        if !rng.random_bool(RATE) {
            return None;
        }
        Some(match rng.random_bool(0.5) {
            true => Kill::After(Duration::from_millis(rng.random_range(1..300))),
            false => Kill::At(MOMENTS[rng.random_range(0..MOMENTS.len())]),
        })
    }
}

/// What one worker is busy with: its proxy asks, and tells it when to strike.
#[derive(Debug, Default)]
pub struct Occupation {
    now: Mutex<Now>,
}

#[derive(Clone, Debug, Default)]
struct Now {
    /// Counts the worker's processes.
    process: u64,
    invocation: usize,
    strike: Option<(Moment, Arc<Notify>)>,
}

impl Occupation {
    /// A new process begins its life.
    pub fn new_process(&self) {
        self.now().process += 1;
    }

    /// An invocation begins. What is returned is notified at its moment.
    pub fn begin(&self, invocation: usize, kill: Option<Kill>) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        let mut now = self.now();
        now.invocation = invocation;
        now.strike = match kill {
            Some(Kill::At(moment)) => Some((moment, Arc::clone(&notify))),
            Some(Kill::After(_)) | None => None,
        };
        notify
    }

    /// The number of the process.
    pub fn process(&self) -> u64 {
        self.now().process
    }

    /// The number of the invocation.
    pub fn invocation(&self) -> usize {
        self.now().invocation
    }

    /// Whether the process is to be killed now; once.
    pub fn strikes_at(&self, moment: Moment) -> bool {
        let mut now = self.now();
        match &now.strike {
            Some((planned, notify)) if *planned == moment => notify.notify_one(),
            Some(_) | None => return false,
        }
        now.strike = None;
        true
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_invocations_are_killed_at_every_moment_and_most_are_not() {
        let planned: Vec<Kill> = (0..2_000)
            .filter_map(|invocation| Kill::planned(7, invocation))
            .collect();
        assert!((60..240).contains(&planned.len()), "{}", planned.len());
        for moment in [
            Moment::AttributesKnown,
            Moment::TextWritten,
            Moment::ResultStored,
            Moment::FailureStored,
        ] {
            assert!(planned.contains(&Kill::At(moment)), "{moment:?}");
        }
        assert_eq!(Kill::planned(7, 3), Kill::planned(7, 3));
    }

    #[tokio::test]
    async fn the_planned_moment_strikes_once() {
        let occupation = Occupation::default();
        let notify = occupation.begin(3, Some(Kill::At(Moment::ResultStored)));
        assert!(!occupation.strikes_at(Moment::TextWritten));
        assert!(occupation.strikes_at(Moment::ResultStored));
        assert!(!occupation.strikes_at(Moment::ResultStored));
        notify.notified().await;
        assert_eq!(occupation.invocation(), 3);
        occupation.begin(4, None);
        assert!(!occupation.strikes_at(Moment::ResultStored));
    }
}

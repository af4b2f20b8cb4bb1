//! The right to work on something for a time, as it is written down where others look for it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::domain::{Deadline, in_ms, since_epoch_ms};

/// How long it outlives the deadline of its work. After that whoever has it is taken for
/// dead; clocks of two machines differ by less.
const MARGIN: Duration = Duration::from_secs(2);

/// A lease. No two are equal, so that whoever meets their own knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// When whoever has it is taken for dead, in ms since 1970.
    claimed_until_ms: u64,
    /// Tells it from all others.
    #[serde(default)]
    owner: String,
}

impl Lease {
    /// One for work that is done by the deadline.
    pub fn until(deadline: Deadline) -> Lease {
        let time = in_ms(deadline.remaining() + MARGIN);
        Lease {
            claimed_until_ms: since_epoch_ms(SystemTime::now()).saturating_add(time),
            owner: format!("{:032x}", rand::random::<u128>()),
        }
    }

    /// One that nobody has any more.
    pub fn over() -> Lease {
        Lease {
            claimed_until_ms: 0,
            owner: String::new(),
        }
    }

    /// Whether whoever has it may be at work.
    pub fn is_live(&self) -> bool {
        self.claimed_until_ms > since_epoch_ms(SystemTime::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lease_lives_as_long_as_its_work_may_last() {
        let lease = Lease::until(Deadline::after(Duration::from_secs(10)));
        assert!(lease.is_live());
        assert_ne!(
            lease,
            Lease::until(Deadline::after(Duration::from_secs(10)))
        );
        let end = since_epoch_ms(SystemTime::now() + Duration::from_secs(12));
        assert!(
            (end - 1_000..=end).contains(&lease.claimed_until_ms),
            "{lease:?}"
        );
        assert!(!Lease::over().is_live());
    }
}

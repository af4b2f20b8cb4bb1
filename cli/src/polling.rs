//! How often AWS is asked how far something is.

use std::time::Duration;

use clap::Args;

use crate::failure::{Exit, Outcome};
use crate::interrupt::Interrupt;

/// How often in a row nobody may answer.
const MOST_UNANSWERED: u32 = 10;

/// The time between two looks.
#[derive(Clone, Copy, Debug, Args)]
pub struct Polling {
    /// Milliseconds between two looks at how far it is
    #[arg(long, hide = true, value_name = "MS", default_value_t = 5000)]
    pub poll_ms: u64,
}

impl Polling {
    /// Waits until the next look.
    ///
    /// # Errors
    /// When the signal comes.
    pub async fn pause(&self, interrupt: &Interrupt) -> Outcome {
        let pause = tokio::time::sleep(Duration::from_millis(self.poll_ms));
        interrupt.or(pause).await
    }
}

/// Looks at what goes on without this program may fail for a while.
#[derive(Debug, Default)]
pub struct Patience {
    unanswered: u32,
}

impl Patience {
    /// What was seen; nothing where a look failed as another may not.
    ///
    /// # Errors
    /// That of the look, where it is of another kind or one too many in a row.
    pub fn with<T>(&mut self, look: Outcome<T>) -> Outcome<Option<T>> {
        match look {
            Ok(seen) => {
                self.unanswered = 0;
                Ok(Some(seen))
            }
            Err(failure) if failure.exit == Exit::Unavailable => {
                self.unanswered += 1;
                if self.unanswered > MOST_UNANSWERED {
                    return Err(failure);
                }
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn a_look_may_fail_for_a_while() {
        let mut patience = Patience::default();
        let fails = |exit| Err::<(), _>(Failure::new(exit, "no"));
        for _ in 0..2 {
            for _ in 0..MOST_UNANSWERED {
                let seen = patience.with(fails(Exit::Unavailable)).unwrap();
                assert!(seen.is_none());
            }
            assert!(patience.with(Ok(())).unwrap().is_some());
        }
        for _ in 0..MOST_UNANSWERED {
            patience.with(fails(Exit::Unavailable)).unwrap();
        }
        let failure = patience.with(fails(Exit::Unavailable)).unwrap_err();
        assert_eq!(failure.exit, Exit::Unavailable);
        let failure = Patience::default().with(fails(Exit::Denied)).unwrap_err();
        assert_eq!(failure.exit, Exit::Denied);
    }
}

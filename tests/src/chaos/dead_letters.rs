//! What was delivered in vain as often as it may be.

use super::plan::Version;

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It was worked off.
    Done,
    /// The answer to its batch names it as failed.
    Reported,
    /// The invocation was answered with an error.
    Failed,
    /// The process was killed.
    Killed,
    /// The invocation was ended by Lambda, because it lasted too long.
    TimedOut,
    /// The process ended by itself.
    Died,
}

impl Ending {
    /// As a report calls it.
    pub fn words(self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Reported => "reported",
            Ending::Failed => "failed",
            Ending::Killed => "killed",
            Ending::TimedOut => "timed out",
            Ending::Died => "died",
        }
    }
}

/// A message or an event that is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// What it tells of.
    pub version: Version,
    /// How its deliveries ended, the first one first.
    pub endings: Vec<Ending>,
}

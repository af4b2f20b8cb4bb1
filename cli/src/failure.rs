//! How a command ends when it can't go on.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of every command; `docs/cli.md` has them as a table. clap ends with
/// 2 where the command line itself is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something failed, and trying again may fail alike.
    Failed = 1,
    /// An argument, a setting or what is in a file is wrong: nothing was done.
    Usage = 2,
    /// AWS refused: credentials or permissions.
    Denied = 3,
    /// What was named isn't there: a file or folder ([`given_path`](crate::given_path)), or a thing
    /// of AWS's.
    NotFound = 4,
    /// AWS or the network failed for now: the same command may succeed later.
    Unavailable = 5,
    /// A part was done and a part failed; what failed was listed.
    Partial = 6,
    /// Interrupted by Ctrl-C or SIGTERM: the same command goes on.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not go on, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// What happened, with the names of the things it happened to.
    pub what: String,
    /// The next step, as a sentence; nothing where nobody knows one.
    pub next_step: Option<String>,
    /// The status of the process.
    pub exit: Exit,
}

impl Failure {
    /// Without a next step.
    pub fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure {
            what: what.into(),
            next_step: None,
            exit,
        }
    }

    /// What is wrong with what the user gave.
    pub fn usage(what: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, what)
    }

    /// With what to do next.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Failure {
        self.next_step = Some(step.into());
        self
    }

    /// With what was being done in front.
    #[must_use]
    pub fn during(mut self, doing: impl fmt::Display) -> Failure {
        self.what = format!("{doing}: {}", self.what);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)?;
        match &self.next_step {
            Some(step) => write!(out, "\n  next: {step}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// Errors of this machine: files, parsers, programs.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => Failure::new(Exit::Failed, format!("{error:#}")),
        }
    }
}

/// What every command returns.
pub type Outcome<T = ()> = Result<T, Failure>;

#[cfg(test)]
mod tests {
    use super::{Exit, Failure};

    #[test]
    fn a_failure_says_what_to_do_next() {
        let failure = Failure::new(Exit::NotFound, "endpoint a: there is none")
            .next("`lookbook deploy` makes it")
            .during("asking");
        assert_eq!(
            failure.to_string(),
            "asking: endpoint a: there is none\n  next: `lookbook deploy` makes it"
        );
    }

    #[test]
    fn a_failure_that_went_through_anyhow_keeps_its_exit_code() {
        let failure = Failure::new(Exit::Denied, "no").next("ask");
        let back = Failure::from(anyhow::Error::new(failure));
        assert_eq!(back.exit, Exit::Denied);
        assert_eq!(back.next_step.as_deref(), Some("ask"));
    }
}

//! An answer that comes in parts, whichever API it comes through.

use super::answer::{Answer, Unwritten, Written};
use super::{ModelError, ModelErrorKind};
use crate::domain::Usage;

/// What has come of it.
#[derive(Debug, Default)]
pub struct Growing {
    /// Its text so far.
    pub text: String,
    /// Why it ends where it does; both APIs have the same names. Nothing as long as it does not
    /// end.
    pub stop_reason: Option<String>,
    /// Whether the guardrail intervened.
    pub intervened: bool,
    /// The tokens that it took, as far as it says.
    pub usage: Usage,
}

impl Growing {
    /// What the whole answer comes to. One that has no end is half of one: its connection
    /// ended, or the model did.
    pub fn finish(self) -> Result<Result<Written, Unwritten>, ModelError> {
        let Some(stop_reason) = self.stop_reason else {
            return Err(ModelError {
                kind: ModelErrorKind::Transient,
                message: "its answer broke off".to_owned(),
            });
        };
        let answer = Answer {
            text: &self.text,
            stop_reason: &stop_reason,
            intervened: self.intervened,
            usage: self.usage,
        };
        Ok(answer.read())
    }
}

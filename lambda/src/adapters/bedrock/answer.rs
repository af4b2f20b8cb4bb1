//! What a model's answer comes to, whichever API it comes through.

use crate::adapters::shortened;
use crate::domain::Usage;

/// What a model wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Its text, without surrounding space; never empty.
    pub text: String,
    /// The tokens that it took; their cost is not known here.
    pub usage: Usage,
    /// Whether `max_tokens` ended it.
    pub cut_short: bool,
}

/// Why an answer has no text of the model's.
#[derive(Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// The guardrail intervened.
    Blocked {
        /// Its words, or the model's without what it took out.
        reason: String,
        /// The tokens that the answer took all the same; their cost is not known here.
        usage: Usage,
    },
    /// There is no text, or it is a refusal.
    NoText {
        /// Why.
        reason: String,
        /// The same; nothing where the answer can't be read.
        usage: Option<Usage>,
    },
}

/// An answer, free of its API's form.
pub struct Answer<'a> {
    /// Its text.
    pub text: &'a str,
    /// Why it ends where it does; both APIs have the same names.
    pub stop_reason: &'a str,
    /// Whether the guardrail intervened.
    pub intervened: bool,
    /// The tokens that it took.
    pub usage: Usage,
}

impl Answer<'_> {
    /// What it comes to.
    pub fn read(self) -> Result<Written, Unwritten> {
        let text = self.text.trim();
        if self.intervened {
            return Err(Unwritten::Blocked {
                reason: shortened(text),
                usage: self.usage,
            });
        }
        let stop_reason = self.stop_reason;
        if text.is_empty() || matches!(stop_reason, "refusal" | "content_filtered") {
            return Err(Unwritten::NoText {
                reason: format!("its answer has no text (stop reason {stop_reason})"),
                usage: Some(self.usage),
            });
        }
        Ok(Written {
            text: text.to_owned(),
            usage: self.usage,
            cut_short: stop_reason == "max_tokens",
        })
    }
}

//! What went wrong, as RFC 9457 has it: for a caller by HTTP as it is, for
//! others as the error of the invocation.

mod errors;
mod kind;
mod quoted;

use std::borrow::Cow;

use lambda_runtime::Diagnostic;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use self::kind::ProblemKind;
pub use self::quoted::without_quoted;

/// The types of problems are URNs: there is no page behind them.
const TYPE_PREFIX: &str = "urn:problem-type:lookbook:";

/// One occurrence of a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What kind it is.
    pub kind: ProblemKind,
    /// What happened, and what to mend.
    pub detail: String,
    /// Further members, such as the attributes that were found all the same.
    pub extensions: Map<String, Value>,
}

impl Problem {
    /// A problem without further members.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            extensions: Map::new(),
        }
    }

    /// Adds a further member.
    fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        self.extensions.insert(name.to_owned(), json!(value));
        self
    }

    /// The detail as it may be logged. What is wrong with a request is said in the request's
    /// own words, which may be anybody's name or a password, and what is wrong with a text in
    /// the text's: they are for the caller alone.
    pub fn loggable_detail(&self) -> Cow<'_, str> {
        if self.kind.has_quotations() {
            without_quoted(&self.detail)
        } else {
            Cow::Borrowed(&self.detail)
        }
    }

    /// The body of an `application/problem+json` response.
    pub fn to_json(&self) -> Value {
        let kind = self.kind;
        let mut members = Map::new();
        members.insert(
            "type".to_owned(),
            json!(format!("{TYPE_PREFIX}{}", kind.slug())),
        );
        members.insert("title".to_owned(), json!(kind.title()));
        members.insert("status".to_owned(), json!(kind.status()));
        members.insert("detail".to_owned(), json!(self.detail));
        members.extend(self.extensions.clone());
        Value::Object(members)
    }
}

/// The error of an invocation has two texts. Further members go into the
/// message, so that attributes which were found are not lost.
impl From<Problem> for Diagnostic {
    fn from(problem: Problem) -> Diagnostic {
        let kind = problem.kind;
        let mut error_message = format!("{}: {}", kind.title(), problem.detail);
        if !problem.extensions.is_empty() {
            error_message.push_str(&format!(" {}", Value::Object(problem.extensions)));
        }
        Diagnostic {
            error_type: kind.slug().to_owned(),
            error_message,
        }
    }
}

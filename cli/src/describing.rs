//! Products described one by one, by the function or here, and what came of each.

pub mod here;
pub mod invocation;
pub mod text;

use describe_product::domain::Format;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure, Outcome};

/// What is wanted of every product alike.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What kind of garment it is; the function's default where absent.
    pub category: Option<String>,
    /// The attributes to ask about; those of the category where absent.
    pub attributes: Option<Vec<String>>,
    /// What is to be written; the function's default where absent.
    pub format: Option<Format>,
}

/// What came of one photograph. Either `result` or `problem` is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Described {
    /// The photograph as it was named.
    pub image: String,
    /// The description, in the form of the HTTP API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Trouble>,
}

/// Why a product has no description.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trouble {
    /// The last part of the problem's type, or the name of Lambda's own error.
    pub kind: String,
    /// What happened, and what to mend.
    pub detail: String,
    /// What is known all the same, such as `attributes`.
    #[serde(flatten)]
    pub members: Box<Map<String, Value>>,
    /// The next step, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What it means for the exit code.
    #[serde(skip)]
    pub exit: Exit,
}

impl Described {
    /// What came of the photograph `image`.
    pub fn new(image: impl ToString, outcome: Result<Value, Trouble>) -> Described {
        let (result, problem) = match outcome {
            Ok(result) => (Some(result), None),
            Err(trouble) => (None, Some(trouble)),
        };
        Described {
            image: image.to_string(),
            result,
            problem,
        }
    }
}

impl Trouble {
    /// Without anything that is known all the same.
    pub fn new(kind: impl Into<String>, detail: impl Into<String>, exit: Exit) -> Trouble {
        Trouble {
            kind: kind.into(),
            detail: detail.into(),
            members: Box::default(),
            next: None,
            exit,
        }
    }
}

/// A failure before the product was worked on.
impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble {
            next: failure.next_step,
            ..Trouble::new("not-asked", failure.what, failure.exit)
        }
    }
}

/// How a command about all of them ends.
///
/// # Errors
/// When one or more have no description.
pub fn ending(all: &[Described]) -> Outcome {
    let troubles: Vec<&Trouble> = all.iter().filter_map(|one| one.problem.as_ref()).collect();
    let Some(first) = troubles.first() else {
        return Ok(());
    };
    let (exit, what) = if troubles.len() == all.len() {
        (first.exit, first.detail.clone())
    } else {
        let (failed, all) = (troubles.len(), all.len());
        let detail = &first.detail;
        let what = format!("{failed} of {all} are not described; the first: {detail}");
        (Exit::Partial, what)
    };
    let failure = Failure::new(exit, what);
    Err(match &first.next {
        Some(step) => failure.next(step),
        None => failure,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_of_two_members_says_what_came_of_a_photograph() {
        let described = Described::new("a.jpg", Ok(json!({"description": "x"})));
        assert_eq!(
            json!(described),
            json!({"image": "a.jpg", "result": {"description": "x"}})
        );
        let mut trouble = Trouble::new("invalid-photo", "cut short", Exit::Failed);
        trouble.members.insert("missing".into(), json!(["Fit"]));
        assert_eq!(
            json!(Described::new("a.jpg", Err(trouble))),
            json!({"image": "a.jpg", "problem": {
                "kind": "invalid-photo", "detail": "cut short", "missing": ["Fit"]
            }})
        );
    }

    #[test]
    fn the_end_says_whether_all_some_or_none_are_described() {
        let good = || Described::new("a.jpg", Ok(json!({})));
        let bad = || {
            let failure = Failure::new(Exit::Denied, "no").next("sign in");
            Described::new("b.jpg", Err(failure.into()))
        };
        assert!(ending(&[good()]).is_ok());
        let failure = ending(&[bad(), bad()]).unwrap_err();
        assert_eq!(failure.exit, Exit::Denied);
        assert_eq!(failure.next_step.as_deref(), Some("sign in"));
        let failure = ending(&[good(), bad()]).unwrap_err();
        assert_eq!(failure.exit, Exit::Partial);
        assert_eq!(failure.what, "1 of 2 are not described; the first: no");
    }
}

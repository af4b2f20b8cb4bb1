//! Why a request cannot have the adapter that it names.

/// How many adapters an error lists.
const LISTED: usize = 20;

/// An adapter that was asked for and is not had; the text says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// The server was started without any.
    #[error(
        "this server has no adapters, `{name}` was asked for: start it with --adapters DIR, or \
         leave `adapter` out"
    )]
    NotServed {
        /// What was asked for.
        name: String,
    },
    /// A text that is no name of a folder within the folder of adapters.
    #[error(
        "`adapter` is {name:?}, which is no name of one: up to {limit} letters, digits, `-`, `_` \
         and `.`, the last not as the first"
    )]
    Name {
        /// What was asked for.
        name: String,
        /// How long a name may be.
        limit: usize,
    },
    /// There is no folder of that name.
    #[error("there is no adapter `{name}`; {}", list(known))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is, sorted.
        known: Vec<String>,
    },
    /// Its files are not whole, or not for this model.
    #[error(
        "the adapter `{name}` cannot be used: {reason}; it will be read again when its files \
         change"
    )]
    Unusable {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl AdapterError {
    /// `known` is what there is now. One of that name among it was put back just
    /// after it was found missing: an error that offers it would contradict itself.
    pub(super) fn unknown(name: &str, mut known: Vec<String>) -> AdapterError {
        known.retain(|other| other != name);
        AdapterError::Unknown {
            name: name.to_owned(),
            known,
        }
    }
}

fn list(known: &[String]) -> String {
    match known {
        [] => "there is none yet".to_owned(),
        [only] => format!("the only one is {only}"),
        _ if known.len() <= LISTED => format!("there are {}", known.join(", ")),
        _ => {
            let (listed, others) = known.split_at(LISTED);
            format!("there are {} and {} more", listed.join(", "), others.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_listed() {
        let message = |count: usize| {
            let error = AdapterError::Unknown {
                name: "x".to_owned(),
                known: (0..count).map(|number| format!("a{number}")).collect(),
            };
            error.to_string()
        };
        assert_eq!(message(0), "there is no adapter `x`; there is none yet");
        assert_eq!(message(1), "there is no adapter `x`; the only one is a0");
        assert_eq!(message(2), "there is no adapter `x`; there are a0, a1");
        assert!(message(25).ends_with("a18, a19 and 5 more"));
    }

    #[test]
    fn what_is_not_there_is_not_listed() {
        let known = ["dresses", "shoes"].map(str::to_owned).to_vec();
        let message = AdapterError::unknown("dresses", known).to_string();
        assert_eq!(
            message,
            "there is no adapter `dresses`; the only one is shoes"
        );
    }
}

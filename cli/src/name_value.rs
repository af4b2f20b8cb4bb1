//! `NAME=VALUE` on the command line.

use std::collections::BTreeMap;

use crate::failure::{Failure, Outcome};

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameValue {
    /// What stands before the first `=`.
    pub name: String,
    /// What stands behind it; may be empty.
    pub value: String,
}

impl std::str::FromStr for NameValue {
    type Err = String;

    fn from_str(text: &str) -> Result<NameValue, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(NameValue {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write NAME=VALUE".to_owned()),
        }
    }
}

/// All that were given with an option.
///
/// # Errors
/// When a name was given twice.
pub fn collected(option: &str, given: &[NameValue]) -> Outcome<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for NameValue { name, value } in given {
        if values.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("{option}: {name} is given twice")));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NameValue, String> {
        text.parse()
    }

    #[test]
    fn a_value_may_hold_anything_and_a_name_is_given_once() {
        let one = parse("model-name=a=b").unwrap();
        assert_eq!(
            (one.name.as_str(), one.value.as_str()),
            ("model-name", "a=b")
        );
        assert_eq!(parse("a=").unwrap().value, "");
        assert!(parse("a").is_err() && parse("=a").is_err());
        let twice = [parse("a=1").unwrap(), parse("a=2").unwrap()];
        assert!(collected("-H", &twice).is_err());
        assert_eq!(collected("-H", &twice[..1]).unwrap()["a"], "1");
    }
}

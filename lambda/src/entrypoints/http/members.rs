//! What the forms of HTTP events have in common, member by member.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};

use super::{PATH, batch};
use crate::entrypoints::base64_text;
use crate::entrypoints::request_body::invalid;
use crate::problem::Problem;

/// Some senders write members that have no value, others leave them out.
pub fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The bytes of a body.
pub fn decode(body: String, is_base64_encoded: bool) -> Result<Bytes, Problem> {
    if !is_base64_encoded {
        return Ok(body.into());
    }
    base64_text::decode(&body).map_err(|error| {
        invalid(format!(
            "isBase64Encoded is true, but the body is not: {error}"
        ))
    })
}

/// A header's value. Names come in lower case from some triggers and as they were
/// sent from others.
pub fn header<'a>(headers: &'a HashMap<String, String>, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// The path below the API, without a slash at its end: it begins with the stage
/// where that has a name.
pub fn path_below<'a>(stage: &str, path: &'a str) -> &'a str {
    let path = path.trim_end_matches('/');
    if is_known(path) {
        return path;
    }
    path.strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage))
        .filter(|rest| !stage.is_empty() && (rest.is_empty() || rest.starts_with('/')))
        .unwrap_or(path)
}

/// Whether there is such a path.
pub fn is_known(path: &str) -> bool {
    path == PATH || batch::is_path(path)
}

/// One value a name. Some forms list the values that were sent for a name, beside
/// the last one or in its place: they are joined by commas, as format 2.0 does it.
pub fn joined(
    mut single: HashMap<String, String>,
    lists: HashMap<String, Vec<String>>,
) -> HashMap<String, String> {
    single.extend(
        lists
            .into_iter()
            .map(|(name, values)| (name, values.join(","))),
    );
    single
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_left_out_of_the_path() {
        for (stage, path, below) in [
            ("$default", "/descriptions/", "/descriptions"),
            ("prod", "/prod/descriptions", "/descriptions"),
            ("prod", "/prod/descriptions:batch", "/descriptions:batch"),
            (
                "prod",
                "/production/descriptions",
                "/production/descriptions",
            ),
            ("descriptions", "/descriptions", "/descriptions"),
            (
                "descriptions",
                "/descriptions/descriptions",
                "/descriptions",
            ),
            ("prod", "/prod", ""),
            ("", "/", ""),
        ] {
            assert_eq!(path_below(stage, path), below, "{path} of {stage}");
        }
    }

    #[test]
    fn lists_of_values_are_joined() {
        let single = [
            ("a".to_owned(), "2".to_owned()),
            ("b".to_owned(), "3".to_owned()),
        ];
        let lists = [("a".to_owned(), vec!["1".to_owned(), "2".to_owned()])];
        let joined = joined(single.into(), lists.into());
        assert_eq!((joined["a"].as_str(), joined["b"].as_str()), ("1,2", "3"));
    }
}

//! How models and configurations are called, and how they are told apart from others'.

use std::time::SystemTime;

use crate::clock::stamp;
use crate::sagemaker::LONGEST_NAME;

/// The tag of everything that is made for an endpoint: its value is the endpoint's name.
pub const ENDPOINT_TAG: &str = "lookbook:endpoint";

/// The tag by which CloudFormation marks what belongs to a stack.
pub const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// As long as a time is in a name, with the sign before it.
const STAMP: usize = "-20261129-115312".len();

/// The name of a model and of its configuration: the endpoint's and the time.
#[must_use]
pub fn made_name(endpoint: &str, time: SystemTime) -> String {
    format!("{}-{}", stem(endpoint), stamp(time))
}

/// What the names begin with: as much of the endpoint's as there is room for. The tag
/// tells apart those that begin alike.
#[must_use]
pub fn stem(endpoint: &str) -> &str {
    let end = endpoint.len().min(LONGEST_NAME - STAMP);
    endpoint
        .get(..end)
        .unwrap_or(endpoint)
        .trim_end_matches('-')
}

/// Whether a name is one that [`made_name`] gives for an endpoint.
#[must_use]
pub fn is_made_name(endpoint: &str, name: &str) -> bool {
    let Some(stamp) = name.strip_prefix(stem(endpoint)) else {
        return false;
    };
    stamp.len() == STAMP
        && stamp.chars().enumerate().all(|(at, sign)| match at {
            0 | 9 => sign == '-',
            _ => sign.is_ascii_digit(),
        })
}

/// Where SageMaker writes what the containers of an endpoint say.
#[must_use]
pub fn log_group(endpoint: &str) -> String {
    format!("/aws/sagemaker/Endpoints/{endpoint}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn names_are_of_their_endpoint_alone() {
        let time = UNIX_EPOCH + Duration::from_secs(1_795_953_192);
        let long = "a".repeat(46) + "-" + &"b".repeat(16);
        for endpoint in ["shirts", "shirts-2", "endpoint-finetuned-blip2", &long] {
            let name = made_name(endpoint, time);
            assert!(name.len() <= LONGEST_NAME, "{name}");
            assert!(!name.contains("--"), "{name}");
            assert!(is_made_name(endpoint, &name), "{name}");
        }
        assert_eq!(made_name("shirts", time), "shirts-20261129-115312");
        for other in [
            "shirts-2-20261129-115312",
            "shirts-20261129",
            "shirts-20261129-11531x",
            "shirts-20261129-1153123",
            "my-shirts-20261129-115312",
            "shirts",
        ] {
            assert!(!is_made_name("shirts", other), "{other}");
        }
    }
}

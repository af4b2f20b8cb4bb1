//! In which region all is looked for.

use super::finding::Finding;

/// Judges the region that the SDK has found.
#[must_use]
pub fn judge(region: Option<&str>) -> Finding {
    let Some(region) = region else {
        return Finding::problem("region", "none is set")
            .mend("give --region, set AWS_REGION, or run `aws configure set region eu-west-1`");
    };
    if looks_like_one(region) {
        return Finding::ok("region", region);
    }
    Finding::warning("region", format!("{region:?} does not look like one"))
        .mend("a region is called as in eu-west-1; `aws account list-regions` lists yours")
}

/// Letters and digits in three or more parts, the last one a number: eu-west-1.
fn looks_like_one(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.split_last() {
        Some((last, words)) => words.len() >= 2 && words.iter().all(is_word) && is_number(last),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::judge;

    #[test]
    fn a_region_is_there_and_looks_like_one() {
        for region in ["eu-west-1", "us-gov-east-1", "ap-southeast-12"] {
            assert_eq!(judge(Some(region)).state, State::Ok, "{region}");
        }
        for region in ["eu-west", "Ireland", "eu-west-1a", "", "--1"] {
            assert_eq!(judge(Some(region)).state, State::Warning, "{region}");
        }
        let none = judge(None);
        assert_eq!(none.state, State::Problem);
        assert!(none.mend.unwrap().contains("--region"));
    }
}

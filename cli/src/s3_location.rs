//! A place in S3: `s3://bucket/prefix`.

use std::fmt;
use std::str::FromStr;

/// A bucket and what keys in it begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Location {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
}

impl S3Location {
    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// What keys begin with: nothing, or a text with a slash at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The key of a name below this place.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl FromStr for S3Location {
    type Err = String;

    fn from_str(text: &str) -> Result<S3Location, String> {
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| format!("{text:?} is no place in S3: s3://bucket/prefix is one"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        if !is_name {
            return Err(format!(
                "{bucket:?} is no bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens are"
            ));
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if prefix.is_empty() {
            return Ok(S3Location {
                bucket: bucket.to_owned(),
                prefix: String::new(),
            });
        }
        if prefix
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(format!(
                "{text:?} has an empty part, '.' or '..' between its slashes"
            ));
        }
        Ok(S3Location {
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}/"),
        })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::S3Location;

    #[test]
    fn a_place_is_a_bucket_and_a_prefix_with_a_slash() {
        for (text, prefix) in [
            ("s3://photos", ""),
            ("s3://photos/", ""),
            ("s3://photos/a", "a/"),
            ("s3://photos/a b/ü/", "a b/ü/"),
        ] {
            let place: S3Location = text.parse().unwrap();
            assert_eq!((place.bucket(), place.prefix()), ("photos", prefix));
            assert_eq!(place.key("x.jpg"), format!("{prefix}x.jpg"));
            assert_eq!(place.to_string().parse(), Ok(place));
        }
    }

    #[test]
    fn what_is_no_place_is_said() {
        for (text, part) in [
            ("photos/a", "s3://bucket/prefix"),
            ("s3://", "bucket"),
            ("s3://Photos/a", "\"Photos\""),
            ("s3://photos//a", "empty part"),
            ("s3://photos/a/../b", "'..'"),
        ] {
            let error = text.parse::<S3Location>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

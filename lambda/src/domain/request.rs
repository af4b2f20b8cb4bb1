//! What is asked of the function, whichever way it came in.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use bytes::Bytes;

use super::{Format, excerpt};

/// The longest key of an object, in bytes.
pub const LONGEST_KEY: usize = 1024;

/// How names begin and end that no general purpose bucket has. What ends so is a directory
/// bucket, an access point of many regions or a table, which are asked for in other ways. An
/// access point's alias (`-s3alias`, `--ol-s3`) stands for a bucket wherever objects are read.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
const RESERVED_BEGINNINGS: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_ENDS: [&str; 3] = [".mrap", "--x-s3", "--table-s3"];

/// One product to describe.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeRequest {
    /// The caller's own name for the product, given back in the answer.
    pub product_id: Option<String>,
    /// Where its photograph is.
    pub photo: PhotoSource,
    /// What kind of garment it is; the function's default where absent.
    pub category: Option<String>,
    /// The attributes to ask about; those of the category where absent.
    pub attributes: Option<Vec<String>>,
    /// What is to be written; the function's default where absent.
    pub format: Option<Format>,
}

/// Where a photograph is.
#[derive(Clone, PartialEq)]
pub enum PhotoSource {
    /// In the request itself.
    Bytes(Bytes),
    /// In an object of S3, in whatever state that is.
    Object(ObjectAddress),
    /// In an object of S3, in one state of it.
    State(ObjectState),
}

/// One state of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectState {
    /// The object.
    pub address: ObjectAddress,
    /// The entity tag that it has in this state, without quotes.
    pub etag: String,
}

impl PhotoSource {
    /// The object that the photo is in, where it is in one.
    pub fn address(&self) -> Option<&ObjectAddress> {
        match self {
            PhotoSource::Bytes(_) => None,
            PhotoSource::Object(address) => Some(address),
            PhotoSource::State(state) => Some(&state.address),
        }
    }
}

// Photos are kept out of logs, and `{:?}` is how they would get there.
impl fmt::Debug for PhotoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhotoSource::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            PhotoSource::Object(address) => write!(f, "Object({address})"),
            PhotoSource::State(state) => write!(f, "State({}, {})", state.address, state.etag),
        }
    }
}

/// The bucket and key of an object, written `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAddress {
    /// The bucket's name.
    pub bucket: String,
    /// The key, not URL-encoded.
    pub key: String,
}

/// A text that is no `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no address of an S3 object: write s3://bucket/key, with the name of a general \
     purpose bucket"
)]
pub struct ObjectAddressError(String);

impl FromStr for ObjectAddress {
    type Err = ObjectAddressError;

    fn from_str(text: &str) -> Result<ObjectAddress, ObjectAddressError> {
        text.strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(bucket, key)| {
                is_bucket_name(bucket) && (1..=LONGEST_KEY).contains(&key.len())
            })
            .map(|(bucket, key)| ObjectAddress {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            })
            .ok_or_else(|| ObjectAddressError(excerpt(text)))
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Whether a general purpose bucket, or an access point's alias, may have this name, by S3's
/// rules. Anything else could
/// address more than a bucket: the SDK also takes access point ARNs here.
pub fn is_bucket_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_reserved = RESERVED_BEGINNINGS
        .iter()
        .any(|begin| name.starts_with(begin))
        || RESERVED_ENDS.iter().any(|end| name.ends_with(end));
    (3..=63).contains(&name.len())
        && name.chars().all(|c| is_end(c) || ".-".contains(c))
        && name.starts_with(is_end)
        && name.ends_with(is_end)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !is_reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written() {
        let address: ObjectAddress = "s3://lookbook-catalogue/incoming/a b.jpg".parse().unwrap();
        assert_eq!(address.bucket, "lookbook-catalogue");
        assert_eq!(address.key, "incoming/a b.jpg");
        assert_eq!(
            address.to_string(),
            "s3://lookbook-catalogue/incoming/a b.jpg"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "https://bucket.s3.amazonaws.com/key",
            "file:///etc/passwd",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/mine/key",
            "S3://bucket/key",
        ] {
            let error = text.parse::<ObjectAddress>().unwrap_err();
            assert!(error.to_string().contains("s3://bucket/key"), "{error}");
        }
    }

    #[test]
    fn names_that_no_general_purpose_bucket_has_are_refused() {
        for name in [
            "x--usw2-az9--x-s3",
            "mine.mrap",
            "mine--table-s3",
            "xn--mine",
            "sthree-configurator",
            "amzn-s3-demo-bucket",
            "-mine",
            "mine.",
            "mi..ne",
            "192.168.5.4",
        ] {
            assert!(!is_bucket_name(name), "{name}");
            let address = format!("s3://{name}/key").parse::<ObjectAddress>();
            assert!(address.is_err(), "{name}");
        }
        let aliases = ["mine-1a2b3c-s3alias", "mine-1a2b3c--ol-s3"];
        let names = ["mine", "my.photos-2", "x-s3", "1.2.3", "mrap"];
        for name in names.into_iter().chain(aliases) {
            assert!(is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn a_photo_in_the_place_of_an_address_is_quoted_in_part() {
        let photo = "A".repeat(2_000);
        for text in [photo.clone(), format!("s3://bucket/{photo}")] {
            let error = text.parse::<ObjectAddress>().unwrap_err().to_string();
            assert!(!error.contains(&photo[..41]), "{error}");
        }
    }

    #[test]
    fn a_photo_never_shows_in_debug_output() {
        let source = PhotoSource::Bytes(Bytes::from_static(b"secret"));
        assert_eq!(format!("{source:?}"), "Bytes(6 bytes)");
    }
}

//! A product that is delivered to be described, as what is written about the work on it
//! beside the result knows it.

use std::borrow::Cow;

use serde_json::Value;

use super::App;
use crate::domain::{LONGEST_KEY, ObjectAddress, SourceMark, shortened_name};

/// How the names of objects about products end: each kind of them has a prefix of its own.
const ENDING: &str = ".json";

/// What was delivered.
pub struct Delivery<'a> {
    /// The product, where its name is known.
    pub product_id: Option<&'a str>,
    /// What an object about it is called, below the prefix of its kind and without its ending.
    pub name: &'a str,
    /// The bucket of such objects.
    pub bucket: &'a str,
    /// What identifies it.
    pub source: &'a SourceMark,
    /// What of the request names the product, without its photo; null where there
    /// is no request.
    pub request: Value,
}

impl Delivery<'_> {
    /// The address of the object about it of that kind whose prefix this is.
    pub fn object(&self, prefix: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.to_owned(),
            key: object_key(prefix, self.name),
        }
    }
}

/// The key of an object about a product that is called so.
pub fn object_key(prefix: &str, name: &str) -> String {
    format!("{prefix}{name}{ENDING}")
}

/// What objects about a product are called between their prefix and their ending: as it is,
/// unless that would be too long for a key of S3. Then it would be described and paid for again
/// and again, and never kept.
pub fn object_name<'a>(app: &App, product_id: &'a str) -> Cow<'a, str> {
    let settings = &app.settings;
    let prefixes = [
        &settings.output_prefix,
        &settings.failure_prefix,
        &settings.claim_prefix,
    ];
    let longest = prefixes.into_iter().map(String::len).max().unwrap_or(0);
    shortened_name(
        product_id,
        LONGEST_KEY.saturating_sub(longest + ENDING.len()),
    )
}

//! A product that is delivered to be described, as what is written about the work on it
//! beside the result knows it.

use std::borrow::Cow;

use serde_json::Value;

use super::App;
use crate::domain::{LONGEST_KEY, ObjectAddress, SourceMark, shortened_name};

/// The longest ending of an object about a product.
const LONGEST_ENDING: usize = ".claim".len();

/// What was delivered.
pub struct Delivery<'a> {
    /// The product, where its name is known.
    pub product_id: Option<&'a str>,
    /// What an object about it is called, below `FAILURE_PREFIX` and without its ending.
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
    /// The address of an object about it. Each kind of them has an `ending` of its own, as in
    /// ".json".
    pub fn beside(&self, app: &App, ending: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.to_owned(),
            key: format!("{}{}{ending}", app.settings.failure_prefix, self.name),
        }
    }
}

/// What objects about a product are called between their prefix and their ending: as it is,
/// unless that would be too long for a key of S3. Then it would be described and paid for again
/// and again, and never kept.
pub fn object_name<'a>(app: &App, product_id: &'a str) -> Cow<'a, str> {
    let prefixes = [&app.settings.output_prefix, &app.settings.failure_prefix];
    let longest = prefixes.into_iter().map(String::len).max().unwrap_or(0);
    shortened_name(
        product_id,
        LONGEST_KEY.saturating_sub(longest + LONGEST_ENDING),
    )
}

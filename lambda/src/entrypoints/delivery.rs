//! A product that is delivered to be described, as what is written about the work on it
//! beside the result knows it.

use serde_json::Value;

use super::App;
use crate::domain::{ObjectAddress, SourceMark};

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

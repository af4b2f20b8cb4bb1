//! What lies in the bucket at the end.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use local_stack::CatalogueBucket;
use serde_json::{Map, Value};

use super::plan::product_named;

/// The metadata of a result that says which upload or message it was made from.
const SEQUENCE: &str = "source-sequencer";

/// A result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// What it says of its place among those of its origin.
    pub sequence: String,
    /// The attributes.
    pub attributes: Map<String, Value>,
    /// Whether there is a text.
    pub has_text: bool,
}

/// A record of a failure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    /// What it says of its place among those of its origin.
    pub sequence: String,
    /// The kind of problem.
    pub kind: String,
    /// Whether it is tried again.
    pub is_retriable: bool,
}

/// What the keys of claims on products begin with. That of a process that was killed stays when
/// nobody works on the product any more.
pub const CLAIMS: &str = "claims/";

/// All that lies under the prefixes of results and records.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Results by product.
    pub descriptions: BTreeMap<usize, Description>,
    /// Records by product.
    pub failures: BTreeMap<usize, Failure>,
    /// Keys that no product has.
    pub others: Vec<String>,
    /// How many claims on products there are, with which nobody works any more.
    pub claims: usize,
}

/// Reads all of it.
///
/// # Errors
/// When S3 fails, or something is not in its form.
pub async fn read(bucket: &CatalogueBucket) -> Result<Found> {
    let mut found = Found::default();
    for (product, key) in keys(bucket, "descriptions/", &mut found.others).await? {
        let object = bucket.object(&key).await?.context("it was there")?;
        let body: Value =
            serde_json::from_slice(&object.bytes).with_context(|| format!("{key} is no JSON"))?;
        let description = Description {
            sequence: object.metadata.get(SEQUENCE).cloned().unwrap_or_default(),
            attributes: body["attributes"].as_object().cloned().unwrap_or_default(),
            has_text: body["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
        };
        found.descriptions.insert(product, description);
    }
    for (product, key) in keys(bucket, "failures/", &mut found.others).await? {
        let bytes = bucket.get(&key).await?.context("it was there")?;
        let body: Value =
            serde_json::from_slice(&bytes).with_context(|| format!("{key} is no JSON"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let failure = Failure {
            sequence: text(&body["source"]["sequencer"]),
            kind: text(&body["kind"]),
            is_retriable: body["retriable"].as_bool().unwrap_or_default(),
        };
        found.failures.insert(product, failure);
    }
    found.claims = bucket.keys(CLAIMS).await?.len();
    Ok(found)
}

/// The keys under a prefix that are a product's, with the product.
async fn keys(
    bucket: &CatalogueBucket,
    prefix: &str,
    others: &mut Vec<String>,
) -> Result<Vec<(usize, String)>> {
    let mut keys = Vec::new();
    for key in bucket.keys(prefix).await? {
        let name = key.strip_prefix(prefix);
        let product = name.and_then(|name| product_named(name.strip_suffix(".json")?));
        match product {
            Some(product) => keys.push((product, key)),
            None => others.push(key),
        }
    }
    Ok(keys)
}

//! The objects below a place, by the bucket's listing.

use std::collections::HashMap;

use aws_sdk_s3::Client;

use crate::aws_error;
use crate::failure::Outcome;
use crate::s3_location::S3Location;

/// What a listing says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its size.
    pub bytes: u64,
    /// Its entity tag, without quotes; empty where the server gives none.
    pub e_tag: String,
}

/// All objects below a place by their names there, a request for every thousand.
///
/// # Errors
/// What S3 answered.
pub async fn list(client: &Client, place: &S3Location) -> Outcome<HashMap<String, Listed>> {
    let mut pages = client
        .list_objects_v2()
        .bucket(place.bucket())
        .prefix(place.prefix())
        .into_paginator()
        .send();
    let mut objects = HashMap::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| aws_error::failure(&format!("ListObjectsV2 {place}"), &error))?;
        for object in page.contents() {
            let name = object
                .key()
                .and_then(|key| key.strip_prefix(place.prefix()));
            if let Some(name) = name {
                let listed = Listed {
                    bytes: object
                        .size()
                        .map_or(0, |size| u64::try_from(size).unwrap_or(0)),
                    e_tag: plain_tag(object.e_tag().unwrap_or_default()).to_owned(),
                };
                objects.insert(name.to_owned(), listed);
            }
        }
    }
    Ok(objects)
}

/// An entity tag without its quotes.
#[must_use]
pub fn plain_tag(e_tag: &str) -> &str {
    e_tag.trim_matches('"')
}

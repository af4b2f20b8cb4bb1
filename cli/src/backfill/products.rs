//! What there is to describe: the photographs of a folder or under a prefix.

use std::collections::HashSet;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;
use describe_product::domain::{end_of_second_ms, is_bucket_name};
use describe_product::entrypoints::product_id;
use walkdir::{DirEntry, WalkDir};

use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};
use crate::photographs::S3_SCHEME;

/// Where a catalogue's photographs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// The objects of a bucket whose keys begin so; the prefix is empty or ends with a
    /// slash.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// What keys begin with.
        prefix: String,
    },
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        let Some(rest) = text.strip_prefix(S3_SCHEME) else {
            return Ok(Source::Folder(PathBuf::from(text)));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket_name(bucket) {
            return Err(format!(
                "{text:?} names no bucket: write s3://bucket/prefix"
            ));
        }
        let mut prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Source::Bucket {
            bucket: bucket.to_owned(),
            prefix,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Folder(folder) => write!(out, "{}", folder.display()),
            Source::Bucket { bucket, prefix } => write!(out, "{S3_SCHEME}{bucket}/{prefix}"),
        }
    }
}

/// One photograph and the product that is named by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What stands between the folder, or the prefix of incoming photographs, and the
    /// extension.
    pub id: String,
    /// Where the photograph is, below the folder, with slashes, or as the object's key.
    pub key: String,
    /// The entity tag without quotes of an object that was listed just now.
    pub etag: Option<String>,
    /// When that object was written, in ms since 1970, by [`end_of_second_ms`].
    pub at_ms: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Products {
    /// One for each product, in the order of the keys.
    pub list: Vec<Product>,
    /// The keys of photographs that are of a product in the list, and what can't be read or
    /// has a name that is no text.
    pub left_out: Vec<String>,
}

impl Products {
    /// The first so many of them.
    #[must_use]
    pub fn first(mut self, limit: Option<u64>) -> Products {
        if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
            self.list.truncate(limit);
        }
        self
    }

    /// Of several photographs of one product the first is described: all would be paid for to
    /// keep one text, and of those without a time each would replace the others'.
    pub(super) fn of(mut found: Vec<Product>, left_out: Vec<String>) -> Products {
        found.sort_by(|one, other| one.key.cmp(&other.key));
        let mut products = Products {
            list: Vec::with_capacity(found.len()),
            left_out,
        };
        let mut seen = HashSet::new();
        for product in found {
            if seen.insert(product.id.clone()) {
                products.list.push(product);
            } else {
                products.left_out.push(product.key);
            }
        }
        products
    }
}

/// The photographs below a folder. What begins with a dot is passed over.
///
/// # Errors
/// When the folder isn't there or can't be read.
pub fn in_folder(folder: &Path) -> Outcome<Products> {
    let is_shown = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let mut found = Vec::new();
    let mut left_out = Vec::new();
    for entry in WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(is_shown)
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => return Err(cannot_read(folder, &error)),
            // A link that leads nowhere, or a folder of somebody else's.
            Err(error) => {
                left_out.push(error.to_string());
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        let Some(key) = key_below(folder, entry.path()) else {
            left_out.push(entry.path().display().to_string());
            continue;
        };
        if let Some(id) = product_id("", &key) {
            found.push(Product {
                id: id.to_owned(),
                key,
                etag: None,
                at_ms: None,
            });
        }
    }
    Ok(Products::of(found, left_out))
}

fn cannot_read(folder: &Path, error: &walkdir::Error) -> Failure {
    let is_missing = error
        .io_error()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    let exit = if is_missing {
        Exit::NotFound
    } else {
        Exit::Failed
    };
    Failure::new(exit, format!("cannot read {}: {error}", folder.display()))
}

/// The path below the folder with slashes; nothing where it is no text.
fn key_below(folder: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).ok()?;
    let parts: Option<Vec<&str>> = below
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    parts.map(|parts| parts.join("/"))
}

/// The photographs under a prefix. A product is named by what stands below `named_below`,
/// with which the prefix begins.
///
/// # Errors
/// When the bucket can't be listed.
pub async fn in_bucket(
    client: &Client,
    bucket: &str,
    prefix: &str,
    named_below: &str,
) -> Outcome<Products> {
    let mut pages = client
        .list_objects_v2()
        .bucket(bucket)
        .prefix(prefix)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            aws_error::failure(
                &format!("ListObjectsV2 {S3_SCHEME}{bucket}/{prefix}"),
                &error,
            )
        })?;
        let photographs = page.contents().iter();
        found.extend(photographs.filter_map(|object| listed(object, named_below)));
    }
    Ok(Products::of(found, Vec::new()))
}

/// The product of an object that was listed; nothing where that is no photograph.
fn listed(object: &Object, named_below: &str) -> Option<Product> {
    let key = object.key()?;
    let second = object.last_modified().map(|time| time.secs());
    let second = second.and_then(|second| u64::try_from(second).ok());
    Some(Product {
        id: product_id(named_below, key)?.to_owned(),
        key: key.to_owned(),
        etag: object.e_tag().map(|tag| tag.trim_matches('"').to_owned()),
        at_ms: second.and_then(end_of_second_ms),
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn a_catalogue_is_a_folder_or_a_prefix() {
        let bucket = |bucket: &str, prefix: &str| Source::Bucket {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        for (text, source) in [
            ("s3://photos/incoming", bucket("photos", "incoming/")),
            ("s3://photos/incoming/", bucket("photos", "incoming/")),
            ("s3://photos", bucket("photos", "")),
            ("s3://photos/", bucket("photos", "")),
            ("photos/new", Source::Folder("photos/new".into())),
        ] {
            assert_eq!(text.parse::<Source>(), Ok(source), "{text}");
        }
        assert!(
            "s3://No/x"
                .parse::<Source>()
                .unwrap_err()
                .contains("s3://bucket/prefix")
        );
        assert_eq!(
            "s3://photos/a".parse::<Source>().unwrap().to_string(),
            "s3://photos/a/"
        );
    }

    #[test]
    fn products_are_named_by_their_place_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b.jpg",
            "a.PNG",
            "summer/1.webp",
            "notes.txt",
            ".hidden.jpg",
            ".trash/2.jpg",
            "descriptions/b.json",
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap();
        }
        let products = in_folder(folder.path()).unwrap();
        let ids: Vec<&str> = products
            .list
            .iter()
            .map(|product| product.id.as_str())
            .collect();
        assert_eq!(ids, ["a", "b", "summer/1"]);
        assert_eq!(products.list[2].key, "summer/1.webp");
        assert!(products.left_out.is_empty());
    }

    #[test]
    fn of_several_photographs_of_a_product_the_first_is_described() {
        let product = |key: &str| Product {
            id: product_id("", key).unwrap().to_owned(),
            key: key.to_owned(),
            etag: None,
            at_ms: None,
        };
        let products = Products::of(
            vec![product("7.png"), product("8.jpg"), product("7.jpg")],
            Vec::new(),
        );
        assert_eq!(products.list, [product("7.jpg"), product("8.jpg")]);
        assert_eq!(products.left_out, ["7.png"]);
        assert_eq!(products.clone().first(Some(1)).list, [product("7.jpg")]);
        assert_eq!(products.clone().first(None), products);
    }

    #[test]
    fn an_object_is_listed_with_its_state_and_the_second_since_when_it_has_it() {
        let object = |key: &str| {
            Object::builder()
                .key(key)
                .e_tag("\"e1\"")
                .last_modified(DateTime::from_secs(1_763_976_600))
                .build()
        };
        let product = listed(&object("incoming/summer/7.jpg"), "incoming/").unwrap();
        assert_eq!(product.id, "summer/7");
        assert_eq!(product.key, "incoming/summer/7.jpg");
        assert_eq!(product.etag.as_deref(), Some("e1"));
        assert_eq!(product.at_ms, Some(1_763_976_600_999));
        assert_eq!(listed(&object("incoming/7.txt"), "incoming/"), None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let failure = in_folder(&folder.path().join("none")).unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.what.contains("none"), "{failure}");
    }
}

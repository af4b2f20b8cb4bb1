//! Pages of a bucket's keys, with ETags.
//!
//! `s3s-fs` looks at every object of the bucket for every page and gives no ETags, by which a
//! client knows what has changed. Here the names are read once a page, and only the objects of
//! the page are looked at.

use std::fs;
use std::io;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object,
    ObjectStorageClass, Timestamp,
};
use s3s::{S3Error, S3Result};

use super::key_locks::KeyLocks;
use super::sidecars;

/// The most keys of one page.
const MAX_KEYS: i32 = 1000;

/// What S3 leaves as it is where keys are asked for in the form of URLs.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The page that is asked for. It reads files, and waits for who writes one of the page.
pub(super) fn list(
    root: &Path,
    locks: &KeyLocks,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let bucket = &input.bucket;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let max_keys = input.max_keys.unwrap_or(MAX_KEYS).clamp(0, MAX_KEYS);
    // A token is the last name of the page before.
    let after = input
        .continuation_token
        .as_deref()
        .max(input.start_after.as_deref());
    let keys = keys(&root.join(bucket), prefix).map_err(S3Error::internal_error)?;
    let page = page(
        keys,
        prefix,
        input.delimiter.as_deref().filter(|text| !text.is_empty()),
        after,
        usize::try_from(max_keys).unwrap_or_default(),
    );

    let as_url = input
        .encoding_type
        .as_ref()
        .is_some_and(|form| form.as_str() == EncodingType::URL);
    let written = |text: String| match as_url {
        true => utf8_percent_encode(&text, UNRESERVED).to_string(),
        false => text,
    };
    let (mut contents, mut common_prefixes) = (Vec::new(), Vec::new());
    for name in page.names {
        match name {
            Name::Prefix(prefix) => common_prefixes.push(CommonPrefix {
                prefix: Some(written(prefix)),
            }),
            Name::Key(key) => {
                let object = object(root, locks, bucket, &key).map_err(S3Error::internal_error)?;
                // One that is gone meanwhile is left out.
                if let Some(object) = object {
                    contents.push(Object {
                        key: Some(written(key)),
                        ..object
                    });
                }
            }
        }
    }
    let count = contents.len() + common_prefixes.len();
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(count).ok(),
        max_keys: Some(max_keys),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next,
        contents: (!contents.is_empty()).then_some(contents),
        common_prefixes: (!common_prefixes.is_empty()).then_some(common_prefixes),
        continuation_token: input.continuation_token,
        delimiter: input.delimiter.map(written),
        name: Some(input.bucket),
        prefix: input.prefix.map(written),
        start_after: input.start_after.map(written),
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    })
}

/// An object without its key; `None` where there is none.
fn object(root: &Path, locks: &KeyLocks, bucket: &str, key: &str) -> io::Result<Option<Object>> {
    let lock = locks.of(bucket, key);
    let _reading = lock.blocking_read();
    let file = match fs::metadata(root.join(bucket).join(key)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Object {
        e_tag: Some(ETag::Strong(sidecars::e_tag(root, bucket, key)?)),
        last_modified: Some(Timestamp::from(file.modified()?)),
        size: i64::try_from(file.len()).ok(),
        storage_class: Some(ObjectStorageClass::from_static(
            ObjectStorageClass::STANDARD,
        )),
        ..Object::default()
    }))
}

/// All keys of a bucket that begin with `prefix`, in the order of their bytes.
fn keys(bucket: &Path, prefix: &str) -> io::Result<Vec<String>> {
    // Only folders below the last one of the prefix have such keys.
    let top = prefix.rfind('/').map_or("", |end| &prefix[..=end]);
    let mut keys = Vec::new();
    if top
        .split_terminator('/')
        .any(|name| matches!(name, "" | "." | ".."))
    {
        // No key of this server has such a segment.
        return Ok(keys);
    }
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(bucket.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if is_no_folder(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let key = format!("{folder}{name}");
            if entry.file_type()?.is_dir() {
                let below = key + "/";
                if below.starts_with(prefix) || prefix.starts_with(&below) {
                    folders.push(below);
                }
            } else if key.starts_with(prefix) {
                keys.push(key);
            }
        }
    }
    keys.sort_unstable();
    Ok(keys)
}

/// Nothing has such a name, or an object has.
fn is_no_folder(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Name {
    Key(String),
    /// What several keys have before a delimiter.
    Prefix(String),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Name::Key(text) | Name::Prefix(text) => text,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Page {
    names: Vec<Name>,
    /// The last name, where more follow.
    next: Option<String>,
}

fn page(
    keys: Vec<String>,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
    max_keys: usize,
) -> Page {
    let mut names: Vec<Name> = Vec::new();
    for key in keys {
        let common = delimiter.and_then(|delimiter| {
            let end = prefix.len() + key[prefix.len()..].find(delimiter)? + delimiter.len();
            Some(key[..end].to_owned())
        });
        let name = common.map_or(Name::Key(key), Name::Prefix);
        // Was on an earlier page, or is the prefix of the key before too.
        if after.is_some_and(|after| name.as_str() <= after) || names.last() == Some(&name) {
            continue;
        }
        if names.len() == max_keys {
            let next = names.last().map(|last| last.as_str().to_owned());
            return Page { names, next };
        }
        names.push(name);
    }
    Page { names, next: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(keys: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for key in keys {
            let path = folder.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn keys_come_in_the_order_of_their_bytes_and_only_those_of_the_prefix() {
        let folder = bucket(&["a/1", "a-b", "a/2/3", "ab", "b", "é"]);
        let listed = |prefix: &str| keys(folder.path(), prefix).unwrap();
        assert_eq!(listed(""), ["a-b", "a/1", "a/2/3", "ab", "b", "é"]);
        assert_eq!(listed("a/"), ["a/1", "a/2/3"]);
        assert_eq!(listed("a"), ["a-b", "a/1", "a/2/3", "ab"]);
        assert_eq!(listed("a/2/3"), ["a/2/3"]);
        for none in ["c/", "b/", "a//", "../", "/a", "a/./"] {
            assert!(listed(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn every_name_is_on_one_page() {
        let all: Vec<String> = (0..7).map(|number| format!("k{number}")).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(all.clone(), "k", None, after.as_deref(), 3);
            assert!(page.names.len() <= 3);
            seen.extend(page.names.iter().map(|name| name.as_str().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        let whole = page(all, "k", None, None, 7);
        assert_eq!(whole.next, None);
    }

    #[test]
    fn a_common_prefix_is_one_name_and_is_not_repeated_on_the_next_page() {
        let keys: Vec<String> = ["p/a/1", "p/a/2", "p/b", "p/c/1"]
            .map(str::to_owned)
            .to_vec();
        let first = page(keys.clone(), "p/", Some("/"), None, 1);
        assert_eq!(first.names, [Name::Prefix("p/a/".to_owned())]);
        let rest = page(keys, "p/", Some("/"), first.next.as_deref(), 9);
        assert_eq!(
            rest.names,
            [Name::Key("p/b".to_owned()), Name::Prefix("p/c/".to_owned())]
        );
        assert_eq!(rest.next, None);
    }
}

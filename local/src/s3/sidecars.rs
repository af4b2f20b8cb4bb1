//! The files in which `s3s-fs` keeps what is no content of an object.
//!
//! They lie in the root, beside the buckets: `.bucket-B.object-K.internal.json` with ETag and
//! checksums, and for an unfinished upload `.bucket-B.object-K.upload-U.metadata.json`, where B
//! and K are bucket and key in base64 and U is the upload's id.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::crypto::{Checksum as _, Md5};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Under this name `s3s-fs` keeps the ETag.
const E_TAG: &str = "e_tag";

/// Names of checksums begin so.
const CHECKSUM: &str = "checksum_";

fn internal_path(root: &Path, bucket: &str, key: &str) -> PathBuf {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    root.join(format!(
        ".bucket-{}.object-{}.internal.json",
        encode(bucket),
        encode(key)
    ))
}

/// An object's ETag, without quotes: the one that is kept, or that of its content where a file
/// was put into the folder by hand.
pub(super) fn e_tag(root: &Path, bucket: &str, key: &str) -> io::Result<String> {
    if let Some(info) = read_internal(&internal_path(root, bucket, key))?
        && let Some(kept) = info.get(E_TAG).and_then(Value::as_str)
    {
        return Ok(kept.to_owned());
    }
    let mut file = fs::File::open(root.join(bucket).join(key))?;
    let mut md5 = Digesting(Md5::new());
    io::copy(&mut file, &mut md5)?;
    Ok(hex(&md5.0.finalize()))
}

/// Replaces an object's checksums, which `s3s-fs` leaves as those of the object before, by the
/// SHA-256 that is given, if one is.
pub(super) fn set_checksum(
    root: &Path,
    bucket: &str,
    key: &str,
    sha256: Option<String>,
) -> io::Result<()> {
    let path = internal_path(root, bucket, key);
    let mut info = read_internal(&path)?.unwrap_or_default();
    info.retain(|name, _| !name.starts_with(CHECKSUM));
    if let Some(sha256) = sha256 {
        info.insert(format!("{CHECKSUM}sha256"), Value::String(sha256));
    }
    write_whole(&path, &serde_json::to_vec(&info)?)
}

/// Key and id of an unfinished upload, by the name of its file; `None` for other files and
/// other buckets.
pub(super) fn unfinished_upload(file_name: &str, bucket: &str) -> Option<(String, Uuid)> {
    let prefix = format!(".bucket-{}.object-", URL_SAFE_NO_PAD.encode(bucket));
    let name = file_name
        .strip_prefix(&prefix)?
        .strip_suffix(".metadata.json")?;
    let (key, id) = name.split_once(".upload-")?;
    let key = String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
    Some((key, Uuid::parse_str(id).ok()?))
}

/// Writes a file under another name and renames it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, path)
}

fn read_internal(path: &Path) -> io::Result<Option<Map<String, Value>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

struct Digesting(Md5);

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_unfinished_upload_tells_key_and_id() {
        let id = Uuid::from_u128(7);
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let name = format!(
            ".bucket-{}.object-{}.upload-{id}.metadata.json",
            encode("photos"),
            encode("incoming/a b.jpg")
        );
        let read = unfinished_upload(&name, "photos");
        assert_eq!(read, Some(("incoming/a b.jpg".to_owned(), id)));
        assert_eq!(unfinished_upload(&name, "photo"), None);
        let of_object = name.replace(&format!(".upload-{id}"), "");
        assert_eq!(unfinished_upload(&of_object, "photos"), None);
    }

    #[test]
    fn an_e_tag_is_the_kept_one_or_that_of_the_content() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("photos")).unwrap();
        fs::write(folder.path().join("photos/a"), "hello").unwrap();
        let tag = || e_tag(folder.path(), "photos", "a").unwrap();
        assert_eq!(tag(), "5d41402abc4b2a76b9719d911017c592");
        let path = internal_path(folder.path(), "photos", "a");
        fs::write(&path, r#"{"e_tag": "x-2", "checksum_crc32": "old"}"#).unwrap();
        assert_eq!(tag(), "x-2");
        set_checksum(folder.path(), "photos", "a", Some("new-2".to_owned())).unwrap();
        let info = read_internal(&path).unwrap().unwrap();
        assert_eq!(
            Value::Object(info),
            serde_json::json!({"e_tag": "x-2", "checksum_sha256": "new-2"})
        );
    }
}

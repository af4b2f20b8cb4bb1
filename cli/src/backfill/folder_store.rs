//! A folder in the place of the catalogue's bucket: photographs are read from one, results
//! and records of failures are written into another, under the names that they have in S3.
//!
//! A result says in its own `source` what it was made from; a record of a failure does too.
//! That is what S3 keeps in an object's metadata.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use describe_product::domain::{
    Condition, Deadline, ObjectAddress, SourceMark, Store, StoreError, Stored, Version, digest,
};
use serde_json::Value;
use walkdir::WalkDir;

/// What stands in the place of a bucket's name.
pub const BUCKET: &str = "folder";

/// What the names of files begin with that are being written.
const UNFINISHED: &str = ".lookbook-unfinished-";

/// Photographs in one folder, what is made of them in another.
#[derive(Clone, Debug)]
pub struct FolderStore {
    photographs: PathBuf,
    results: PathBuf,
}

impl FolderStore {
    /// A store over two folders, which may be one.
    pub fn new(photographs: impl Into<PathBuf>, results: impl Into<PathBuf>) -> FolderStore {
        FolderStore {
            photographs: photographs.into(),
            results: results.into(),
        }
    }

    /// Removes what a process that was killed has left half written below these folders of
    /// the results. Nobody else may be writing.
    pub fn remove_unfinished(&self, folders: &[&str]) {
        for folder in folders {
            for entry in WalkDir::new(self.results.join(folder))
                .into_iter()
                .flatten()
            {
                let name = entry.file_name().as_encoded_bytes();
                if entry.file_type().is_file() && name.starts_with(UNFINISHED.as_bytes()) {
                    // Left behind it is in nobody's way.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
    }

    fn result(&self, address: &ObjectAddress) -> PathBuf {
        self.results.join(&address.key)
    }
}

#[async_trait]
impl Store for FolderStore {
    async fn read(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        _deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        let path = self.photographs.join(&address.key);
        match read_up_to(&path, max_bytes).await {
            Ok(Ok(photograph)) => Ok(photograph.into()),
            Ok(Err(bytes)) => Err(StoreError::TooLarge {
                address: address.clone(),
                bytes,
                max_bytes,
            }),
            Err(error) => Err(failed(address, &path, &error)),
        }
    }

    async fn look(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<Stored>, StoreError> {
        let found = self.load(address, u64::MAX, deadline).await?;
        Ok(found.map(|(stored, _)| stored))
    }

    async fn load(
        &self,
        address: &ObjectAddress,
        _max_bytes: u64,
        _deadline: Deadline,
    ) -> Result<Option<(Stored, Bytes)>, StoreError> {
        let path = self.result(address);
        match tokio::fs::read(&path).await {
            Ok(bytes) => Ok(Some((stored(&bytes), bytes.into()))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(address, &path, &error)),
        }
    }

    async fn write(
        &self,
        address: &ObjectAddress,
        json: Bytes,
        _source: Option<&SourceMark>,
        condition: &Condition,
        _deadline: Deadline,
    ) -> Result<Version, StoreError> {
        let path = self.result(address);
        let condition = condition.clone();
        let target = path.clone();
        let written = tokio::task::spawn_blocking(move || write(&target, &json, &condition)).await;
        match written.map_err(io::Error::other).flatten() {
            Ok(Some(version)) => Ok(version),
            Ok(None) => Err(StoreError::Changed {
                address: address.clone(),
            }),
            Err(error) => Err(failed(address, &path, &error)),
        }
    }

    async fn remove(
        &self,
        address: &ObjectAddress,
        version: &Version,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        match self.load(address, u64::MAX, deadline).await? {
            None => return Ok(()),
            Some((found, _)) if found.version != *version => {
                return Err(StoreError::Changed {
                    address: address.clone(),
                });
            }
            Some(_) => {}
        }
        // Nobody writes in between: see `write`.
        let path = self.result(address);
        match tokio::fs::remove_file(&path).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(address, &path, &error)),
        }
    }
}

/// The file's content, or its size where that is larger than `max_bytes`.
async fn read_up_to(path: &Path, max_bytes: u64) -> io::Result<Result<Vec<u8>, u64>> {
    let bytes = tokio::fs::metadata(path).await?.len();
    if bytes > max_bytes {
        return Ok(Err(bytes));
    }
    tokio::fs::read(path).await.map(Ok)
}

/// Writes the file under a temporary name and renames it, if the condition holds. Says what
/// is there then; nothing where the condition does not hold.
///
/// The lock on the folder keeps other processes out, and in this one a product is worked on
/// once at a time, so that nobody writes between the look and the renaming.
fn write(path: &Path, bytes: &[u8], condition: &Condition) -> io::Result<Option<Version>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(permissions())
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    match condition {
        Condition::Absent => {
            if let Err(error) = file.persist_noclobber(path) {
                return match error.error.kind() {
                    ErrorKind::AlreadyExists => Ok(None),
                    _ => Err(error.error),
                };
            }
        }
        Condition::Unchanged(expected) => {
            let found = match std::fs::read(path) {
                Ok(found) => found,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if version(&found) != *expected {
                return Ok(None);
            }
            file.persist(path).map_err(|error| error.error)?;
        }
    }
    Ok(Some(version(bytes)))
}

/// Readable as any file, unlike a temporary one.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

fn version(bytes: &[u8]) -> Version {
    Version(digest([bytes]))
}

/// What is known of a document. One that was damaged from outside says nothing of its
/// source, so that it is made again.
fn stored(bytes: &[u8]) -> Stored {
    let document: Option<Value> = serde_json::from_slice(bytes).ok();
    Stored {
        version: version(bytes),
        source: document
            .as_ref()
            .and_then(|document| mark(document.get("source")?)),
    }
}

/// The reverse of [`SourceMark::to_json`].
fn mark(source: &Value) -> Option<SourceMark> {
    let member = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(SourceMark {
        origin: member("origin")?,
        etag: member("etag"),
        sequencer: member("sequencer"),
        at_ms: source.get("at_ms").and_then(Value::as_u64),
        photo: member("photo"),
        settings: member("settings"),
    })
}

fn failed(address: &ObjectAddress, path: &Path, error: &io::Error) -> StoreError {
    let address = address.clone();
    match error.kind() {
        ErrorKind::NotFound => StoreError::NotFound { address },
        _ => StoreError::Failed {
            address,
            reason: format!("{}: {error}", path.display()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn store() -> (TempDir, FolderStore) {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("out");
        let store = FolderStore::new(folder.path(), results);
        (folder, store)
    }

    fn address(key: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: BUCKET.into(),
            key: key.into(),
        }
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(5))
    }

    async fn put(
        store: &FolderStore,
        json: &Value,
        condition: Condition,
    ) -> Result<Version, StoreError> {
        let json = json.to_string().into();
        let address = address("descriptions/summer/1.json");
        store.write(&address, json, None, &condition, soon()).await
    }

    #[tokio::test]
    async fn a_document_says_what_it_was_made_from_and_is_replaced_only_as_it_was_seen() {
        let (_folder, store) = store();
        let address = address("descriptions/summer/1.json");
        assert_eq!(store.look(&address, soon()).await.unwrap(), None);
        let mark = SourceMark {
            origin: "file/summer/1.jpg".into(),
            etag: Some("e".into()),
            sequencer: None,
            at_ms: Some(1_763_976_600_000),
            photo: Some("p".into()),
            settings: Some("s".into()),
        };
        let first = json!({"description": "one", "source": mark.to_json()});
        let version = put(&store, &first, Condition::Absent).await.unwrap();
        let found = store.look(&address, soon()).await.unwrap().unwrap();
        assert_eq!(found.source, Some(mark));
        assert_eq!(found.version, version);

        let changed = StoreError::Changed {
            address: address.clone(),
        };
        let second = json!({"description": "two"});
        let outcome = put(&store, &second, Condition::Absent).await;
        assert_eq!(outcome, Err(changed.clone()));
        let other = Condition::Unchanged(Version("other".into()));
        assert_eq!(put(&store, &second, other).await, Err(changed.clone()));
        let (_, bytes) = store.load(&address, 9, soon()).await.unwrap().unwrap();
        assert_eq!(bytes, first.to_string());

        let condition = Condition::Unchanged(version.clone());
        let latest = put(&store, &second, condition).await.unwrap();
        let outcome = store.remove(&address, &version, soon()).await;
        assert_eq!(outcome, Err(changed.clone()));
        store.remove(&address, &latest, soon()).await.unwrap();
        store.remove(&address, &latest, soon()).await.unwrap();
        let gone = Condition::Unchanged(version);
        assert_eq!(put(&store, &second, gone).await, Err(changed));
    }

    #[tokio::test]
    async fn a_document_that_was_damaged_is_of_no_source() {
        let (folder, store) = store();
        let results = folder.path().join("out/descriptions");
        std::fs::create_dir_all(&results).unwrap();
        std::fs::write(results.join("1.json"), b"").unwrap();
        let found = store.look(&address("descriptions/1.json"), soon()).await;
        assert_eq!(found.unwrap().unwrap().source, None);
    }

    #[tokio::test]
    async fn photographs_are_read_from_their_own_folder_up_to_a_size() {
        let (folder, store) = store();
        std::fs::write(folder.path().join("a.jpg"), b"photo").unwrap();
        let address = address("a.jpg");
        assert_eq!(store.read(&address, 5, soon()).await.unwrap(), "photo");
        let error = store.read(&address, 4, soon()).await.unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { bytes: 5, .. }));
        std::fs::remove_file(folder.path().join("a.jpg")).unwrap();
        let error = store.read(&address, 5, soon()).await.unwrap_err();
        assert_eq!(error, StoreError::NotFound { address });
    }

    #[tokio::test]
    async fn what_was_never_finished_is_removed_and_nothing_else() {
        let (folder, store) = store();
        put(&store, &json!({}), Condition::Absent).await.unwrap();
        let results = folder.path().join("out/descriptions/summer");
        std::fs::write(results.join(format!("{UNFINISHED}x1")), b"{").unwrap();
        store.remove_unfinished(&["descriptions", "failures"]);
        let left: Vec<_> = results
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["1.json"]);
    }
}

//! Whether an object has the content of a file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::ChecksumMode;

use crate::aws_error;
use crate::checksum::{Checksum, Scheme};
use crate::failure::{Exit, Failure};
use crate::upload::FileError;
use crate::upload::index::Entry;
use crate::upload::local_files::{LocalFile, Stamp};
use crate::upload::objects::{Listed, plain_tag};

/// Why a file is uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no object.
    New,
    /// The object has other content, or nothing says that it has this one.
    Changed,
}

impl Reason {
    /// In a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::New => "new",
            Reason::Changed => "changed",
        }
    }
}

/// What the listing and the index say, without a file being read or an object asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glance {
    /// The object has the file's content.
    Same,
    /// It has not.
    Upload(Reason),
    /// Only its content tells.
    Look(Look),
}

/// What is needed to tell whether an object has a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The object has this checksum; the file is to be read.
    Read(Checksum),
    /// The object is to be asked for its checksum as well.
    Ask,
}

/// Compares as far as nothing has to be read. With `verify` the index counts for nothing.
#[must_use]
pub fn glance(
    file: &LocalFile,
    object: Option<&Listed>,
    entry: Option<&Entry>,
    verify: bool,
) -> Glance {
    let Some(object) = object else {
        return Glance::Upload(Reason::New);
    };
    if object.bytes != file.stamp.bytes {
        return Glance::Upload(Reason::Changed);
    }
    // The entry is about the object that is there now, or about none.
    let known = entry.filter(|entry| {
        !verify
            && entry.bytes == object.bytes
            && entry.e_tag == object.e_tag
            && !object.e_tag.is_empty()
    });
    match known {
        Some(entry) if entry.stamp == Some(file.stamp) => Glance::Same,
        Some(entry) => Glance::Look(Look::Read(entry.checksum.clone())),
        None => Glance::Look(Look::Ask),
    }
}

/// What came of reading a file.
#[derive(Debug)]
pub enum Compared {
    /// The object has the file's content; what the index is to say of it.
    Same(Entry),
    /// It is to be uploaded.
    Upload(Reason),
}

/// What objects are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Of the account.
    pub client: &'a Client,
    /// The bucket.
    pub bucket: &'a str,
    /// The object's key.
    pub key: &'a str,
}

/// Reads a file where a glance was not enough, and compares.
///
/// # Errors
/// When the file cannot be read or S3 does not answer.
pub async fn compare(
    asked: Asked<'_>,
    file: &LocalFile,
    object: &Listed,
    look: Look,
    part_bytes: u64,
    verify: bool,
) -> Result<Compared, FileError> {
    match look {
        Look::Read(checksum) => {
            let read = Read::of(&file.path, checksum.scheme).await?;
            Ok(read.against(&checksum, &object.e_tag))
        }
        Look::Ask => {
            let of_tag = |e_tag: &str| Checksum::of_e_tag(e_tag, object.bytes, part_bytes);
            // Without a request, where the entity tag is the content's MD5 and fits.
            if !verify && let Some(checksum) = of_tag(&object.e_tag) {
                let read = Read::of(&file.path, checksum.scheme).await?;
                if let Compared::Same(entry) = read.against(&checksum, &object.e_tag) {
                    return Ok(Compared::Same(entry));
                }
            }
            let Some(said) = ask(asked, part_bytes).await? else {
                return Ok(Compared::Upload(Reason::New));
            };
            let Some(checksum) = said.sha256.or_else(|| of_tag(&said.e_tag)) else {
                return Ok(Compared::Upload(Reason::Changed));
            };
            let read = Read::of(&file.path, checksum.scheme).await?;
            Ok(read.against(&checksum, &said.e_tag))
        }
    }
}

/// What an object says of itself.
struct Said {
    e_tag: String,
    sha256: Option<Checksum>,
}

/// Asks for an object's checksum; nothing where there is no such object. Who may not read
/// objects hears of none.
async fn ask(asked: Asked<'_>, part_bytes: u64) -> Result<Option<Said>, FileError> {
    let answer = asked
        .client
        .head_object()
        .bucket(asked.bucket)
        .key(asked.key)
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await;
    match answer {
        Ok(said) => {
            let bytes = said.content_length().unwrap_or_default();
            let bytes = u64::try_from(bytes).unwrap_or_default();
            let sha256 = said.checksum_sha256();
            Ok(Some(Said {
                e_tag: plain_tag(said.e_tag().unwrap_or_default()).to_owned(),
                sha256: sha256.and_then(|text| Checksum::of_s3_sha256(text, bytes, part_bytes)),
            }))
        }
        Err(error) => {
            let failure = aws_error::failure(&format!("HeadObject {}", asked.key), &error);
            match failure.exit {
                Exit::NotFound | Exit::Denied if error.as_service_error().is_some() => Ok(None),
                _ => Err(FileError::Remote(failure)),
            }
        }
    }
}

/// A file's content, by its checksum.
struct Read {
    checksum: Checksum,
    bytes: u64,
    stamp: Option<Stamp>,
}

impl Read {
    async fn of(path: &Path, scheme: Scheme) -> Result<Read, FileError> {
        let path = path.to_owned();
        on_a_thread(move || Read::now(&path, scheme)).await
    }

    fn now(path: &Path, scheme: Scheme) -> io::Result<Read> {
        let began = SystemTime::now();
        let file = File::open(path)?;
        let before = Stamp::of(&file.metadata()?);
        let checksum = Checksum::of_reader(&file, scheme)?;
        let is_still = before == Stamp::of(&file.metadata()?);
        Ok(Read {
            checksum,
            bytes: before.bytes,
            stamp: (is_still && before.is_settled(began)).then_some(before),
        })
    }

    /// Against what is known of the object.
    fn against(self, checksum: &Checksum, e_tag: &str) -> Compared {
        if self.checksum != *checksum {
            return Compared::Upload(Reason::Changed);
        }
        Compared::Same(Entry {
            bytes: self.bytes,
            e_tag: e_tag.to_owned(),
            checksum: self.checksum,
            stamp: self.stamp,
        })
    }
}

/// Runs what reads files on a thread that may wait for the disk.
pub(super) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FileError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(FileError::Local(format!("can't be read: {error}"))),
        Err(error) => Err(FileError::Remote(Failure::new(
            Exit::Failed,
            format!("a file could not be read: {error}"),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Algorithm;

    fn file(folder: &Path, content: &str) -> LocalFile {
        let path = folder.join("file");
        std::fs::write(&path, content).unwrap();
        LocalFile {
            stamp: Stamp::of(&std::fs::metadata(&path).unwrap()),
            path,
            name: "file".to_owned(),
        }
    }

    fn listed(file: &LocalFile, e_tag: &str) -> Listed {
        Listed {
            bytes: file.stamp.bytes,
            e_tag: e_tag.to_owned(),
        }
    }

    fn entry(file: &LocalFile, e_tag: &str) -> Entry {
        Entry {
            bytes: file.stamp.bytes,
            e_tag: e_tag.to_owned(),
            checksum: Checksum::of(Algorithm::Sha256, b"content"),
            stamp: Some(file.stamp),
        }
    }

    #[test]
    fn only_what_both_sides_confirm_is_the_same_at_a_glance() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), "content");
        let (object, known) = (listed(&file, "tag"), entry(&file, "tag"));
        let seen =
            |object: Option<&Listed>, entry: Option<&Entry>| glance(&file, object, entry, false);
        assert_eq!(seen(Some(&object), Some(&known)), Glance::Same);
        assert_eq!(seen(None, Some(&known)), Glance::Upload(Reason::New));
        assert_eq!(seen(Some(&object), None), Glance::Look(Look::Ask));

        let replaced = listed(&file, "other");
        assert_eq!(seen(Some(&replaced), Some(&known)), Glance::Look(Look::Ask));
        let grown = Listed {
            bytes: 8,
            ..object.clone()
        };
        assert_eq!(
            seen(Some(&grown), Some(&known)),
            Glance::Upload(Reason::Changed)
        );
        let without_tags = listed(&file, "");
        let index_of_it = entry(&file, "");
        assert_eq!(
            seen(Some(&without_tags), Some(&index_of_it)),
            Glance::Look(Look::Ask)
        );

        let unsettled = Entry {
            stamp: None,
            ..known.clone()
        };
        let read = Glance::Look(Look::Read(known.checksum.clone()));
        assert_eq!(seen(Some(&object), Some(&unsettled)), read);
        assert_eq!(
            glance(&file, Some(&object), Some(&known), true),
            Glance::Look(Look::Ask)
        );
    }

    #[tokio::test]
    async fn a_file_that_was_touched_is_read_and_found_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), "content");
        let checksum = Checksum::of(Algorithm::Sha256, b"content");
        let read = Read::of(&file.path, checksum.scheme).await.unwrap();
        // It was written just now: its stamp is not to be relied on.
        match read.against(&checksum, "tag") {
            Compared::Same(entry) => assert_eq!(
                (entry.bytes, entry.e_tag.as_str(), entry.stamp),
                (7, "tag", None)
            ),
            Compared::Upload(reason) => panic!("{reason:?}"),
        }
        std::fs::write(&file.path, "CONTENT").unwrap();
        let read = Read::of(&file.path, checksum.scheme).await.unwrap();
        assert!(matches!(
            read.against(&checksum, "tag"),
            Compared::Upload(Reason::Changed)
        ));
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_an_error_of_the_file() {
        let gone = Path::new("/nothing/here");
        let scheme = Scheme::whole(Algorithm::Md5);
        let error = Read::of(gone, scheme).await.err();
        assert!(matches!(error, Some(FileError::Local(_))));
    }
}

//! What earlier uploads of a folder left: for each file its stamp, the object's entity tag and
//! a checksum, so that an upload that changes nothing reads no file and asks for no object.
//!
//! The index is believed only as far as it fits what both sides say today: a file is unchanged
//! where its stamp (size, times, inode) is that of the index *and* the bucket's listing gives
//! the object the size and the entity tag of the index. Whoever writes the object or the file
//! changes one of these. What an index cannot know is not in it: the stamp of a file that had
//! been changed less than two seconds before it was read is left out, and that file is read
//! again. A damaged index, or one of another folder or place, is no index; `--verify` uses none.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::checksum::{Algorithm, Checksum, Hasher, Scheme};
use crate::failure::{Exit, Failure, Outcome};
use crate::s3_location::S3Location;
use crate::upload::local_files::Stamp;

/// Raised when lines of the index change their meaning.
const VERSION: u32 = 1;

/// What is known of a file whose object has its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The object's size.
    pub bytes: u64,
    /// The object's entity tag, without quotes.
    pub e_tag: String,
    /// Of the object's content.
    pub checksum: Checksum,
    /// The file's, when it had that content; nothing where it might change unseen.
    pub stamp: Option<Stamp>,
}

/// What is known of each file, by its name.
pub type Index = HashMap<String, Entry>;

/// What an index is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    version: u32,
    folder: PathBuf,
    place: String,
}

#[derive(Serialize, Deserialize)]
struct Trailer {
    /// Of all lines before.
    sha256: Checksum,
}

/// An index's file, for this process alone.
#[derive(Debug)]
pub struct IndexFile {
    path: PathBuf,
    header: Header,
    /// Held as long as the process may write the index.
    _lock: File,
}

impl IndexFile {
    /// Where the index of a folder and a place lies by default, in a folder of caches.
    #[must_use]
    pub fn default_path(cache: &Path, folder: &Path, place: &S3Location) -> PathBuf {
        let of = format!("{}\n{place}", folder.display());
        let name = Checksum::of(Algorithm::Sha256, of.as_bytes()).hex();
        cache.join("uploads").join(format!("{}.jsonl", &name[..24]))
    }

    /// The index at `path` of an upload of `folder` (absolute) to `place`.
    ///
    /// # Errors
    /// When another process works with it, or when it cannot be written there.
    pub fn open(path: &Path, folder: &Path, place: &S3Location) -> Outcome<IndexFile> {
        let unusable = |error: io::Error| {
            Failure::new(
                Exit::Failed,
                format!("the index {} can't be used: {error}", path.display()),
            )
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unusable)?;
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(lock_path)
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(format!(
                    "another upload of {} to {place} is running",
                    folder.display()
                ))
                .next("wait for it, or end it: the same command then goes on"));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        Ok(IndexFile {
            path: path.to_owned(),
            header: Header {
                version: VERSION,
                folder: folder.to_owned(),
                place: place.to_string(),
            },
            _lock: lock,
        })
    }

    /// What it says; nothing where there is none yet, or where it is not to be believed, and
    /// then also why.
    #[must_use]
    pub fn read(&self) -> (Index, Option<String>) {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Default::default(),
            Err(error) => return (Index::new(), Some(format!("it can't be read: {error}"))),
        };
        match parse(&text, &self.header) {
            Ok(index) => (index, None),
            Err(why) => (Index::new(), Some(why)),
        }
    }

    /// Writes it under another name and renames it.
    ///
    /// # Errors
    /// When it cannot be written; the one before is there then.
    pub fn write(&self, index: &Index) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder)?;
        let mut out = Summed {
            out: BufWriter::new(file),
            sum: Hasher::new(Scheme::whole(Algorithm::Sha256)),
        };
        out.line(&self.header)?;
        for line in index {
            out.line(&line)?;
        }
        let sha256 = out.sum.clone().finish();
        out.line(&Trailer { sha256 })?;
        let file = out
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Lines, and the checksum of all of them.
struct Summed<W> {
    out: W,
    sum: Hasher,
}

impl<W: Write> Summed<W> {
    fn line<T: Serialize>(&mut self, line: &T) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.sum.update(&bytes);
        self.out.write_all(&bytes)
    }
}

fn parse(text: &str, header: &Header) -> Result<Index, String> {
    let broken = || "it is damaged".to_owned();
    let (lines, trailer) = text
        .strip_suffix('\n')
        .and_then(|text| text.rsplit_once('\n'))
        .ok_or_else(broken)?;
    let trailer: Trailer = serde_json::from_str(trailer).map_err(|_| broken())?;
    let body = &text[..=lines.len()];
    if Checksum::of(Algorithm::Sha256, body.as_bytes()) != trailer.sha256 {
        return Err(broken());
    }
    let mut lines = lines.lines();
    let found: Header = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok())
        .ok_or_else(broken)?;
    if found != *header {
        return Err(format!(
            "it is of an upload of {} to {}",
            found.folder.display(),
            found.place
        ));
    }
    lines
        .map(|line| serde_json::from_str::<(String, Entry)>(line).map_err(|_| broken()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> S3Location {
        "s3://photos/incoming".parse().unwrap()
    }

    fn entry(content: &str) -> Entry {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        Entry {
            bytes: content.len() as u64,
            e_tag: format!("tag of {content}"),
            checksum: Checksum::of(Algorithm::Sha256, content.as_bytes()),
            stamp: Some(Stamp::of(&fs::metadata(file.path()).unwrap())),
        }
    }

    fn index() -> Index {
        let unsettled = Entry {
            stamp: None,
            ..entry("b")
        };
        [
            ("a \"1\"\nü".to_owned(), entry("a")),
            ("b".to_owned(), unsettled),
        ]
        .into()
    }

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/down/index.jsonl");
        let file = IndexFile::open(&path, Path::new("/photos"), &place()).unwrap();
        assert_eq!(file.read(), (Index::new(), None));
        let index = index();
        file.write(&index).unwrap();
        file.write(&index).unwrap();
        assert_eq!(file.read(), (index, None));
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 2, "the index and its lock: {left:?}");
    }

    #[test]
    fn a_changed_index_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.jsonl");
        let file = IndexFile::open(&path, Path::new("/photos"), &place()).unwrap();
        file.write(&index()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lies = [
            text.replace("tag of a", "tag of c"),
            text[..text.len() - 1].to_owned(),
            text[..text.len() / 2].to_owned(),
            text.lines().rev().map(|line| format!("{line}\n")).collect(),
            String::new(),
            "\n\n".to_owned(),
        ];
        for lie in lies {
            fs::write(&path, &lie).unwrap();
            let (read, why) = file.read();
            assert!(read.is_empty() && why.is_some(), "{lie}");
        }
    }

    #[test]
    fn an_index_of_another_folder_is_none_and_one_process_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.jsonl");
        let file = IndexFile::open(&path, Path::new("/photos"), &place()).unwrap();
        file.write(&index()).unwrap();
        let busy = IndexFile::open(&path, Path::new("/photos"), &place()).unwrap_err();
        assert!(busy.what.contains("is running"), "{busy}");
        drop(file);
        let other = IndexFile::open(&path, Path::new("/others"), &place()).unwrap();
        let (read, why) = other.read();
        assert!(read.is_empty());
        assert!(why.unwrap().contains("/photos"));
    }
}

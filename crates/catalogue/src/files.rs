//! Files that are whole or absent, one by one or several together.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes under another name beside `path` and renames.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_of(path);
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|source| {
            // What is left of a failed attempt; the first error is the one to report.
            let _ = fs::remove_file(&part);
            write_error(path, source)
        })
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| write_error(path, source))
}

/// Removes a file that need not be there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(write_error(path, error)),
        _ => Ok(()),
    }
}

/// The text or bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// The name under which a file is written before it is renamed.
fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

/// Files that belong together. They lie under other names until all are whole;
/// dropped before, they leave nothing.
#[derive(Debug, Default)]
pub(crate) struct Together {
    /// The names that the files are to have.
    paths: Vec<PathBuf>,
}

impl Together {
    /// Writes one more.
    pub(crate) fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let part = self.begin(path)?;
        fs::write(&part, bytes).map_err(|source| write_error(path, source))
    }

    /// One more with the bytes of the file `from`: another link to it, or a copy
    /// where the disk has no links. One that is there with these bytes stays.
    pub(crate) fn link(&mut self, from: &Path, path: &Path) -> Result<(), Error> {
        // Two links to one file can't be renamed to each other either.
        if have_the_same_bytes(from, path) {
            return Ok(());
        }
        let part = self.begin(path)?;
        remove(&part)?;
        // A link to a link would lead from another folder.
        let file = from.canonicalize();
        if file.is_ok_and(|file| fs::hard_link(file, &part).is_ok()) {
            return Ok(());
        }
        let bytes = read(from)?;
        fs::write(&part, bytes).map_err(|source| write_error(path, source))
    }

    fn begin(&mut self, path: &Path) -> Result<PathBuf, Error> {
        if path.is_dir() {
            return Err(write_error(path, ErrorKind::IsADirectory.into()));
        }
        self.paths.push(path.to_owned());
        Ok(part_of(path))
    }

    /// Removes the files `before`, which need not be there, then gives all their
    /// names, the file that was written last first. Files of two times are never
    /// there together, also when this fails.
    ///
    /// # Errors
    /// [`Error::Unfinished`]: some files are missing then.
    pub(crate) fn put(mut self, before: &[PathBuf]) -> Result<(), Error> {
        let unfinished = |path: &Path, source| Error::Unfinished {
            path: path.to_owned(),
            source,
        };
        for path in before {
            match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(unfinished(path, error));
                }
                _ => {}
            }
        }
        for path in self.paths.iter().rev() {
            fs::rename(part_of(path), path).map_err(|error| unfinished(path, error))?;
        }
        self.paths.clear();
        Ok(())
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        for path in &self.paths {
            // What is left of a failed attempt; its error is the one to report.
            let _ = fs::remove_file(part_of(path));
        }
    }
}

/// Whether both are there and lead to the same file or folder.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let paths = [one, other].map(Path::canonicalize);
    matches!(paths, [Ok(one), Ok(other)] if one == other)
}

fn have_the_same_bytes(one: &Path, other: &Path) -> bool {
    let (Ok(state), Ok(of_other)) = (fs::metadata(one), fs::metadata(other)) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (state.dev(), state.ino()) == (of_other.dev(), of_other.ino()) {
            return true;
        }
    }
    state.len() == of_other.len()
        && matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "old").unwrap();
        fs::create_dir(at("c")).unwrap();
        let mut files = Together::default();
        files.write(&at("a"), b"new").unwrap();
        files.link(&at("a"), &at("b")).unwrap();
        let error = files.write(&at("c"), b"new").unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
        drop(files);
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

        let mut files = Together::default();
        files.link(&at("a"), &at("b")).unwrap();
        files.put(&[]).unwrap();
        // Again, when both are links to one file.
        let mut files = Together::default();
        files.link(&at("a"), &at("b")).unwrap();
        files.put(&[]).unwrap();
        assert_eq!(fs::read_to_string(at("b")).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);

        // What was there before goes first, so that nothing old is beside what is new.
        let mut files = Together::default();
        files.write(&at("b"), b"new").unwrap();
        let error = files.put(&[at("a"), at("b"), at("c")]).unwrap_err();
        assert!(matches!(error, Error::Unfinished { .. }), "{error}");
        assert!(!at("a").exists() && !at("b").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

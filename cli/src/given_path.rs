//! Files and folders that are named on the command line to be read. Commands look at them before
//! they do anything, so that what isn't there ends all of them alike, and nothing was done.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::failure::{Exit, Failure, Outcome};

/// Looks that a folder is there, which `option` names on the command line.
///
/// # Errors
/// That there is none, or that it is something else.
pub fn folder(option: &str, path: &Path) -> Outcome {
    look(option, path, "folder", Metadata::is_dir)
}

/// Looks that a file is there, or what else can be read as one (a pipe).
///
/// # Errors
/// As [`folder`].
pub fn file(option: &str, path: &Path) -> Outcome {
    look(option, path, "file", |found| !found.is_dir())
}

fn look(option: &str, path: &Path, what: &str, is_one: fn(&Metadata) -> bool) -> Outcome {
    match std::fs::metadata(path) {
        Ok(found) if is_one(&found) => Ok(()),
        Ok(_) => Err(Failure::usage(format!(
            "{option}: {} is no {what}",
            path.display()
        ))),
        Err(error) => Err(cannot_read(option, path, what, &error)),
    }
}

/// Why what was named can't be read: it isn't there, or something is wrong with it.
#[must_use]
pub fn cannot_read(option: &str, path: &Path, what: &str, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::new(
            Exit::NotFound,
            format!("{option}: there is no {what} {shown}"),
        ),
        _ => Failure::usage(format!(
            "{option}: the {what} {shown} can't be read: {error}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_and_what_is_something_else_end_differently() {
        let place = tempfile::tempdir().unwrap();
        let there = place.path().join("file");
        std::fs::write(&there, "").unwrap();
        assert!(folder("--data", place.path()).is_ok());
        assert!(file("--table", &there).is_ok());
        for (looked, exit, words) in [
            (folder("--data", &there), Exit::Usage, "is no folder"),
            (file("--table", place.path()), Exit::Usage, "is no file"),
            (
                folder("--data", &place.path().join("none")),
                Exit::NotFound,
                "there is no folder",
            ),
            (
                file("--table", &there.join("below")),
                Exit::NotFound,
                "there is no file",
            ),
        ] {
            let failure = looked.unwrap_err();
            assert_eq!(failure.exit, exit, "{failure}");
            assert!(failure.what.starts_with("--"), "{failure}");
            assert!(failure.what.contains(words), "{failure}");
        }
    }
}

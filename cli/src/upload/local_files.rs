//! The files of a folder, and what is known of them without reading them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::failure::Outcome;
use crate::given_path;
use crate::glob::Glob;

/// The longest key of S3.
const MAX_KEY_BYTES: usize = 1024;

/// File systems may give two changes within this time the same time of change.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// What a file system says of a file's content. Two equal ones have the same content between
/// them, if the file was settled at the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The size.
    pub bytes: u64,
    /// When the content was last changed, as programs may set it; nanoseconds since 1970.
    modified_ns: i64,
    /// When anything of the file was last changed, which no program can set.
    changed_ns: i64,
    /// Another file under the same name has another one.
    inode: u64,
}

impl Stamp {
    /// From what the file system says.
    #[must_use]
    pub fn of(file: &Metadata) -> Stamp {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stamp {
            bytes: file.len(),
            modified_ns: nanoseconds(file.mtime(), file.mtime_nsec()),
            changed_ns: nanoseconds(file.ctime(), file.ctime_nsec()),
            inode: file.ino(),
        }
    }

    /// Whether a change of the content after the time `at` must change the stamp too: a file
    /// that was changed just before it may be changed again within the same tick of the file
    /// system's clock.
    #[must_use]
    pub fn is_settled(&self, at: SystemTime) -> bool {
        let Some(at) = at.checked_sub(SETTLED_AFTER) else {
            return false;
        };
        let at_ns = at.duration_since(UNIX_EPOCH).map_or(0, |since| {
            i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
        });
        self.modified_ns.max(self.changed_ns) < at_ns
    }
}

/// A file to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path below the folder, with slashes.
    pub name: String,
    /// As it was when the folder was looked through.
    pub stamp: Stamp,
}

/// A file, and something about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The file's path below the folder.
    pub file: String,
    /// What is said of it.
    pub why: String,
}

/// What a folder has.
#[derive(Debug, Default)]
pub struct Folder {
    /// The files, in order.
    pub files: Vec<LocalFile>,
    /// What is no file.
    pub left_out: Vec<Remark>,
    /// What should be uploaded and can't be.
    pub failures: Vec<Remark>,
    /// How many files the patterns left out.
    pub filtered: usize,
}

/// Which files are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One of these must match, if there are any.
    pub include: Vec<Glob>,
    /// None of these may.
    pub exclude: Vec<Glob>,
}

impl Filter {
    /// Whether a name is meant.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

/// Looks through a folder; links are followed or left out. `prefix_bytes` is how long the part
/// of the keys before the files' names is.
///
/// # Errors
/// When there is no such folder.
pub fn look_through(
    folder: &Path,
    filter: &Filter,
    follow_links: bool,
    prefix_bytes: usize,
) -> Outcome<Folder> {
    given_path::folder("FOLDER", folder)?;
    let mut found = Folder::default();
    let walk = WalkDir::new(folder)
        .follow_links(follow_links)
        .sort_by_file_name();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.failures.push(unreadable(folder, &error));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let name = match key_name(below, prefix_bytes) {
            Ok(name) => name,
            Err(why) => {
                found.failures.push(Remark {
                    file: below.to_string_lossy().into_owned(),
                    why,
                });
                continue;
            }
        };
        if !filter.takes(&name) {
            found.filtered += 1;
            continue;
        }
        if !entry.file_type().is_file() {
            let what = match entry.file_type().is_symlink() {
                true => "a symbolic link",
                false => "no file: a socket, a pipe or a device",
            };
            found.left_out.push(Remark {
                file: name,
                why: what.to_owned(),
            });
            continue;
        }
        match entry.metadata() {
            Ok(file) => found.files.push(LocalFile {
                stamp: Stamp::of(&file),
                path: entry.into_path(),
                name,
            }),
            Err(error) => found.failures.push(unreadable(folder, &error)),
        }
    }
    Ok(found)
}

/// A path below the folder as a key has it, or why no key can.
fn key_name(below: &Path, prefix_bytes: usize) -> Result<String, String> {
    let name = below
        .to_str()
        .ok_or("its name is no UTF-8, which keys of S3 are: rename it")?;
    if name.chars().any(char::is_control) {
        return Err(
            "its name has a control character, which listings of S3 can't have: rename it"
                .to_owned(),
        );
    }
    let key_bytes = prefix_bytes + name.len();
    if key_bytes > MAX_KEY_BYTES {
        return Err(format!(
            "its key would have {key_bytes} bytes, and S3 takes {MAX_KEY_BYTES}: shorten its name"
        ));
    }
    Ok(name.to_owned())
}

fn unreadable(folder: &Path, error: &walkdir::Error) -> Remark {
    let path = error.path().unwrap_or(folder);
    let why = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("a link back to {}", ancestor.display()),
        (None, Some(error)) => format!("can't be read: {error}"),
        (None, None) => format!("can't be read: {error}"),
    };
    Remark {
        file: path
            .strip_prefix(folder)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::failure::Exit;

    fn look(folder: &Path, follow_links: bool) -> Folder {
        look_through(folder, &Filter::default(), follow_links, 0).unwrap()
    }

    fn names(folder: &Folder) -> Vec<&str> {
        folder.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn files_have_their_paths_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/c")).unwrap();
        for (name, content) in [("b/c/1.jpg", "one"), ("a b+ü%.jpg", ""), ("b/2", "22")] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let found = look(folder.path(), true);
        assert_eq!(names(&found), ["a b+ü%.jpg", "b/2", "b/c/1.jpg"]);
        assert_eq!(found.files[2].stamp.bytes, 3);
        let filter = Filter {
            include: vec!["*.jpg".parse().unwrap()],
            exclude: vec!["b/**".parse().unwrap()],
        };
        let found = look_through(folder.path(), &filter, true, 0).unwrap();
        assert_eq!((names(&found), found.filtered), (vec!["a b+ü%.jpg"], 2));
    }

    #[test]
    fn links_are_followed_or_left_out_and_bad_ones_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("nothing"), at("broken")).unwrap();
        fs::create_dir(at("sub")).unwrap();
        symlink(folder.path(), at("sub/loop")).unwrap();
        let followed = look(folder.path(), true);
        assert_eq!(names(&followed), ["file", "link"]);
        let failed: Vec<&str> = followed.failures.iter().map(|f| f.file.as_str()).collect();
        assert_eq!(failed, ["broken", "sub/loop"]);
        assert!(followed.failures[1].why.contains("a link back"));
        let plain = look(folder.path(), false);
        assert_eq!(names(&plain), ["file"]);
        assert_eq!((plain.left_out.len(), plain.failures.len()), (3, 0));
    }

    #[test]
    fn names_that_no_key_can_have_are_failures() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"\xff.jpg")), "").unwrap();
        fs::write(folder.path().join("a\nb"), "").unwrap();
        fs::write(folder.path().join("long"), "").unwrap();
        let found = look_through(folder.path(), &Filter::default(), true, 1022).unwrap();
        assert!(found.files.is_empty());
        let why: Vec<&str> = found.failures.iter().map(|f| f.why.as_str()).collect();
        let part = |text: &str| why.iter().any(|why| why.contains(text));
        assert!(
            part("UTF-8") && part("control character") && part("1026 bytes"),
            "{why:?}"
        );
    }

    #[test]
    fn what_is_no_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, exit) in [
            (file, Exit::Usage),
            (folder.path().join("nothing"), Exit::NotFound),
        ] {
            let failure = look_through(&path, &Filter::default(), true, 0).unwrap_err();
            assert_eq!(failure.exit, exit);
        }
    }

    #[test]
    fn a_file_is_settled_when_its_last_change_is_long_enough_ago() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        let stamp = Stamp::of(&fs::metadata(&path).unwrap());
        let now = SystemTime::now();
        assert!(!stamp.is_settled(now));
        assert!(stamp.is_settled(now + Duration::from_secs(5)));
        // A time of change that a program has set back does not make it older.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(1))
            .unwrap();
        let stamp = Stamp::of(&fs::metadata(&path).unwrap());
        assert!(!stamp.is_settled(now));
    }
}

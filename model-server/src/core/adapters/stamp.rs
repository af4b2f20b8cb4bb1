//! Whether the files of an adapter are still those that were read.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blip2::Adapter;

/// Two changes that are closer together may have one time: file systems take it
/// from a clock that goes by ticks.
const TICK: Duration = Duration::from_millis(100);

/// What the file system says of an adapter's files. Another stamp means that
/// they have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; Adapter::FILES.len()]);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: Duration,
    /// When anything about the file was changed, which nobody can set.
    changed: Duration,
}

impl Stamp {
    /// That of a folder; `None` where it is no folder.
    pub(super) fn of(folder: &Path) -> Option<Stamp> {
        if !folder.is_dir() {
            return None;
        }
        Some(Stamp(Adapter::FILES.map(|name| {
            let file = std::fs::metadata(folder.join(name)).ok()?;
            Some(FileStamp {
                device: file.dev(),
                inode: file.ino(),
                bytes: file.size(),
                modified: since_epoch(file.mtime(), file.mtime_nsec()),
                changed: since_epoch(file.ctime(), file.ctime_nsec()),
            })
        })))
    }

    /// Whether the files, read at `read_at`, can have changed since and still
    /// have this stamp.
    pub(super) fn may_hide_a_change(&self, read_at: SystemTime) -> bool {
        let Ok(read_at) = read_at.duration_since(UNIX_EPOCH) else {
            return true;
        };
        let mut files = self.0.iter().flatten();
        files.any(|file| file.changed.max(file.modified) + TICK > read_at)
    }
}

/// Times before 1970 are all one.
fn since_epoch(seconds: i64, nanoseconds: i64) -> Duration {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let nanoseconds = u32::try_from(nanoseconds).unwrap_or_default();
    Duration::new(seconds, nanoseconds.min(999_999_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Adapter::FILES[0]);
        let stamp = || Stamp::of(folder.path()).unwrap();
        let empty = stamp();
        std::fs::write(&path, "a").unwrap();
        let one = stamp();
        assert_ne!(empty, one);
        assert_eq!(one, stamp());
        // Of equal size and age, under the same name.
        let other = folder.path().join("other");
        std::fs::write(&other, "b").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let file = std::fs::File::options().write(true).open(&other).unwrap();
        file.set_modified(modified).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(one, stamp());
        assert_eq!(Stamp::of(&folder.path().join("missing")), None);
    }

    #[test]
    fn what_was_read_within_a_tick_of_its_change_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(Adapter::FILES[1]), "a").unwrap();
        let stamp = Stamp::of(folder.path()).unwrap();
        let now = SystemTime::now();
        assert!(stamp.may_hide_a_change(now - Duration::from_secs(3_600)));
        assert!(!stamp.may_hide_a_change(now + Duration::from_secs(3_600)));
    }
}

//! One backfill at a time in a folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::failure::{Exit, Failure, Outcome};

/// The folder, held. It is let go when this is dropped and when the process ends, however
/// it ends; nothing is left behind.
#[derive(Debug)]
pub struct FolderLock {
    _folder: File,
}

impl FolderLock {
    /// Holds the folder, which is made if it isn't there.
    ///
    /// # Errors
    /// When another process holds it, or it can't be made.
    pub fn take(folder: &Path) -> Outcome<FolderLock> {
        let shown = folder.display();
        let cannot = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("cannot use {shown}: {error}"))
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let opened = File::open(folder).map_err(cannot)?;
        match opened.try_lock() {
            Ok(()) => Ok(FolderLock { _folder: opened }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                Exit::Failed,
                format!("another backfill is at work in {shown}"),
            )
            .next("wait for it, or end it: what it has described stays")),
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FolderLock;

    #[test]
    fn a_folder_is_held_by_one_at_a_time_and_free_again_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results");
        let lock = FolderLock::take(&path).unwrap();
        let failure = FolderLock::take(&path).unwrap_err();
        assert!(failure.what.contains("another backfill"), "{failure}");
        drop(lock);
        assert!(FolderLock::take(&path).is_ok());
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }
}

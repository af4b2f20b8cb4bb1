//! Who uses a folder: a file in it that is locked by each job that does.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::train::container::create_folder;

/// The file's name.
pub(super) const FILE: &str = "in-use";

/// How often a folder that was removed this moment is created anew.
const ATTEMPTS: usize = 10;

/// Creates a folder that others leave alone as long as the file that is given
/// back is open; none where the file system knows no locks. `alone` is called
/// first if nobody else uses it.
pub(super) fn hold(folder: &Path, alone: impl Fn()) -> anyhow::Result<Option<File>> {
    for _ in 0..ATTEMPTS {
        create_folder(folder)?;
        let Ok(file) = open(folder) else {
            continue;
        };
        if file.try_lock().is_ok() {
            alone();
            // Taken again below by those who share it.
            let _ = file.unlock();
        }
        if file.lock_shared().is_err() {
            return Ok(None);
        }
        // Who removes a folder has locked it, so that it may be gone by now.
        let (held, there) = (
            file.metadata().ok(),
            std::fs::metadata(folder.join(FILE)).ok(),
        );
        if held.map(|data| data.ino()) == there.map(|data| data.ino()) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Removes a folder and what is in it, unless somebody holds it.
pub(super) fn remove_unless_used(folder: &Path) {
    if let Ok(file) = open(folder)
        && file.try_lock().is_ok()
    {
        // What cannot be removed takes room and is in nobody's way.
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn open(folder: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.open(folder.join(FILE))
}

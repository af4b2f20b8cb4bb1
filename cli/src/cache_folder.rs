//! Where things lie that can be made again.

use std::path::PathBuf;

/// The folder for such things: in `XDG_CACHE_HOME` or in `.cache` of the home folder; nothing
/// where neither is known.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".cache")))
        .map(|folder| folder.join("lookbook"))
}

//! Files that are there as a whole or not at all.

use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file under another name beside it, then renames it: who looks at
/// `path` sees the old content or the new one.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, content)
        .and_then(|()| std::fs::rename(&partial, path))
        .inspect_err(|_| {
            // What is left of a failed attempt; there may be nothing.
            let _ = std::fs::remove_file(&partial);
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

//! Files that appear whole or not at all.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Writes a file under another name and renames it.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let file = NamedTempFile::new_in(folder)?;
        std::fs::write(file.path(), bytes)?;
        // Temporary files are for their owner alone.
        let everyone = PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(file.path(), everyone)?;
        file.persist(path)?;
        anyhow::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

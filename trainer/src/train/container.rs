//! The folders of SageMaker's training contract.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use blip2::UNFINISHED;

/// Longest reason that SageMaker shows of a failure, in bytes.
const MAX_REASON_BYTES: usize = 1024;

/// `/opt/ml`, or what stands in for it.
#[derive(Debug, Clone)]
pub struct Container {
    root: PathBuf,
}

impl Container {
    /// The contract under `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The hyperparameters' file.
    #[must_use]
    pub fn hyperparameters(&self) -> PathBuf {
        self.root.join("input/config/hyperparameters.json")
    }

    /// The folder of an input channel.
    ///
    /// # Errors
    /// When the channel is missing.
    pub fn channel(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.root.join("input/data").join(name);
        if !folder.is_dir() {
            bail!(
                "the channel `{name}` is missing: there is no folder {}",
                folder.display()
            );
        }
        Ok(folder)
    }

    /// Where checkpoints go, for the job to go on from.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// Where the trained model goes.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.root.join("model")
    }

    /// Where reports go; SageMaker keeps them beside the model.
    #[must_use]
    pub fn output_data(&self) -> PathBuf {
        self.root.join("output/data")
    }

    /// Writes why the job failed where SageMaker looks for it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_failure(&self, reason: &str) -> anyhow::Result<()> {
        let mut end = reason.len().min(MAX_REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        write_file(&self.root.join("output/failure"), &reason.as_bytes()[..end])
    }

    /// Removes what an earlier run left: the reason of its failure, and files
    /// that it was killed in the middle of.
    pub fn remove_leftovers(&self) {
        // That there is none is the rule; one that cannot be removed will be
        // overwritten or misleads nobody who reads the exit code.
        let _ = std::fs::remove_file(self.root.join("output/failure"));
        for folder in [
            "model",
            "model/adapter",
            "output",
            "output/data",
            "checkpoints",
        ] {
            remove_unfinished(&self.root.join(folder));
        }
    }
}

/// Creates a folder and those above it.
///
/// # Errors
/// When that is not possible.
pub fn create_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Writes a file under a temporary name and renames it.
///
/// # Errors
/// When it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(permissions())
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::io::Result::Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Removes files that were never finished from a folder, if there is one.
pub fn remove_unfinished(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            // Left behind it is in nobody's way.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Readable as any file, unlike a temporary one.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o644)
}

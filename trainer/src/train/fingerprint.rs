//! What tells one job, or one model, from another.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::feature_store::hex;

/// What is hashed at a time, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Files of a checkpoint that the network's numbers depend on.
fn is_of_network(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["config.json", "preprocessor_config.json", "tokenizer.json"].contains(&name.as_ref())
        || name.ends_with(".safetensors")
}

/// The hash of a checkpoint's configuration and weights.
///
/// # Errors
/// When a file cannot be read.
pub fn of_checkpoint(folder: &Path) -> anyhow::Result<String> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_of_network(path))
        .collect();
    paths.sort();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(of_file(&path)?);
    }
    Ok(hex(&hash.finalize()))
}

/// The hash of a file.
///
/// # Errors
/// When it cannot be read.
pub fn of_file(path: &Path) -> anyhow::Result<String> {
    let read = || {
        let mut file = std::fs::File::open(path)?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece)? {
                0 => return std::io::Result::Ok(hex(&hash.finalize())),
                length => hash.update(&piece[..length]),
            }
        }
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// The hash of some texts.
#[must_use]
pub fn of_texts(texts: &[String]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex(&hash.finalize())
}

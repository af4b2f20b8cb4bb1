//! Image features on the disk, by what they were computed from.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::container::create_folder;

/// Changes when the way from a file's bytes to its features does.
const VERSION: u32 = 1;

/// Bytes of the checksum at a file's end.
const CHECKSUM_BYTES: usize = 8;

/// Digits of the model's hash in the name of its folder.
const HASH_DIGITS: usize = 32;

const ENDING: &str = "features";

/// The file that says how long a photograph took.
const SECONDS: &str = "seconds-per-photo";

/// A store of features, `numbers` of f32 each. Its folder is that of one model
/// computing in one way; features are in it under the hash of the photograph's
/// bytes. Whatever is there was written whole. When it is full nothing more
/// is written to it: what is used every epoch is worth more than what comes
/// last.
#[derive(Debug)]
pub struct FeatureStore {
    folder: PathBuf,
    numbers: usize,
    limit_bytes: u64,
    used_bytes: u64,
}

/// The name of a photograph's features.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// That of a file's bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }
}

impl FeatureStore {
    /// Opens the store for a model in `folder`, and removes those of other
    /// models; what else is in the folder stays.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn open(
        folder: &Path,
        model: &str,
        numbers: usize,
        limit_bytes: u64,
    ) -> anyhow::Result<Self> {
        let name = format!("{}-v{VERSION}", &hex(&Sha256::digest(model))[..HASH_DIGITS]);
        let of_model = folder.join(&name);
        create_folder(&of_model)?;
        for other in std::fs::read_dir(folder)
            .with_context(|| format!("cannot read {}", folder.display()))?
            .flatten()
            .filter(|entry| entry.file_name() != name.as_str())
            .filter(|entry| is_of_a_model(&entry.file_name().to_string_lossy()))
        {
            // Of another model: nothing of this job asks for it again.
            let _ = std::fs::remove_dir_all(other.path());
        }
        let mut used_bytes = 0;
        for entry in std::fs::read_dir(&of_model)
            .with_context(|| format!("cannot read {}", of_model.display()))?
            .flatten()
        {
            let path = entry.path();
            if entry.file_name() == SECONDS {
                continue;
            }
            if path.extension().is_some_and(|ending| ending == ENDING) {
                used_bytes += entry.metadata().map_or(0, |data| data.len());
            } else {
                // A file that a run that was killed had not finished.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(Self {
            folder: of_model,
            numbers,
            limit_bytes,
            used_bytes,
        })
    }

    /// How long encoding a photograph took an earlier run, if it is known.
    #[must_use]
    pub fn seconds_per_photo(&self) -> Option<f64> {
        let text = std::fs::read_to_string(self.folder.join(SECONDS)).ok()?;
        text.trim().parse().ok()
    }

    /// Notes how long it takes.
    pub fn note_seconds_per_photo(&self, seconds: f64) {
        // Only a log line is made of it: a later run does without.
        let _ = std::fs::write(self.folder.join(SECONDS), seconds.to_string());
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(&key.0).with_extension(ENDING)
    }

    /// What is kept of a photograph; nothing where the file is damaged.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Vec<f32>> {
        let bytes = std::fs::read(self.path(key)).ok()?;
        let (numbers, sum) = bytes.split_at_checked(self.numbers * 4)?;
        if checksum(numbers) != sum {
            return None;
        }
        let number = |bytes: &[u8]| bytes.try_into().map(f32::from_le_bytes).unwrap_or_default();
        Some(numbers.chunks_exact(4).map(number).collect())
    }

    /// Keeps the features of a photograph, if there is room.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&mut self, key: &Key, features: &[f32]) -> anyhow::Result<()> {
        let path = self.path(key);
        let bytes = (features.len() * 4 + CHECKSUM_BYTES) as u64;
        let replaces = path.exists();
        if !replaces && self.used_bytes + bytes > self.limit_bytes {
            return Ok(());
        }
        let mut contents = Vec::with_capacity(bytes as usize);
        contents.extend(features.iter().flat_map(|number| number.to_le_bytes()));
        let sum = checksum(&contents);
        contents.extend_from_slice(&sum);
        let write = || {
            let mut file = tempfile::Builder::new().tempfile_in(&self.folder)?;
            file.write_all(&contents)?;
            file.persist(&path).map_err(|error| error.error)?;
            std::io::Result::Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        if !replaces {
            self.used_bytes += bytes;
        }
        Ok(())
    }
}

/// Whether a folder has the name of a model's: its hash and a version.
fn is_of_a_model(name: &str) -> bool {
    name.split_once("-v").is_some_and(|(hash, version)| {
        hash.len() == HASH_DIGITS
            && hash.chars().all(|digit| digit.is_ascii_hexdigit())
            && version.parse::<u32>().is_ok()
    })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.copy_from_slice(&Sha256::digest(bytes)[..CHECKSUM_BYTES]);
    sum
}

/// Bytes as text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_survive_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::of(b"photograph");
        let open = |model: &str| FeatureStore::open(folder.path(), model, 3, 60).unwrap();
        let mut store = open("a");
        assert_eq!(store.get(&key), None);
        store.put(&key, &[1.0, -2.5, 3.0]).unwrap();
        let mut store = open("a");
        assert_eq!(store.get(&key), Some(vec![1.0, -2.5, 3.0]));
        assert_eq!(store.used_bytes, 20);
        for other in 0u8..5 {
            store.put(&Key::of(&[other]), &[0.0; 3]).unwrap();
        }
        assert!(store.used_bytes <= 60 && store.get(&key).is_some());
        let path = store.path(&key);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[5] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(store.get(&key), None);
        store.put(&key, &[1.0; 3]).unwrap();
        assert_eq!(store.get(&key), Some(vec![1.0; 3]));
        std::fs::write(&path, &bytes[..7]).unwrap();
        assert_eq!(store.get(&key), None);
        assert_eq!(open("b").get(&key), None);
    }

    #[test]
    fn the_folder_of_another_model_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("own-v1");
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("file"), "precious").unwrap();
        let first = FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
        let second = FeatureStore::open(folder.path(), "b", 3, 60).unwrap();
        assert!(!first.folder.exists() && second.folder.exists());
        assert!(own.join("file").exists());
    }
}

//! Image features on the disk, by what they were computed from.

mod in_use;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::container::write_file;
use super::log;

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
/// bytes. Whatever is there was written whole.
///
/// Jobs may share a store. Where there is no room, features that no job used
/// since this one began make it, the oldest first. What this job uses stays: it
/// is used every epoch, and worth more than what comes last. A job that finds
/// features gone computes them again.
#[derive(Debug)]
pub struct FeatureStore {
    folder: PathBuf,
    numbers: usize,
    limit_bytes: u64,
    used_bytes: u64,
    /// When this job began to use it, by the clock of the file system.
    opened: SystemTime,
    /// What may go, the oldest last; looked for when there is no room.
    unused: Option<Vec<PathBuf>>,
    told_full: bool,
    told_failed: bool,
    /// Locked as long as it is open; none where the file system knows no locks.
    _in_use: Option<File>,
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

impl fmt::Display for Key {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl FeatureStore {
    /// Opens the store for a model in `folder`, and removes those of other
    /// models that no job uses; what else is in the folder stays.
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
        let in_use = in_use::hold(&of_model, || remove_unknown(&of_model))?;
        for other in std::fs::read_dir(folder)
            .with_context(|| format!("cannot read {}", folder.display()))?
            .flatten()
            .filter(|entry| entry.file_name() != name.as_str())
            .filter(|entry| is_of_a_model(&entry.file_name().to_string_lossy()))
        {
            // Nothing of this job asks for it again.
            in_use::remove_unless_used(&other.path());
        }
        let used_bytes = features(&of_model)?.map(|(_, data)| data.len()).sum();
        let written = in_use.as_ref().and_then(|mut file| {
            file.write_all(b"a job uses this folder\n").ok()?;
            file.metadata().ok()?.modified().ok()
        });
        Ok(Self {
            folder: of_model,
            numbers,
            limit_bytes,
            used_bytes,
            opened: written.unwrap_or_else(SystemTime::now),
            unused: None,
            told_full: false,
            told_failed: false,
            _in_use: in_use,
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
        let _ = write_file(&self.folder.join(SECONDS), seconds.to_string().as_bytes());
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(&key.0).with_extension(ENDING)
    }

    /// What is kept of a photograph; nothing where the file is damaged.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Vec<f32>> {
        let mut file = File::open(self.path(key)).ok()?;
        let mut bytes = Vec::with_capacity(self.numbers * 4 + CHECKSUM_BYTES);
        file.read_to_end(&mut bytes).ok()?;
        let (numbers, sum) = bytes.split_at_checked(self.numbers * 4)?;
        if checksum(numbers) != sum {
            return None;
        }
        if file.metadata().is_ok_and(|data| self.is_unused(&data)) {
            // So that it is not what goes first. Where that fails it may go.
            let _ = file.set_modified(SystemTime::now());
        }
        let number = |bytes: &[u8]| bytes.try_into().map(f32::from_le_bytes).unwrap_or_default();
        Some(numbers.chunks_exact(4).map(number).collect())
    }

    /// Keeps the features of a photograph, if there is room. A store is there to
    /// save time: where one cannot be written to, the log says so once, and the
    /// job does without.
    pub fn put(&mut self, key: &Key, features: &[f32]) {
        let path = self.path(key);
        match self.write(&path, features) {
            Ok(()) => {}
            Err(_) if self.told_failed => {}
            Err(error) => {
                self.told_failed = true;
                log(&format!(
                    "image features cannot be kept, and are computed again when they are needed: \
                     {}: {error}",
                    path.display()
                ));
            }
        }
    }

    fn write(&mut self, path: &Path, features: &[f32]) -> std::io::Result<()> {
        let mut contents = Vec::with_capacity(features.len() * 4 + CHECKSUM_BYTES);
        contents.extend(features.iter().flat_map(|number| number.to_le_bytes()));
        let sum = checksum(&contents);
        contents.extend_from_slice(&sum);
        let replaced = std::fs::metadata(path).map_or(0, |data| data.len());
        self.used_bytes = self.used_bytes.saturating_sub(replaced);
        let bytes = contents.len() as u64;
        if !self.has_room(bytes) {
            self.used_bytes += replaced;
            return Ok(());
        }
        let mut file = tempfile::Builder::new().tempfile_in(&self.folder)?;
        file.write_all(&contents)?;
        file.persist(path).map_err(|error| error.error)?;
        self.used_bytes += bytes;
        Ok(())
    }

    /// Whether there is room for so many bytes; it is made where that is possible.
    fn has_room(&mut self, bytes: u64) -> bool {
        while self.used_bytes + bytes > self.limit_bytes {
            let Some(oldest) = self.oldest() else {
                if !self.told_full {
                    self.told_full = true;
                    log(&format!(
                        "the store of image features is full (`feature-store-mib` = {}): those of \
                         further photographs are computed whenever they are needed",
                        self.limit_bytes >> 20
                    ));
                }
                return false;
            };
            // Another job may have used it since, or removed it.
            let data = std::fs::metadata(&oldest).ok();
            if let Some(data) = data.filter(|data| self.is_unused(data))
                && std::fs::remove_file(&oldest).is_ok()
            {
                self.used_bytes = self.used_bytes.saturating_sub(data.len());
            }
        }
        true
    }

    /// The next that may go.
    fn oldest(&mut self) -> Option<PathBuf> {
        if self.unused.is_none() {
            let mut unused: Vec<(SystemTime, PathBuf)> = features(&self.folder)
                .ok()?
                .filter(|(_, data)| self.is_unused(data))
                .filter_map(|(path, data)| Some((data.modified().ok()?, path)))
                .collect();
            unused.sort_by(|one, other| other.cmp(one));
            if !unused.is_empty() {
                log(&format!(
                    "the store of image features is full (`feature-store-mib` = {}): {} that no \
                     job used since this one began make room, the oldest first",
                    self.limit_bytes >> 20,
                    unused.len()
                ));
            }
            self.unused = Some(unused.into_iter().map(|(_, path)| path).collect());
        }
        self.unused.as_mut()?.pop()
    }

    fn is_unused(&self, data: &Metadata) -> bool {
        data.modified().is_ok_and(|modified| modified < self.opened)
    }
}

/// The files of features in a model's folder.
fn features(folder: &Path) -> anyhow::Result<impl Iterator<Item = (PathBuf, Metadata)> + use<>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .filter_map(|path| {
            let data = std::fs::metadata(&path).ok()?;
            Some((path, data))
        }))
}

/// Removes what a run that was killed had not finished.
fn remove_unknown(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_known = [SECONDS, in_use::FILE]
            .iter()
            .any(|name| path.ends_with(name))
            || path.extension().is_some_and(|ending| ending == ENDING);
        if !is_known {
            let _ = std::fs::remove_file(path);
        }
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn features_survive_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::of(b"photograph");
        let open = |model: &str| FeatureStore::open(folder.path(), model, 3, 60).unwrap();
        let mut store = open("a");
        assert_eq!(store.get(&key), None);
        store.put(&key, &[1.0, -2.5, 3.0]);
        let mut store = open("a");
        assert_eq!(store.get(&key), Some(vec![1.0, -2.5, 3.0]));
        assert_eq!(store.used_bytes, 20);
        for other in 0u8..5 {
            store.put(&Key::of(&[other]), &[0.0; 3]);
        }
        assert!(store.used_bytes <= 60 && store.get(&key).is_some());
        let path = store.path(&key);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[5] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(store.get(&key), None);
        store.put(&key, &[1.0; 3]);
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
        let of_first = first.folder.clone();
        drop(first);
        let second = FeatureStore::open(folder.path(), "b", 3, 60).unwrap();
        assert!(!of_first.exists() && second.folder.exists());
        assert!(own.join("file").exists());
    }

    #[test]
    fn jobs_at_one_time_leave_each_other_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |model: &str| FeatureStore::open(folder.path(), model, 1, 1 << 20).unwrap();
        let mut first = open("a");
        let half_written = first.folder.join(".tmp-of-first");
        std::fs::write(&half_written, "").unwrap();
        let (mut of_same, mut of_other) = (open("a"), open("b"));
        assert!(half_written.exists());
        for (number, store) in [&mut first, &mut of_same, &mut of_other]
            .into_iter()
            .enumerate()
        {
            let key = Key::of(&[number as u8]);
            store.put(&key, &[number as f32]);
            assert_eq!(store.get(&key), Some(vec![number as f32]));
        }
        drop((first, of_same));
        let _again = open("a");
        assert!(!half_written.exists());
    }

    #[test]
    fn a_store_that_cannot_be_written_to_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FeatureStore::open(folder.path(), "a", 1, 60).unwrap();
        std::fs::remove_dir_all(&store.folder).unwrap();
        store.put(&Key::of(b"x"), &[1.0]);
        assert_eq!(store.get(&Key::of(b"x")), None);
        assert!(store.told_failed);
    }

    #[test]
    fn what_was_not_used_for_the_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let key = |number: u8| Key::of(&[number]);
        // Room for three.
        let open = || FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
        let mut earlier = open();
        for number in 0..3 {
            earlier.put(&key(number), &[0.0; 3]);
            let file = File::open(earlier.path(&key(number))).unwrap();
            let age = Duration::from_secs(100 + u64::from(number));
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        let mut store = open();
        // The oldest, but used.
        assert!(store.get(&key(2)).is_some());
        store.put(&key(3), &[3.0; 3]);
        let kept = |store: &FeatureStore| -> Vec<u8> {
            (0..6)
                .filter(|&number| store.path(&key(number)).exists())
                .collect()
        };
        assert_eq!(kept(&store), [0, 2, 3]);
        store.put(&key(4), &[4.0; 3]);
        assert!(!store.told_full);
        // What this job uses does not go.
        store.put(&key(5), &[5.0; 3]);
        assert_eq!(kept(&store), [2, 3, 4]);
        assert!(store.told_full && store.used_bytes == 60);
    }
}

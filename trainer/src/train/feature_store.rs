//! Image features on the disk, by what they were computed from.

mod in_use;

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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

/// How old the time of a file is that is set anew when the file is used.
const RENEWED_AFTER: Duration = Duration::from_secs(60);

/// How long before a job began features must have been used last that make room
/// for its own. A job beside it uses each of its own once an epoch; where that
/// takes longer, computing some again is the smaller part of it.
const SPARED: Duration = Duration::from_secs(60 * 60);

/// After how many features the folder is counted again: other jobs keep theirs
/// in it as well. To list it takes as long as to compute a few.
const COUNTED_AFTER: u32 = 256;

/// The file that says how long a photograph took.
const SECONDS: &str = "seconds-per-photo";

/// A store of features, `numbers` of f32 each. Its folder is that of one model
/// computing in one way; features are in it under the hash of the photograph's
/// bytes. Whatever is there was written whole.
///
/// Jobs may share a store, and its limit with it: each counts what is there, though
/// not at every write. Where there is no room, features that no job used since an
/// hour before this one began make it, the oldest first. What this job uses stays:
/// it is used every epoch, and worth more than what comes last. So does what a job
/// beside it uses. A job that finds features gone computes them again.
#[derive(Debug)]
pub struct FeatureStore {
    folder: PathBuf,
    numbers: usize,
    limit_bytes: u64,
    /// What the folder held when it was counted, and what came and went by this
    /// job since.
    used_bytes: u64,
    /// How often there was something to keep since then.
    since_count: u32,
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
            since_count: 0,
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
        let now = SystemTime::now();
        if file
            .metadata()
            .is_ok_and(|data| age(&data, now) > RENEWED_AFTER)
        {
            // So that no job takes it for unused. Where that fails it may go.
            let _ = file.set_modified(now);
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
        let bytes = contents.len() as u64;
        let replaced = std::fs::metadata(path).map_or(0, |data| data.len());
        if !self.has_room(bytes.saturating_sub(replaced)) {
            return Ok(());
        }
        let mut file = tempfile::Builder::new().tempfile_in(&self.folder)?;
        file.write_all(&contents)?;
        file.persist(path).map_err(|error| error.error)?;
        self.used_bytes = (self.used_bytes + bytes).saturating_sub(replaced);
        Ok(())
    }

    /// Counts again what the folder holds.
    fn count(&mut self) {
        // A folder that cannot be read cannot be written to either, and the log
        // will say so.
        if let Ok(features) = features(&self.folder) {
            self.used_bytes = features.map(|(_, data)| data.len()).sum();
        }
        self.since_count = 0;
    }

    /// Whether there is room for so many bytes more; it is made where that is
    /// possible.
    fn has_room(&mut self, bytes: u64) -> bool {
        self.since_count += 1;
        // Seen to be full for the first time it may not be: others remove as well.
        let seems_full = self.used_bytes + bytes > self.limit_bytes;
        if self.since_count >= COUNTED_AFTER || (seems_full && self.unused.is_none()) {
            self.count();
        }
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
                     job used since an hour before this one began make room, the oldest first",
                    self.limit_bytes >> 20,
                    unused.len()
                ));
            }
            self.unused = Some(unused.into_iter().map(|(_, path)| path).collect());
        }
        self.unused.as_mut()?.pop()
    }

    fn is_unused(&self, data: &Metadata) -> bool {
        age(data, self.opened) > SPARED
    }
}

/// How long before `then` a file was used last; nothing where that is later, or
/// not known.
fn age(data: &Metadata, then: SystemTime) -> Duration {
    let modified = data.modified().unwrap_or(then);
    then.duration_since(modified).unwrap_or_default()
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
mod tests;

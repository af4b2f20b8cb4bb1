//! The adapters that requests may name: a folder of folders.
//!
//! The folder is the truth. It is looked at whenever a request names an adapter,
//! so that one that is put there, taken away or changed is so for the next
//! request. What is read is kept, and goes with the questions that were asked
//! with it: whatever happens to the files, they end as they began.

mod error;
mod stamp;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use blip2::LoadedAdapter;

pub use error::AdapterError;
use stamp::Stamp;

use super::metrics::Metrics;
use crate::backend::Backend;

/// Longest name of an adapter, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 100;

/// How often an adapter is read whose files change meanwhile.
const READS: usize = 3;

/// Where adapters are, and how much of them is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterOptions {
    /// Holds a folder for each adapter, in PEFT's layout.
    pub folder: PathBuf,
    /// Bytes of adapters that are kept; those go first that were not asked for
    /// the longest. The one that was read last is kept whatever its size.
    pub max_bytes: u64,
}

/// The adapters of a server. Its functions look at the file system: not for an
/// event loop.
pub(super) struct Adapters {
    backend: Arc<dyn Backend>,
    options: AdapterOptions,
    metrics: Arc<Metrics>,
    kept: Mutex<Kept>,
}

/// What is kept, by name.
#[derive(Default)]
struct Kept {
    entries: BTreeMap<String, Entry>,
    /// Counts requests, to know who was asked for last.
    clock: u64,
}

#[derive(Default)]
struct Entry {
    /// Held by who reads it, so that it is read once for all.
    reading: Arc<Mutex<()>>,
    read: Option<Read>,
    last_used: u64,
}

/// An adapter, or why its files cannot be used.
type Outcome = Result<Arc<LoadedAdapter>, String>;

/// What came of reading an adapter.
#[derive(Clone)]
struct Read {
    stamp: Stamp,
    at: SystemTime,
    outcome: Outcome,
}

impl Read {
    fn bytes(&self) -> u64 {
        let adapter = self.outcome.as_ref();
        adapter.map_or(0, |adapter| adapter.bytes() as u64)
    }
}

impl Adapters {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        options: AdapterOptions,
        metrics: Arc<Metrics>,
    ) -> Adapters {
        Adapters {
            backend,
            options,
            metrics,
            kept: Mutex::default(),
        }
    }

    /// The adapter of that name as its files are now.
    pub(super) fn get(&self, name: &str) -> Result<Arc<LoadedAdapter>, AdapterError> {
        if !is_name(name) {
            return Err(AdapterError::Name {
                name: name.to_owned(),
                limit: MAX_NAME_BYTES,
            });
        }
        let folder = self.options.folder.join(name);
        let outcome = Stamp::of(&folder).and_then(|stamp| match self.known(name, &stamp) {
            Ok(outcome) => Some(outcome),
            Err(reading) => {
                let _reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                // Who was waited for may have read it.
                match self.known(name, &stamp) {
                    Ok(outcome) => Some(outcome),
                    Err(_) => self.read(name, &folder, stamp),
                }
            }
        });
        // There is none, or none any more.
        let Some(outcome) = outcome else {
            self.forget_removed();
            return Err(AdapterError::unknown(name, self.names()));
        };
        outcome.map_err(|reason| AdapterError::Unusable {
            name: name.to_owned(),
            reason,
        })
    }

    /// The names of all there are, sorted, whether they can be used or not.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.options.folder)
            .into_iter()
            .flatten();
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_name(name))
            .collect();
        names.sort_unstable();
        names
    }

    /// Drops those whose folder is gone.
    pub(super) fn forget_removed(&self) {
        let mut kept = self.lock();
        let is_gone = |name: &String| !self.options.folder.join(name).is_dir();
        let gone: Vec<String> = kept
            .entries
            .keys()
            .filter(|name| is_gone(name))
            .cloned()
            .collect();
        for name in gone {
            kept.entries.remove(&name);
            tracing::info!(adapter = name, "adapter dropped: its folder is gone");
        }
        self.measure(&kept);
    }

    /// What is kept of the files with this stamp, or whose turn it is to read
    /// them.
    fn known(&self, name: &str, stamp: &Stamp) -> Result<Outcome, Arc<Mutex<()>>> {
        let mut kept = self.lock();
        kept.clock += 1;
        let clock = kept.clock;
        let entry = kept.entries.entry(name.to_owned()).or_default();
        entry.last_used = clock;
        match &entry.read {
            Some(read) if read.stamp == *stamp && !stamp.may_hide_a_change(read.at) => {
                Ok(read.outcome.clone())
            }
            _ => Err(Arc::clone(&entry.reading)),
        }
    }

    /// Reads files whose stamp is `stamp`, and again if that is no longer it
    /// afterwards; `None` where the folder is taken away meanwhile.
    fn read(&self, name: &str, folder: &Path, mut stamp: Stamp) -> Option<Outcome> {
        let started = Instant::now();
        let mut outcome = Err("its files change all the time".to_owned());
        for _ in 0..READS {
            let at = SystemTime::now();
            let read = self.backend.load_adapter(name, folder);
            let after = Stamp::of(folder)?;
            if after == stamp {
                // The path is the operator's affair.
                let reason = |error: String| error.replace(&format!("{}/", folder.display()), "");
                outcome = read.map_err(|error| reason(error.to_string()));
                let read = Read {
                    stamp,
                    at,
                    outcome: outcome.clone(),
                };
                self.keep(name, read);
                break;
            }
            stamp = after;
        }
        let took_ms = started.elapsed().as_millis() as u64;
        match &outcome {
            Ok(adapter) => {
                self.metrics.adapter_loads.inc();
                let bytes = adapter.bytes();
                tracing::info!(adapter = name, bytes, took_ms, "adapter loaded");
            }
            Err(reason) => {
                self.metrics.adapter_load_failures.inc();
                tracing::warn!(adapter = name, reason, "an adapter cannot be used");
            }
        }
        Some(outcome)
    }

    /// Keeps what was read, and as much of the others as there is room for.
    fn keep(&self, name: &str, read: Read) {
        let mut kept = self.lock();
        let entry = kept.entries.entry(name.to_owned()).or_default();
        entry.read = Some(read);
        while kept.bytes() > self.options.max_bytes {
            let others = kept.entries.iter().filter(|(other, entry)| {
                *other != name && entry.read.as_ref().is_some_and(|read| read.bytes() > 0)
            });
            let oldest = others.min_by_key(|(_, entry)| entry.last_used);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            if let Some(entry) = kept.entries.get_mut(&oldest) {
                entry.read = None;
            }
            tracing::info!(adapter = oldest, "adapter dropped for want of room");
        }
        self.measure(&kept);
    }

    fn measure(&self, kept: &Kept) {
        let count = kept.loaded().count();
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.metrics.adapters_loaded.set(gauge(count as u64));
        self.metrics.adapter_bytes.set(gauge(kept.bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing is left half done by a panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn loaded(&self) -> impl Iterator<Item = &Read> {
        let read = self
            .entries
            .values()
            .filter_map(|entry| entry.read.as_ref());
        read.filter(|read| read.outcome.is_ok())
    }

    fn bytes(&self) -> u64 {
        self.loaded().map(Read::bytes).sum()
    }
}

/// Whether it names a folder, and one that cannot be elsewhere.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for name in ["dresses", "dresses-2026.11", "A_b", "0", "a..b"] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for name in [
            "", ".", "..", "../x", "/etc", "a/b", "a\\b", ".hidden", "a b", "é", "a\0", "a\n",
            &long,
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}

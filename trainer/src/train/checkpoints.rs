//! The folder of checkpoints, `/opt/ml/checkpoints`.
//!
//! A checkpoint is a folder that is written under another name, seen to be on
//! the disk and renamed: one that is there is whole. What is random follows from
//! the seed, the epoch and the batch's number, so that no generator's state is
//! kept.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use super::container::{create_folder, remove_unfinished, write_file};
use super::metrics::Event;
use super::optimiser::Moments;
use super::state::State;
use super::tensors::{self, Numbers, named};

const PREFIX: &str = "checkpoint-";
const UNFINISHED: &str = ".unfinished-";
const STATE: &str = "state.json";
const PARAMETERS: &str = "parameters.safetensors";
const OPTIMISER: &str = "optimizer.safetensors";
const METRICS: &str = "metrics.jsonl";
const LAST_GOOD: &str = "last-good.safetensors";
const BEST: &str = "best-";

/// How many checkpoints stay: one more than is needed.
const KEPT: usize = 2;

/// All that a job needs to go on.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where it is.
    pub state: State,
    /// What was learnt.
    pub parameters: Numbers,
    /// What was learnt up to the step before, as long as nobody knows whether the
    /// parameters are good.
    pub last_good: Option<Numbers>,
    /// What the optimiser remembers, in the order of the parameters.
    pub moments: Vec<Moments>,
    /// What was measured so far.
    pub events: Vec<Event>,
}

/// The folder of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// Those in a folder, which is created where it is missing.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        create_folder(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The newest checkpoint that is whole; `told` hears of those that are not.
    ///
    /// # Errors
    /// When the newest one is that of another job.
    pub fn newest(
        &self,
        job: &str,
        names: &[&str],
        told: impl Fn(&str),
    ) -> anyhow::Result<Option<Checkpoint>> {
        for folder in self.all()?.into_iter().rev() {
            match read(&folder, names) {
                Ok(checkpoint) if checkpoint.state.job == job => return Ok(Some(checkpoint)),
                Ok(_) => bail!(
                    "{} is of a job with other hyperparameters, questions, photographs or weights: \
                     empty the folder to begin anew",
                    folder.display()
                ),
                Err(error) => told(&format!("a checkpoint is passed over: {error:#}")),
            }
        }
        Ok(None)
    }

    /// Saves a checkpoint and removes those that are too old.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let name = name(checkpoint.state.sequence);
        let (unfinished, whole) = (
            self.folder.join(format!("{UNFINISHED}{name}")),
            self.folder.join(&name),
        );
        for leftover in [&unfinished, &whole] {
            if leftover.exists() {
                std::fs::remove_dir_all(leftover)
                    .with_context(|| format!("cannot remove {}", leftover.display()))?;
            }
        }
        write(&unfinished, checkpoint)?;
        std::fs::rename(&unfinished, &whole)
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .with_context(|| format!("cannot write {}", whole.display()))?;
        self.prune(&checkpoint.state)
    }

    /// Keeps the parameters of the best epoch; what a later checkpoint says is
    /// the best is what holds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_best<'a>(
        &self,
        epoch: u64,
        parameters: impl Iterator<Item = (String, &'a [f32])>,
    ) -> anyhow::Result<()> {
        write_file(&self.best_path(epoch), &tensors::to_bytes(parameters)?)
    }

    /// The parameters of the best epoch.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn best(&self, epoch: u64) -> anyhow::Result<Numbers> {
        tensors::read(&self.best_path(epoch))
    }

    fn best_path(&self, epoch: u64) -> PathBuf {
        self.folder.join(format!("{BEST}{epoch}.safetensors"))
    }

    /// All checkpoints, oldest first.
    fn all(&self) -> anyhow::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.folder)
            .with_context(|| format!("cannot read {}", self.folder.display()))?;
        let mut folders: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
            .map(|entry| entry.path())
            .collect();
        folders.sort();
        Ok(folders)
    }

    /// Removes checkpoints that are too old for a job that is where `state` says,
    /// those beyond it, and what was never finished: after each that is saved, and
    /// where a job goes on that was killed before it came to that.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn prune(&self, state: &State) -> anyhow::Result<()> {
        let own = self.folder.join(name(state.sequence));
        // Those with higher numbers could not be read, else the job were there.
        // Kept, they would count as the newest, and the job's own would go.
        let (mut old, beyond): (Vec<PathBuf>, Vec<PathBuf>) =
            self.all()?.into_iter().partition(|folder| *folder <= own);
        old.truncate(old.len().saturating_sub(KEPT));
        for folder in old.iter().chain(&beyond) {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        let best = state.best.as_ref().map(|best| self.best_path(best.epoch));
        let entries = std::fs::read_dir(&self.folder)
            .with_context(|| format!("cannot read {}", self.folder.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(BEST) && Some(entry.path()) != best {
                // Left behind it is in nobody's way.
                let _ = std::fs::remove_file(entry.path());
            } else if name.starts_with(UNFINISHED) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        remove_unfinished(&self.folder);
        Ok(())
    }
}

/// The name of a checkpoint's folder; in the order of names they are by age.
fn name(sequence: u64) -> String {
    format!("{PREFIX}{sequence:08}")
}

fn write(folder: &Path, checkpoint: &Checkpoint) -> anyhow::Result<()> {
    create_folder(folder)?;
    let all = [
        (PARAMETERS, Some(&checkpoint.parameters)),
        (LAST_GOOD, checkpoint.last_good.as_ref()),
    ];
    for (name, numbers) in all {
        if let Some(numbers) = numbers {
            write_file(&folder.join(name), &tensors::to_bytes(named(numbers))?)?;
        }
    }
    let named = checkpoint.parameters.keys().zip(&checkpoint.moments);
    let moments = named.flat_map(|(name, moments)| {
        [
            (format!("first.{name}"), moments.first.as_slice()),
            (format!("second.{name}"), moments.second.as_slice()),
        ]
    });
    write_file(&folder.join(OPTIMISER), &tensors::to_bytes(moments)?)?;
    let mut lines = Vec::new();
    for event in &checkpoint.events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    write_file(&folder.join(METRICS), &lines)?;
    let state = serde_json::to_vec_pretty(&checkpoint.state)?;
    write_file(&folder.join(STATE), &state)
}

fn read(folder: &Path, names: &[&str]) -> anyhow::Result<Checkpoint> {
    let text = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let state: State = serde_json::from_str(&text(STATE)?)
        .with_context(|| format!("{}", folder.join(STATE).display()))?;
    let parameters = tensors::read(&folder.join(PARAMETERS))?;
    let last_good = folder.join(LAST_GOOD);
    let last_good = last_good.exists().then(|| tensors::read(&last_good));
    let mut moments = tensors::read(&folder.join(OPTIMISER))?;
    let mut take = |kind: &str, name: &str| {
        moments
            .remove(&format!("{kind}.{name}"))
            .ok_or_else(|| anyhow!("{} lacks {kind}.{name}", folder.join(OPTIMISER).display()))
    };
    let moments = names
        .iter()
        .map(|name| {
            Ok(Moments {
                first: take("first", name)?,
                second: take("second", name)?,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let events = text(METRICS)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{}", folder.join(METRICS).display()))?;
    Ok(Checkpoint {
        state,
        parameters,
        last_good: last_good.transpose()?,
        moments,
        events,
    })
}

#[cfg(test)]
mod tests {
    use super::super::state::Best;
    use super::*;

    fn checkpoint(sequence: u64) -> Checkpoint {
        Checkpoint {
            state: State {
                sequence,
                step: sequence * 10,
                ..State::new("job".to_owned())
            },
            parameters: Numbers::from([
                ("a".to_owned(), vec![1.5, -0.0]),
                ("b".to_owned(), vec![]),
            ]),
            last_good: None,
            moments: vec![
                Moments {
                    first: vec![1.0, 2.0],
                    second: vec![3.0, f32::MIN_POSITIVE],
                },
                Moments {
                    first: vec![],
                    second: vec![],
                },
            ],
            events: vec![],
        }
    }

    #[test]
    fn the_newest_whole_checkpoint_is_taken_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        let newest = || {
            let found = checkpoints.newest("job", &["a", "b"], |_| ()).unwrap();
            found.map(|checkpoint| checkpoint.state.sequence)
        };
        assert_eq!(newest(), None);
        for sequence in 1..=4 {
            checkpoints.save(&checkpoint(sequence)).unwrap();
        }
        assert_eq!(newest(), Some(4));
        assert_eq!(checkpoints.all().unwrap().len(), KEPT);
        // A kill between a checkpoint and the removal of the oldest.
        let old = folder.path().join("checkpoint-00000002");
        write(&old, &checkpoint(2)).unwrap();
        write(
            &folder.path().join(".unfinished-checkpoint-00000005"),
            &checkpoint(5),
        )
        .unwrap();
        checkpoints.prune(&checkpoint(4).state).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), KEPT);
        let read = checkpoints
            .newest("job", &["a", "b"], |_| ())
            .unwrap()
            .unwrap();
        assert_eq!(read.parameters, checkpoint(4).parameters);
        assert_eq!(read.moments, checkpoint(4).moments);
        assert_eq!(read.last_good, None);
        // One that was cut off by a full disk, say.
        let damaged = checkpoints.all().unwrap().pop().unwrap();
        std::fs::write(damaged.join(PARAMETERS), "x").unwrap();
        assert_eq!(newest(), Some(3));
        let error = checkpoints
            .newest("other", &["a", "b"], |_| ())
            .unwrap_err();
        assert!(error.to_string().contains("empty the folder"), "{error}");
    }

    #[test]
    fn those_that_cannot_be_read_take_no_place_from_those_that_can() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        let sequences = || -> Vec<u64> {
            let all = checkpoints.all().unwrap();
            let sequence = |folder: &PathBuf| {
                let name = folder.file_name().unwrap().to_str().unwrap();
                name.strip_prefix(PREFIX).unwrap().parse().unwrap()
            };
            all.iter().map(sequence).collect()
        };
        let damage = |sequence: u64| {
            std::fs::write(folder.path().join(name(sequence)).join(STATE), "{}").unwrap();
        };
        let newest = || {
            let found = checkpoints.newest("job", &["a", "b"], |_| ()).unwrap();
            found.map(|checkpoint| checkpoint.state.sequence)
        };
        // Of an older trainer, say: the job begins anew.
        for sequence in [6, 7] {
            checkpoints.save(&checkpoint(sequence)).unwrap();
            damage(sequence);
        }
        assert_eq!((sequences(), newest()), (vec![6, 7], None));
        checkpoints.save(&checkpoint(1)).unwrap();
        assert_eq!((sequences(), newest()), (vec![1], Some(1)));

        // The job goes on from the newest that can be read.
        checkpoints.save(&checkpoint(2)).unwrap();
        for sequence in [3, 4] {
            write(&folder.path().join(name(sequence)), &checkpoint(sequence)).unwrap();
            damage(sequence);
        }
        assert_eq!(newest(), Some(2));
        checkpoints.prune(&checkpoint(2).state).unwrap();
        assert_eq!((sequences(), newest()), (vec![1, 2], Some(2)));
    }

    #[test]
    fn the_last_good_weights_are_a_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        let mut unproven = checkpoint(1);
        unproven.state.newest_is_bad = true;
        unproven
            .parameters
            .insert("a".to_owned(), vec![f32::INFINITY]);
        unproven.last_good = Some(checkpoint(1).parameters);
        checkpoints.save(&unproven).unwrap();
        let read = checkpoints.newest("job", &["a", "b"], |_| ());
        let read = read.unwrap().unwrap();
        assert_eq!(read.last_good, unproven.last_good);
        assert_eq!(read.parameters, unproven.parameters);
        assert!(read.state.newest_is_bad);
    }

    #[test]
    fn the_best_epoch_stays() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::open(folder.path()).unwrap();
        for epoch in [1, 2] {
            let numbers = [epoch as f32];
            let named = [("a".to_owned(), numbers.as_slice())];
            checkpoints.save_best(epoch, named.into_iter()).unwrap();
        }
        let mut saved = checkpoint(1);
        saved.state.best = Some(Best {
            epoch: 2,
            score: 0.5,
        });
        checkpoints.save(&saved).unwrap();
        assert_eq!(checkpoints.best(2).unwrap()["a"], [2.0]);
        assert!(checkpoints.best(1).is_err());
    }
}

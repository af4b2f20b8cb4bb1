//! One side of the comparison: a process with a model and its adapter.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use tests::asked_process::AskedProcess;
use tests::checkpoint::Checkpoint;
use tests::times::Times;
use tokio::process::Command;

use crate::Setting;
use crate::shape::{BATCH_SIZE, QUESTIONS};

/// The script of the reference's side.
pub const SCRIPT: &str = "tools/bench/peft_baseline.py";

/// Who trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ours,
    Peft,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Who::Ours => "ours",
            Who::Peft => "peft",
        }
    }
}

/// A side that is loaded.
pub struct Side {
    process: AskedProcess,
    pub measured: Measured,
}

/// What was measured of a side.
#[derive(Clone, Debug)]
pub struct Measured {
    pub who: Who,
    pub dtype: &'static str,
    /// How it computes, as it says.
    pub computation: String,
    pub versions: BTreeMap<String, String>,
    /// Seconds a question where every photograph of the epoch is encoded.
    pub first_epoch: Times,
    /// Seconds a question where what can be known is.
    pub later_epochs: Times,
    /// The losses of all steps, from the first on.
    pub losses: Vec<f64>,
    pub peak_bytes: u64,
}

#[derive(Deserialize)]
struct Description {
    computation: String,
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Epoch {
    /// Of photographs, where they are encoded apart from the steps.
    #[serde(default)]
    encoding_seconds: f64,
    step_seconds: Vec<f64>,
    losses: Vec<f64>,
    peak_bytes: u64,
}

impl Side {
    /// Loads the checkpoint and what is in `inputs`.
    pub async fn start(
        setting: &Setting,
        checkpoint: &Checkpoint,
        inputs: &Path,
        who: Who,
        dtype: &'static str,
    ) -> Result<Side> {
        let mut command = match who {
            Who::Ours => Command::new(&setting.training_step),
            Who::Peft => {
                let mut command = Command::new(&setting.python);
                command.arg(setting.repository.join(SCRIPT)).arg("train");
                command
            }
        };
        command
            .args([&checkpoint.folder, inputs])
            .args(["--dtype", dtype])
            .args(["--batch-size", &BATCH_SIZE.to_string()])
            .args(["--threads", &setting.machine.cores.to_string()]);
        let log = inputs.join(format!("{}-{dtype}.log", who.name()));
        let (process, description): (_, Description) =
            AskedProcess::start(&mut command, &log).await?;
        Ok(Side {
            process,
            measured: Measured {
                who,
                dtype,
                computation: description.computation,
                versions: description.versions,
                first_epoch: Times::default(),
                later_epochs: Times::default(),
                losses: Vec::new(),
                peak_bytes: 0,
            },
        })
    }

    /// Learns from all questions once; the first time is a warm-up.
    pub async fn epoch(&mut self) -> Result<()> {
        let measured = &mut self.measured;
        let epoch: Epoch = self
            .process
            .ask("epoch")
            .await
            .with_context(|| format!("{} in {}", measured.who.name(), measured.dtype))?;
        let steps: f64 = epoch.step_seconds.iter().sum();
        if !measured.losses.is_empty() {
            let a_question = |seconds: f64| seconds / QUESTIONS as f64;
            let first = a_question(epoch.encoding_seconds + steps);
            measured.first_epoch.0.push(first);
            measured.later_epochs.0.push(a_question(steps));
        }
        measured.losses.extend(epoch.losses);
        measured.peak_bytes = epoch.peak_bytes;
        Ok(())
    }
}

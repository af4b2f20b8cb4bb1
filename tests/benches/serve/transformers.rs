//! Transformers' side: a Python process that is asked in turns with ours.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;
use tests::asked_process::AskedProcess;
use tests::checkpoint::{Checkpoint, TRANSFORMERS_SCRIPT};
use tokio::process::Command;

use crate::Setting;
use crate::prompts::ANSWER_TOKENS;

/// A loaded model in a process of its own, which is killed when dropped.
pub struct Transformers {
    process: AskedProcess,
    pub description: Description,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Description {
    pub parameters: u64,
    pub threads: usize,
    pub versions: BTreeMap<String, String>,
}

/// One measurement.
#[derive(Debug, Deserialize)]
pub struct Timed {
    pub seconds: f64,
    pub answers: Vec<String>,
    pub peak_bytes: u64,
}

/// How fast PyTorch multiplies matrices here.
#[derive(Debug, Deserialize)]
pub struct Peak {
    pub gflops: BTreeMap<String, f64>,
}

impl Transformers {
    /// Loads a checkpoint; `scratch` takes files that the process reads.
    pub async fn start(
        setting: &Setting,
        python: &Path,
        checkpoint: &Checkpoint,
        dtype: &str,
        prompts: &[String],
        scratch: &Path,
    ) -> Result<Transformers> {
        let (photo, questions) = (scratch.join("photo.jpg"), scratch.join("prompts.json"));
        std::fs::write(&photo, &setting.photo)?;
        std::fs::write(&questions, serde_json::to_vec(prompts)?)?;
        let log = scratch.join(format!("transformers-{dtype}.log"));
        let mut command = Command::new(python);
        command
            .arg(setting.repository.join(TRANSFORMERS_SCRIPT))
            .arg("answer")
            .arg(&checkpoint.folder)
            .args(["--dtype", dtype, "--photo"])
            .arg(&photo)
            .arg("--prompts")
            .arg(&questions)
            .args(["--tokens", &ANSWER_TOKENS.to_string()])
            .args(["--threads", &setting.machine.cores.to_string()]);
        let (process, description) = AskedProcess::start(&mut command, &log).await?;
        Ok(Transformers {
            process,
            description,
        })
    }

    pub async fn eight_calls(&mut self) -> Result<Timed> {
        self.process.ask("eight_calls").await
    }

    pub async fn one_batch(&mut self) -> Result<Timed> {
        self.process.ask("one_batch").await
    }

    pub async fn peak(&mut self) -> Result<Peak> {
        self.process.ask("peak").await
    }
}

//! Transformers' side: a Python process that is asked in turns with ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Setting;
use crate::checkpoint::{Checkpoint, SCRIPT};
use crate::prompts::ANSWER_TOKENS;

/// A loaded model in a process of its own, which is killed when dropped.
pub struct Transformers {
    _process: Child,
    commands: ChildStdin,
    results: Lines<BufReader<ChildStdout>>,
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
        let mut process = Command::new(python)
            .arg(setting.repository.join(SCRIPT))
            .arg("answer")
            .arg(&checkpoint.folder)
            .args(["--dtype", dtype, "--photo"])
            .arg(&photo)
            .arg("--prompts")
            .arg(&questions)
            .args(["--tokens", &ANSWER_TOKENS.to_string()])
            .args(["--threads", &setting.machine.cores.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot run Python")?;
        let commands = process.stdin.take().context("Python has no stdin")?;
        let stdout = process.stdout.take().context("Python has no stdout")?;
        let mut results = BufReader::new(stdout).lines();
        let description = match next(&mut results).await {
            Ok(description) => description,
            Err(error) => {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("transformers does not load the checkpoint: {error:#}\n{log}");
            }
        };
        Ok(Transformers {
            _process: process,
            commands,
            results,
            description,
        })
    }

    pub async fn eight_calls(&mut self) -> Result<Timed> {
        self.carry_out("eight_calls").await
    }

    pub async fn one_batch(&mut self) -> Result<Timed> {
        self.carry_out("one_batch").await
    }

    pub async fn peak(&mut self) -> Result<Peak> {
        self.carry_out("peak").await
    }

    async fn carry_out<T: DeserializeOwned>(&mut self, command: &str) -> Result<T> {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await?;
        next(&mut self.results)
            .await
            .with_context(|| format!("transformers, {command}"))
    }
}

async fn next<T: DeserializeOwned>(results: &mut Lines<BufReader<ChildStdout>>) -> Result<T> {
    let line = results.next_line().await?.context("it has ended")?;
    serde_json::from_str(&line).with_context(|| format!("it said {line}"))
}

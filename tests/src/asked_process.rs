//! A program that is asked in lines and answers in lines of JSON: both sides of
//! a benchmark, measured in turns.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A process, killed when it is dropped.
#[derive(Debug)]
pub struct AskedProcess {
    _process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl AskedProcess {
    /// Starts it and waits for its first line; its stderr goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started or ends without a line, with the log.
    pub async fn start<T: DeserializeOwned>(
        command: &mut Command,
        log: &Path,
    ) -> Result<(AskedProcess, T)> {
        let program = command.as_std().get_program().to_owned();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let commands = process.stdin.take().context("it has no stdin")?;
        let stdout = process.stdout.take().context("it has no stdout")?;
        let mut asked = AskedProcess {
            _process: process,
            commands,
            answers: BufReader::new(stdout).lines(),
        };
        match asked.next().await {
            Ok(description) => Ok((asked, description)),
            Err(error) => {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                bail!("{} does not start: {error:#}\n{log}", program.display());
            }
        }
    }

    /// Has it carry out a command.
    ///
    /// # Errors
    /// When it has ended or answers otherwise.
    pub async fn ask<T: DeserializeOwned>(&mut self, command: &str) -> Result<T> {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await?;
        self.next().await.with_context(|| command.to_owned())
    }

    async fn next<T: DeserializeOwned>(&mut self) -> Result<T> {
        let line = self.answers.next_line().await?.context("it has ended")?;
        serde_json::from_str(&line).with_context(|| format!("it said {line}"))
    }
}

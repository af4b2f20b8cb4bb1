//! A model server alone.

use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::process::Process;

/// How long it may take until the server listens; the model is loaded after.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(120);

/// A running model server on a port of its own. It is killed when dropped.
#[derive(Debug)]
pub struct ModelServer {
    process: Process,
    url: String,
}

#[derive(Deserialize)]
struct Ready {
    http: String,
}

impl ModelServer {
    /// Starts `program` with a checkpoint, waits until it listens and leaves
    /// its log and its ready file in `folder`. `arguments` are added to those
    /// of `serve`.
    ///
    /// # Errors
    /// When it does not come up, with the end of its output.
    pub async fn start(
        program: &Path,
        model_dir: &Path,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self> {
        let ready_file = folder.join("model-server.json");
        let mut command = Command::new(program);
        command
            .args(["serve", "--host", "127.0.0.1", "--port", "0", "--model-dir"])
            .arg(model_dir)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(arguments);
        let log = folder.join("model-server.log");
        let mut process = Process::start("the model server", &mut command, &log)?;
        let ready: Ready = process.ready(&ready_file, LISTEN_TIMEOUT).await?;
        Ok(Self {
            process,
            url: ready.http,
        })
    }

    /// Whether `program serve` knows a flag, by its own help.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub async fn has_flag(program: &Path, flag: &str) -> Result<bool> {
        help_has(program, &["serve", "--help"], flag).await
    }

    /// Whether the program has a command beside `serve`, by its own help.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub async fn has_command(program: &Path, command: &str) -> Result<bool> {
        help_has(program, &["--help"], command).await
    }

    /// Waits until the model can answer.
    ///
    /// # Errors
    /// When the server ends before, or takes longer than `timeout`, with the
    /// end of its output.
    pub async fn until_ready(&mut self, timeout: Duration) -> Result<()> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let start = Instant::now();
        loop {
            let ping = client.get(format!("{}/ping", self.url)).send().await;
            if ping.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            self.process.check()?;
            if start.elapsed() > timeout {
                bail!(
                    "the model server is not ready after {} s:\n{}",
                    timeout.as_secs(),
                    self.process.last_lines()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where it listens: `http://127.0.0.1:…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its process, to look whether it has ended.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    pub(crate) fn into_process(self) -> Process {
        self.process
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(self) -> Result<ExitStatus> {
        self.process.stop().await
    }
}

/// Whether a line of the help begins with a word, after a short form of it.
async fn help_has(program: &Path, arguments: &[&str], word: &str) -> Result<bool> {
    let help = Command::new(program).args(arguments).output().await;
    let help = help.with_context(|| format!("cannot run {}", program.display()))?;
    let help = String::from_utf8_lossy(&help.stdout);
    Ok(help.lines().any(|line| {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| word.ends_with(','));
        words.next() == Some(word)
    }))
}

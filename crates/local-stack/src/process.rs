//! One program of the stack: started, waited for, stopped.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};

use crate::cpu_time;
use crate::memory::{self, Memory};

const POLL: Duration = Duration::from_millis(20);

/// How long a program may take to end after it was told to.
const STOP_TIMEOUT: Duration = Duration::from_secs(35);

/// A running program whose output goes to a file. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; stdout and stderr go to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = std::fs::File::create(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name,
            child,
            log: log.to_owned(),
        })
    }

    /// Waits until the program has written its ready file, and reads it.
    ///
    /// # Errors
    /// When it ends before, or takes longer than `timeout`; with the end of
    /// its output.
    pub async fn ready<T: DeserializeOwned>(
        &mut self,
        file: &Path,
        timeout: Duration,
    ) -> Result<T> {
        let text = self
            .wait_until(timeout, || std::fs::read(file).ok())
            .await?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", file.display()))
    }

    /// Waits until `probe` gives something.
    ///
    /// # Errors
    /// When the program ends before, or it takes longer than `timeout`.
    pub async fn wait_until<T>(
        &mut self,
        timeout: Duration,
        mut probe: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = probe() {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.name, self.last_lines());
            }
            if start.elapsed() > timeout {
                let seconds = timeout.as_secs();
                bail!(
                    "{} was not ready after {seconds} s:\n{}",
                    self.name,
                    self.last_lines()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether the program has ended, and how.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Looks whether the program still runs.
    ///
    /// # Errors
    /// When it has ended, with the end of its output.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.last_lines()),
        }
    }

    /// The end of what the program wrote, for error messages.
    pub fn last_lines(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// All that the program wrote.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How much memory the program has, where it runs and the system tells.
    pub fn memory(&self) -> Option<Memory> {
        Memory::of(self.child.id()?)
    }

    /// The most memory that the program had at once, in bytes, where the
    /// system tells.
    pub fn peak_memory(&self) -> Option<u64> {
        Some(self.memory()?.peak)
    }

    /// How much processor time the program has had, to the hundredth of a second, where
    /// it runs and the system tells.
    pub fn cpu_time(&self) -> Option<Duration> {
        cpu_time::of(self.child.id()?)
    }

    /// Lets the peak of its memory begin anew.
    ///
    /// # Errors
    /// When the program has ended or the system does not allow it.
    pub fn forget_peak_memory(&self) -> Result<()> {
        let id = self.child.id().context("the program has ended")?;
        memory::forget_peak(id).context("the peak of its memory cannot be forgotten")
    }

    /// Sends SIGTERM and waits for the end; after some time, kills.
    ///
    /// # Errors
    /// When the program had to be killed.
    pub async fn stop(self) -> Result<ExitStatus> {
        self.end_by(Signal::SIGTERM).await
    }

    /// Sends SIGINT, as a terminal does at Ctrl-C, and waits for the end; after some
    /// time, kills.
    ///
    /// # Errors
    /// When the program had to be killed.
    pub async fn interrupt(self) -> Result<ExitStatus> {
        self.end_by(Signal::SIGINT).await
    }

    async fn end_by(mut self, signal: Signal) -> Result<ExitStatus> {
        self.send(signal)?;
        match tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => {
                self.child.kill().await?;
                bail!("{} did not end after {signal} and was killed", self.name)
            }
        }
    }

    /// Kills the program as it is, and waits for its end.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub async fn kill(mut self) -> Result<()> {
        // No id: it has ended and was waited for.
        if self.child.id().is_some() {
            self.child.kill().await.context("cannot kill")?;
        }
        Ok(())
    }

    /// Sends SIGTERM without waiting.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn terminate(&self) -> Result<()> {
        self.send(Signal::SIGTERM)
    }

    fn send(&self, signal: Signal) -> Result<()> {
        // No id: it has ended and was waited for.
        let Some(id) = self.child.id() else {
            return Ok(());
        };
        let id = i32::try_from(id).context("the process has an odd id")?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("cannot send {signal}"))
    }
}

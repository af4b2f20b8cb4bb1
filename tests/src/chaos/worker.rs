//! One of the function's execution environments: a process at a time, which is
//! invoked, killed and started again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use local_stack::{Process, Programs, ServiceUrls, function_command};
use serde_json::Value;

use super::kills::{Kill, Occupation};
use crate::runtime_api::RuntimeApi;

/// How often it is looked whether a process has ended by itself.
const LOOK: Duration = Duration::from_millis(20);

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With an answer.
    Answered(Value),
    /// With an error that the function gave.
    Failed(Value),
    /// The process was killed, as was planned.
    Killed,
    /// It lasted too long, and the process was killed as Lambda does.
    TimedOut,
    /// The process ended by itself; the end of what it said.
    Died(String),
}

/// What all workers share.
#[derive(Debug)]
pub struct Workshop {
    /// The programs.
    pub programs: Programs,
    /// How long an invocation may last.
    pub timeout: Duration,
    /// Settings of the function.
    pub settings: Vec<(String, String)>,
    /// Where logs go.
    pub folder: PathBuf,
}

/// A worker.
#[derive(Debug)]
pub struct Worker {
    workshop: Arc<Workshop>,
    number: usize,
    /// Where its proxy listens.
    proxy: SocketAddr,
    occupation: Arc<Occupation>,
    processes: usize,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    process: Process,
    api: RuntimeApi,
}

impl Worker {
    /// A worker without a process.
    pub fn new(
        workshop: Arc<Workshop>,
        number: usize,
        proxy: SocketAddr,
        occupation: Arc<Occupation>,
    ) -> Worker {
        Worker {
            workshop,
            number,
            proxy,
            occupation,
            processes: 0,
            running: None,
        }
    }

    /// Makes an invocation to its end, in a process that there is or in a new one.
    ///
    /// # Errors
    /// When no process can be started or killed.
    pub async fn invoke(
        &mut self,
        invocation: usize,
        event: &Value,
        kill: Option<Kill>,
    ) -> Result<Outcome> {
        if self.running.is_none() {
            self.running = Some(self.start().await?);
        }
        let strike = self.occupation.begin(invocation, kill);
        let timeout = self.workshop.timeout;
        let running = self.running.as_mut().context("there is no process")?;
        let id = format!("{invocation:08x}-0000-4000-8000-000000000000");
        let answer = running.api.invoke_as(id, event.to_string().into(), timeout);
        let after = async {
            match kill {
                Some(Kill::After(time)) => tokio::time::sleep(time).await,
                Some(Kill::At(_)) | None => strike.notified().await,
            }
        };
        let outcome = tokio::select! {
            answer = answer => match answer {
                Ok(answer) if answer.failed => return Ok(Outcome::Failed(answer.json())),
                Ok(answer) => return Ok(Outcome::Answered(answer.json())),
                Err(error) => Outcome::Died(format!("{error:#}")),
            },
            () = after => Outcome::Killed,
            () = tokio::time::sleep(timeout) => Outcome::TimedOut,
            status = end_of(&mut running.process) => {
                let reason = running.api.initialization_error().unwrap_or_default();
                let said = running.process.last_lines();
                Outcome::Died(format!("{} {reason}\n{said}", status?))
            }
        };
        if let Some(running) = self.running.take() {
            running.process.kill().await?;
        }
        Ok(outcome)
    }

    async fn start(&mut self) -> Result<Running> {
        let api = RuntimeApi::start().await?;
        self.processes += 1;
        self.occupation.new_process();
        let workshop = &self.workshop;
        let name = format!("function-{}-{}", self.number, self.processes);
        let proxy = format!("http://{}", self.proxy);
        let services = ServiceUrls {
            s3: &proxy,
            bedrock: &proxy,
            endpoint: &proxy,
        };
        let settings = &workshop.settings;
        let address = api.address().to_string();
        let mut command = function_command(&workshop.programs, &address, services, settings);
        let log = workshop.folder.join(format!("{name}.log"));
        let process = Process::start("the function", &mut command, &log)?;
        Ok(Running { process, api })
    }
}

/// The end of a process that ends by itself.
async fn end_of(process: &mut Process) -> Result<ExitStatus> {
    loop {
        if let Some(status) = process.ended()? {
            return Ok(status);
        }
        tokio::time::sleep(LOOK).await;
    }
}

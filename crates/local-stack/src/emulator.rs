//! cargo-lambda's emulator of the Lambda Runtime API.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::process::Command;

use crate::FUNCTION;
use crate::process::Process;
use crate::programs::Programs;

/// How long an invocation may wait for its answer: a function's longest life.
const INVOKE_TIMEOUT_S: u32 = 900;

/// The running emulator.
#[derive(Debug)]
pub struct Emulator {
    pub(crate) process: Process,
    address: SocketAddr,
}

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Whether the function failed, rather than answered.
    pub failed: bool,
    /// The answer, or the error's `errorType` and `errorMessage`.
    pub payload: Value,
}

impl Emulator {
    /// Starts the emulator without a function in it.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(programs: &Programs, logs: &Path) -> Result<Self> {
        // It cannot be told to let the system choose and to say which it was.
        // Between the look and its start somebody else may take the port.
        let mut last = None;
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match Self::start_on(programs, logs, port).await {
                Ok(emulator) => return Ok(emulator),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no port was tried")?)
    }

    async fn start_on(programs: &Programs, logs: &Path, port: u16) -> Result<Self> {
        let mut command = Command::new(&programs.cargo_lambda);
        command
            .args([
                "lambda",
                "watch",
                "--only-lambda-apis",
                "--invoke-address",
                "127.0.0.1",
            ])
            .args(["--invoke-port", &port.to_string()])
            .args(["--timeout", &INVOKE_TIMEOUT_S.to_string()])
            .arg("--manifest-path")
            .arg(programs.repository.join("lambda/Cargo.toml"));
        let log = logs.join("emulator.log");
        let mut process = Process::start("the Lambda emulator", &mut command, &log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        process
            .wait_until(Duration::from_secs(60), || TcpStream::connect(address).ok())
            .await?;
        Ok(Self { process, address })
    }

    /// Where the function finds its Runtime API: the value of
    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn runtime_api(&self) -> String {
        format!("http://{}/.rt/{FUNCTION}", self.address)
    }

    /// Where the function is invoked.
    pub fn invoke_url(&self) -> String {
        format!(
            "http://{}/2015-03-31/functions/{FUNCTION}/invocations",
            self.address
        )
    }

    /// Where the function answers HTTP calls, as behind a function URL.
    pub fn http_url(&self) -> String {
        format!("http://{}/lambda-url/{FUNCTION}", self.address)
    }

    /// Its port, for `cargo lambda invoke`.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Invokes the function with an event and waits for its answer.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn invoke(&self, event: &Value) -> Result<Invocation> {
        let response = reqwest::Client::new()
            .post(self.invoke_url())
            .json(event)
            .send()
            .await
            .context("the Lambda emulator does not answer")?;
        let failed = !response.status().is_success();
        let payload = response
            .json()
            .await
            .context("the function's answer is no JSON")?;
        Ok(Invocation { failed, payload })
    }
}

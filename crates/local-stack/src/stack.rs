//! The whole of Lookbook on one machine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::catalogue_bucket::CatalogueBucket;
use crate::emulator::{Emulator, Invocation};
use crate::function::function_command;
use crate::lambda_environment::ServiceUrls;
use crate::local_cloud::{LocalCloud, LocalCloudOptions, Writer};
use crate::model_server::ModelServer;
use crate::process::Process;
use crate::programs::Programs;

const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// What a stack is made of.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Who answers the questions.
    pub endpoint: Endpoint,
    /// Who writes the descriptions.
    pub writer: Writer,
    /// `ID=BEHAVIOUR` of the local Bedrock's models, as `local-cloud` takes them.
    pub model_behaviours: Vec<String>,
    /// Settings of the function beside those that connect it.
    pub function_env: Vec<(String, String)>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::ModelServer { model_dir: None },
            writer: Writer::Template,
            model_behaviours: Vec::new(),
            function_env: Vec::new(),
        }
    }
}

/// Who answers the questions about photographs.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// A model server of this stack, with the shipped checkpoint or another.
    ModelServer {
        /// The checkpoint's folder; the shipped one where there is none.
        model_dir: Option<PathBuf>,
    },
    /// Whatever listens there.
    At(String),
}

/// A running stack. Dropping it kills its processes; [`Stack::stop`] ends
/// them in order.
#[derive(Debug)]
pub struct Stack {
    model_server: Option<ModelServer>,
    local_cloud: LocalCloud,
    function: Process,
    emulator: Emulator,
    bucket: CatalogueBucket,
    endpoint_url: String,
    // Last: the folder goes when nobody writes into it any more.
    _folder: TempDir,
}

impl Stack {
    /// Starts everything and waits until it answers; `progress` is told what
    /// is being started.
    ///
    /// # Errors
    /// When a program is missing or does not come up, with the end of its
    /// output.
    pub async fn start(options: StackOptions, mut progress: impl FnMut(&str)) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let path = folder.path().to_owned();

        let (mut model_server, endpoint_url) = match &options.endpoint {
            Endpoint::At(url) => (None, url.clone()),
            Endpoint::ModelServer { model_dir } => {
                progress("the model server");
                let shipped = programs.shipped_model();
                let model_dir = model_dir.as_ref().unwrap_or(&shipped);
                let server =
                    ModelServer::start(&programs.model_server, model_dir, &[], &path).await?;
                let url = server.url().to_owned();
                (Some(server), url)
            }
        };

        progress("the Lambda emulator");
        let emulator = Emulator::start(&programs, &path).await?;

        progress("the local cloud");
        let cloud_options = LocalCloudOptions {
            writer: options.writer,
            model_behaviours: options.model_behaviours,
            function_url: Some(emulator.invoke_url()),
        };
        let local_cloud = LocalCloud::start(&programs, &cloud_options, &path).await?;

        progress("the function");
        let runtime_api = emulator.runtime_api();
        let services = ServiceUrls {
            s3: local_cloud.s3_url(),
            bedrock: local_cloud.bedrock_url(),
            endpoint: &endpoint_url,
        };
        let mut command =
            function_command(&programs, &runtime_api, services, &options.function_env);
        let log = path.join("function.log");
        let function = Process::start("the function", &mut command, &log)?;

        if let Some(model_server) = &mut model_server {
            model_server.until_ready(READY_TIMEOUT).await?;
        }
        let bucket = CatalogueBucket::at(local_cloud.s3_url());
        Ok(Self {
            model_server,
            local_cloud,
            function,
            emulator,
            bucket,
            endpoint_url,
            _folder: folder,
        })
    }

    /// Invokes the function with an event.
    ///
    /// # Errors
    /// When the function's process ends instead of answering, with the end of
    /// its output, or the emulator fails.
    pub async fn invoke(&mut self, event: &Value) -> Result<Invocation> {
        tokio::select! {
            answer = self.emulator.invoke(event) => answer,
            ended = wait_for_end(&mut self.function) => ended,
        }
    }

    /// The emulator, for HTTP calls and `cargo lambda invoke`.
    pub fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// The catalogue bucket.
    pub fn bucket(&self) -> &CatalogueBucket {
        &self.bucket
    }

    /// The endpoint's address.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The function's process.
    pub fn function(&mut self) -> &mut Process {
        &mut self.function
    }

    /// The local cloud's process.
    pub fn local_cloud(&self) -> &Process {
        &self.local_cloud.process
    }

    /// The model server's process, where it is one of this stack's.
    pub fn model_server(&self) -> Option<&Process> {
        self.model_server.as_ref().map(ModelServer::process)
    }

    /// Waits for an object to appear.
    ///
    /// # Errors
    /// When it does not within `timeout`, with the end of the function's
    /// output.
    pub async fn wait_for_object(&mut self, key: &str, timeout: Duration) -> Result<Vec<u8>> {
        let start = std::time::Instant::now();
        loop {
            if let Some(bytes) = self.bucket.get(key).await? {
                return Ok(bytes);
            }
            let status = self.function.ended()?;
            if status.is_some() || start.elapsed() > timeout {
                bail!(
                    "{key} did not appear within {} s; the function said:\n{}",
                    timeout.as_secs(),
                    self.function.last_lines()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Looks whether every program still runs.
    ///
    /// # Errors
    /// When one has ended, with the end of its output.
    pub fn check(&mut self) -> Result<()> {
        let processes = [
            &mut self.function,
            &mut self.local_cloud.process,
            &mut self.emulator.process,
        ];
        let model_server = self.model_server.as_mut().map(ModelServer::process_mut);
        for process in processes.into_iter().chain(model_server) {
            process.check()?;
        }
        Ok(())
    }

    /// Ends every process in order and waits for it.
    ///
    /// # Errors
    /// When one had to be killed; the others are stopped all the same.
    pub async fn stop(self) -> Result<()> {
        let mut processes = vec![
            self.function,
            self.local_cloud.process,
            self.emulator.process,
        ];
        processes.extend(self.model_server.map(ModelServer::into_process));
        for process in &processes {
            process.terminate()?;
        }
        let mut result = Ok(());
        for process in processes {
            if let Err(error) = process.stop().await {
                result = Err(error);
            }
        }
        result
    }
}

async fn wait_for_end(process: &mut Process) -> Result<Invocation> {
    loop {
        if let Some(status) = process.ended()? {
            bail!(
                "the function ended with {status}:\n{}",
                process.last_lines()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

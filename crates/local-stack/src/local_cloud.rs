//! The local cloud alone: S3 with the catalogue bucket, and a Bedrock runtime.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::BUCKET;
use crate::process::Process;
use crate::programs::Programs;

/// How long it may take to come up, which with a language model takes longest.
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// Who writes the descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The small language model.
    LanguageModel,
    /// A composer without a model, for tests that are not about the text.
    Template,
}

/// How a local cloud is started.
#[derive(Debug, Clone)]
pub struct LocalCloudOptions {
    /// Who writes the descriptions.
    pub writer: Writer,
    /// `ID=BEHAVIOUR` of models, as `local-cloud` takes them.
    pub model_behaviours: Vec<String>,
    /// Where the function is invoked that is told of arriving photos; without it
    /// nobody is told.
    pub function_url: Option<String>,
}

/// A running local cloud. It is killed when dropped.
#[derive(Debug)]
pub struct LocalCloud {
    pub(crate) process: Process,
    addresses: Addresses,
}

/// What its ready file says.
#[derive(Debug, Deserialize)]
struct Addresses {
    s3: String,
    bedrock: String,
}

impl LocalCloud {
    /// Starts it with an empty catalogue bucket and waits until it answers. Its
    /// objects, its log and its ready file are in `folder`.
    ///
    /// # Errors
    /// When it does not come up, with the end of its output.
    pub async fn start(
        programs: &Programs,
        options: &LocalCloudOptions,
        folder: &Path,
    ) -> Result<Self> {
        let ready = folder.join("local-cloud.json");
        let buckets = folder.join("s3");
        std::fs::create_dir(&buckets)?;
        let mut command = Command::new(&programs.local_cloud);
        command
            .arg("--root")
            .arg(&buckets)
            .arg("--ready-file")
            .arg(&ready)
            .args(["--bucket", BUCKET]);
        if let Some(url) = &options.function_url {
            command.args(["--function-url", url]);
        }
        match options.writer {
            Writer::Template => command.args(["--writer", "template"]),
            Writer::LanguageModel => {
                let Some(model) = &programs.writer_model else {
                    bail!("the small language model is not there: run `make tools`");
                };
                command
                    .args(["--writer", "smollm", "--writer-model"])
                    .arg(model)
            }
        };
        for behaviour in &options.model_behaviours {
            command.args(["--model-behaviour", behaviour]);
        }
        let log = folder.join("local-cloud.log");
        let mut process = Process::start("the local cloud", &mut command, &log)?;
        let addresses = process.ready(&ready, READY_TIMEOUT).await?;
        Ok(Self { process, addresses })
    }

    /// Where S3 listens: `http://127.0.0.1:…`.
    pub fn s3_url(&self) -> &str {
        &self.addresses.s3
    }

    /// Where the Bedrock runtime listens.
    pub fn bedrock_url(&self) -> &str {
        &self.addresses.bedrock
    }

    /// Its process, to look whether it has ended.
    pub fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

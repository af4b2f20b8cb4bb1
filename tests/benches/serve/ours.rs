//! Our side: a model server that is asked over HTTP.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::{Memory, ModelServer};
use reqwest::Client;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tests::checkpoint::Checkpoint;
use tests::stages::{self, Stages};
use tokio::process::Command;

use crate::Setting;
use crate::prompts::ANSWER_TOKENS;
use crate::shape::Configuration;

/// Loading xl and quantising it takes minutes.
const READY_TIMEOUT: Duration = Duration::from_secs(1_800);

/// A running server, loaded and ready.
pub struct Ours {
    server: ModelServer,
    client: Client,
    /// From the start of the process until it is ready.
    pub ready_after: Duration,
    /// When it was ready; its peak is that of loading.
    pub loaded: Memory,
    _folder: TempDir,
}

/// One measurement.
pub struct Timed {
    pub seconds: f64,
    pub answers: Vec<String>,
    /// What the server says of its image cache, where it says it.
    pub image_cache: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    generated_text: String,
    generated_tokens: usize,
}

impl Ours {
    pub async fn start(
        setting: &Setting,
        checkpoint: &Checkpoint,
        configuration: &Configuration,
    ) -> Result<Ours> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let model_dir = match configuration.prepare {
            Some(command) => prepare(setting, checkpoint, configuration, command).await?,
            None => checkpoint.folder.clone(),
        };
        let flags: Vec<String> = configuration
            .flags
            .iter()
            .map(|&flag| flag.into())
            .collect();
        let began = Instant::now();
        let mut server =
            ModelServer::start(&setting.program, &model_dir, &flags, folder.path()).await?;
        server.until_ready(READY_TIMEOUT).await?;
        let ready_after = began.elapsed();
        let memory = server.process().memory();
        let loaded = memory.context("the system does not tell the memory of a process")?;
        // What follows is the peak of serving, not of loading.
        server.process().forget_peak_memory()?;
        Ok(Ours {
            client: Client::builder().no_proxy().build()?,
            server,
            ready_after,
            loaded,
            _folder: folder,
        })
    }

    /// The first flag or command of the configuration that the server does not
    /// know.
    pub async fn unknown_to(
        program: &Path,
        configuration: &Configuration,
    ) -> Result<Option<&'static str>> {
        if let Some(&[command, ..]) = configuration.prepare
            && !ModelServer::has_command(program, command).await?
        {
            return Ok(Some(command));
        }
        for flag in configuration.flags {
            if flag.starts_with("--") && !ModelServer::has_flag(program, flag).await? {
                return Ok(Some(flag));
            }
        }
        Ok(None)
    }

    /// Asks all prompts about a photo in one request. The time is that from
    /// sending the request to having its answers.
    pub async fn ask(&self, photo: &[u8], prompts: &[String]) -> Result<Timed> {
        let body = request_body(photo, prompts);
        let request = self
            .client
            .post(format!("{}/invocations", self.server.url()))
            .header("content-type", "application/json")
            .body(body);
        let began = Instant::now();
        let response = request.send().await?;
        let status = response.status();
        let image_cache = response.headers().iter().find_map(|(name, value)| {
            let is_it = name.as_str().contains("image-cache");
            is_it.then(|| String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let text = response.text().await?;
        let seconds = began.elapsed().as_secs_f64();
        ensure!(status == 200, "the server answered {status}: {text}");
        let answers: Vec<Answer> = serde_json::from_str(&text).context("no such answers")?;
        ensure!(answers.len() == prompts.len(), "{} answers", answers.len());
        ensure!(
            answers
                .iter()
                .all(|answer| answer.generated_tokens == ANSWER_TOKENS),
            "an answer has another number of tokens: {text}"
        );
        let answers = answers.into_iter().map(|answer| answer.generated_text);
        Ok(Timed {
            seconds,
            answers: answers.collect(),
            image_cache,
        })
    }

    /// What its metrics say of its stages; empty where it has none.
    pub async fn stages(&self) -> Result<Stages> {
        let url = format!("{}/metrics", self.server.url());
        let response = self.client.get(url).send().await?;
        if !response.status().is_success() {
            return Ok(Stages::new());
        }
        Ok(stages::parse(&response.text().await?))
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    pub fn memory(&self) -> Result<Memory> {
        let memory = self.server.process().memory();
        memory.context("the model server has ended")
    }

    /// What its log says of the way in which it computes: what `model loaded`
    /// has from `computation` on; empty where it says nothing.
    pub fn computation(&self) -> String {
        let log = self.server.process().output();
        let line = log.lines().find(|line| line.contains("model loaded"));
        let at = line.and_then(|line| Some(&line[line.find("computation=")?..]));
        at.unwrap_or_default().to_owned()
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        Ok(())
    }
}

/// Writes what the configuration serves, unless an earlier run did.
async fn prepare(
    setting: &Setting,
    checkpoint: &Checkpoint,
    configuration: &Configuration,
    command: &[&str],
) -> Result<PathBuf> {
    let shape = checkpoint.folder.file_name().unwrap_or_default();
    let name = format!("{}-{}", shape.to_string_lossy(), configuration.name);
    let to = setting.folder.join(name);
    if to.exists() {
        return Ok(to);
    }
    println!("writing {}", to.display());
    let arguments = command.iter().map(|&argument| match argument {
        "{from}" => checkpoint.folder.as_os_str(),
        "{to}" => to.as_os_str(),
        other => OsStr::new(other),
    });
    let mut program = Command::new(&setting.program);
    let status = program.args(arguments).status().await;
    let status = status.context("cannot run the model server")?;
    ensure!(status.success(), "writing {} failed", to.display());
    Ok(to)
}

/// All prompts about one photo, each answered by [`ANSWER_TOKENS`] tokens.
pub fn request_body(photo: &[u8], prompts: &[String]) -> String {
    json!({
        "image": STANDARD.encode(photo),
        "prompts": prompts,
        "parameters": {
            "max_new_tokens": ANSWER_TOKENS,
            "min_new_tokens": ANSWER_TOKENS,
            "details": true,
        },
    })
    .to_string()
}

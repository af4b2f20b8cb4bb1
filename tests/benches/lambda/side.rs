//! One side of the comparison: a function's process under a Runtime API of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::body::Bytes;
use local_stack::{Process, lambda_environment};
use serde_json::Value;
use tests::runtime_api::{Answer, RuntimeApi};
use tokio::process::Command;

use crate::Setting;
use crate::services::{Asked, QUESTIONS, Services, TEXT, attributes};

/// Where the other side's module lies, and its entry point.
const PYTHON_FOLDER: &str = "tools/bench";
const PYTHON_HANDLER: &str = "lambda_handler.main";

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// With boto3, under awslambdaric.
    Python,
    /// As it is by default: all questions in one call.
    Ours,
    /// With `ATTRIBUTE_REQUESTS=per-question`: the calls of the other side, at a time.
    OursByQuestion,
}

impl Who {
    /// In the order of their turns.
    pub const ALL: [Who; 3] = [Who::Python, Who::Ours, Who::OursByQuestion];

    pub fn name(self) -> &'static str {
        match self {
            Who::Python => "Python",
            Who::Ours => "ours",
            Who::OursByQuestion => "ours, a call a question",
        }
    }

    /// How many products are described between two readings of the processor time, which
    /// is counted in hundredths of a second.
    pub fn products_a_reading(self) -> u64 {
        match self {
            Who::Python => 40,
            Who::Ours => 400,
            Who::OursByQuestion => 200,
        }
    }

    fn calls_a_product(self) -> u64 {
        match self {
            Who::Python | Who::OursByQuestion => QUESTIONS,
            Who::Ours => 1,
        }
    }

    fn command(self, setting: &Setting) -> Command {
        if self != Who::Python {
            return Command::new(&setting.function);
        }
        let mut command = Command::new(&setting.python);
        command
            .args(["-m", "awslambdaric", PYTHON_HANDLER])
            .current_dir(setting.repository.join(PYTHON_FOLDER));
        command
    }
}

/// The ways in which a product comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The photo in the body of a call, the description in its answer.
    Http,
    /// The photo is in S3, and so is the description then.
    S3,
}

impl Trigger {
    pub const ALL: [Trigger; 2] = [Trigger::Http, Trigger::S3];
}

/// A process that was started.
pub struct Side {
    who: Who,
    process: Process,
    api: RuntimeApi,
    started: Instant,
}

impl Side {
    /// Starts a process; its log goes into `folder`.
    pub async fn start(
        who: Who,
        setting: &Setting,
        services: &Services,
        folder: &Path,
    ) -> Result<Side> {
        let api = RuntimeApi::start().await?;
        let mut command = who.command(setting);
        command
            // The settings of whoever runs this are not the function's.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(lambda_environment(
                &api.address().to_string(),
                services.urls(),
            ));
        if who == Who::OursByQuestion {
            command.env("ATTRIBUTE_REQUESTS", "per-question");
        }
        let log = folder.join("function.log");
        let started = Instant::now();
        let process = Process::start(who.name(), &mut command, &log)?;
        Ok(Side {
            who,
            process,
            api,
            started,
        })
    }

    /// Has a product described and checks that it is: how long it took from the moment at
    /// which the process got the event.
    pub async fn describe(&mut self, trigger: Trigger, event: &Bytes) -> Result<Duration> {
        let answer = self.answer(trigger, event).await?;
        Ok(answer.answered.duration_since(answer.handed))
    }

    /// The same for the first product: from the start of the process.
    pub async fn first(&mut self, trigger: Trigger, event: &Bytes) -> Result<Duration> {
        let answer = self.answer(trigger, event).await?;
        Ok(answer.answered.duration_since(self.started))
    }

    async fn answer(&mut self, trigger: Trigger, event: &Bytes) -> Result<Answer> {
        let answer = tokio::select! {
            answer = self.api.invoke(event.clone()) => answer?,
            ended = until_ended(&mut self.process) => {
                let reason = self.api.initialization_error().unwrap_or_default();
                return Err(ended.context(format!("{} ends: {reason}", self.who.name())));
            }
            () = tokio::time::sleep(PATIENCE) => bail!(
                "{} does not answer:\n{}",
                self.who.name(),
                self.process.last_lines()
            ),
        };
        check(trigger, &answer).with_context(|| {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let log = self.process.last_lines();
            format!("{} answered {body}\n{log}", self.who.name())
        })?;
        Ok(answer)
    }

    /// Whether the services were asked what so many products take: what is compared is the
    /// same work, with as many calls of the endpoint as this side makes.
    pub fn check_work(&self, trigger: Trigger, products: u64, asked: Asked) -> Result<()> {
        let stored = match trigger {
            Trigger::Http => 0,
            Trigger::S3 => products,
        };
        let expected = Asked {
            calls: self.who.calls_a_product() * products,
            questions: QUESTIONS * products,
            texts: products,
            photos: stored,
            results: stored,
        };
        ensure!(
            asked == expected,
            "{}: {products} products were to take {expected:?} and took {asked:?}. More texts \
             than products mean that the stand-in's text fails the function's check",
            self.who.name()
        );
        Ok(())
    }

    /// Seconds of processor time since its start.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let time = self.process.cpu_time();
        let time = time.context("the system does not tell the processor time")?;
        Ok(time.as_secs_f64())
    }

    /// The most memory that it had at once, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let peak = self.process.peak_memory();
        peak.context("the system does not tell the memory")
    }

    pub async fn stop(self) -> Result<()> {
        self.process.stop().await?;
        Ok(())
    }
}

/// The error of a process that ends.
async fn until_ended(process: &mut Process) -> anyhow::Error {
    loop {
        if let Err(error) = process.check() {
            return error;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether it is the description, as far as the answer has it.
fn check(trigger: Trigger, answer: &Answer) -> Result<()> {
    ensure!(!answer.failed, "it failed");
    let body: Value = serde_json::from_slice(&answer.body)?;
    if trigger == Trigger::S3 {
        let written = body["written"].as_array().map_or(0, Vec::len);
        ensure!(written == 1, "{written} results were written");
        return Ok(());
    }
    ensure!(body["statusCode"] == 200, "it is no success");
    let text = body["body"].as_str().context("it has no body")?;
    let description: Value = serde_json::from_str(text)?;
    ensure!(
        description["attributes"] == attributes(),
        "the attributes are others"
    );
    ensure!(description["description"] == TEXT, "the text is another");
    Ok(())
}

//! The command line: raw arguments, and the settings they stand for.

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use blip2::unique_json::{self, JsonError};
use blip2::{DeviceKind, Engine, GenerationParameters, LoadOptions, NumberType, Quantization};
use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::backend;
use crate::core::{AdapterOptions, Limits, Scheduling};
use crate::logging::{self, LogFormat};
use crate::ping::ping;
use crate::quantize::quantize;
use crate::router::{HttpLimits, parse_parameters};
use crate::serve::{ServeOptions, serve, stop_signal, write_ready_file};

/// Answers questions about photographs of garments with a BLIP-2 checkpoint.
#[derive(Debug, Parser)]
#[command(name = "model-server", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the SageMaker container contract over HTTP.
    Serve(ServeArguments),
    /// Say by the exit code whether the server on this machine is ready, for the
    /// health checks of containers.
    Ping(PingArguments),
    /// Answer questions about one photograph and exit.
    Ask(AskArguments),
    /// Write the checkpoint anew with its linear layers in blocks of few bits.
    Quantize(QuantizeArguments),
}

#[derive(Debug, Args)]
struct ModelArguments {
    /// Folder of the checkpoint, in the Hugging Face layout.
    #[arg(long, env = "MODEL_DIR", default_value = "/opt/ml/model")]
    model_dir: PathBuf,
    /// Where to compute: cpu, cuda or cuda:N.
    #[arg(long, env = "MODEL_DEVICE", default_value_t)]
    device: DeviceKind,
    /// The number type to compute in: f32, f16 or bf16 [default: f32 on a CPU,
    /// bf16 on CUDA].
    #[arg(long, env = "MODEL_DTYPE")]
    dtype: Option<NumberType>,
    /// Hold the linear layers in blocks of few bits: q8_0 or q4k; on a CPU only
    /// [default: as the checkpoint is stored].
    #[arg(long, env = "MODEL_QUANTIZE")]
    quantize: Option<Quantization>,
    /// By which kernels a CPU multiplies: candle, packed or onednn [default:
    /// measured at start].
    #[arg(long, env = "MODEL_ENGINE")]
    engine: Option<Engine>,
    /// On how many threads a CPU computes [default: measured at start].
    #[arg(long, env = "MODEL_THREADS", value_parser = parse_threads)]
    threads: Option<usize>,
}

#[derive(Debug, Args)]
struct ServeArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Address to listen on.
    #[arg(long, default_value = "0.0.0.0")]
    host: String,
    /// Port to listen on; 0 lets the system choose.
    #[arg(long, env = "SAGEMAKER_BIND_TO_PORT", default_value_t = 8080)]
    port: u16,
    /// File to write once the server listens: {"http": "http://…"}.
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Form of the log lines on stderr.
    #[arg(long, env = "MODEL_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Longest body of a request, in MiB.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    max_body_mib: u64,
    /// What requests that are being read and answered may hold together, in MiB;
    /// more are answered with 429.
    #[arg(long, env = "MODEL_MAX_HELD_MIB", default_value_t = 512,
        value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    max_held_mib: u64,
    /// Largest photograph, in millions of pixels.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=4000))]
    max_megapixels: u64,
    /// Questions that may wait at one time; more are answered with 429.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    max_waiting_questions: u32,
    /// Image features that are kept, in MiB; 0 keeps none, and then every request
    /// encodes its photograph anew, also those that ask about one at the same time.
    #[arg(long, env = "MODEL_IMAGE_CACHE_MIB", default_value_t = 256,
        value_parser = clap::value_parser!(u64).range(0..=1 << 20))]
    image_cache_mib: u64,
    /// Folder of adapters that requests may name: a folder each, in PEFT's layout,
    /// which may be put there, changed and taken away while the server runs.
    #[arg(long, env = "MODEL_ADAPTERS", value_name = "DIR")]
    adapters: Option<PathBuf>,
    /// Adapters that are kept in memory, in MiB; the others are read when a request
    /// names them.
    #[arg(long, env = "MODEL_ADAPTERS_MIB", default_value_t = 1024,
        value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    adapters_mib: u64,
    /// Tokens of the questions that are answered together: prompts, image
    /// features, padding, and the answers at their longest.
    #[arg(long, env = "MODEL_MAX_BATCH_TOKENS", default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_batch_tokens: u32,
    /// Milliseconds that a question waits for others to be answered together
    /// with, where others are on their way.
    #[arg(long, env = "MODEL_MAX_WAIT_MS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(0..=60_000))]
    max_wait_ms: u64,
    /// Seconds that accepted requests may still take after SIGTERM.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u64).range(0..=3600))]
    drain_timeout_s: u64,
}

#[derive(Debug, Args)]
struct PingArguments {
    /// Port that the server listens on.
    #[arg(long, env = "SAGEMAKER_BIND_TO_PORT", default_value_t = 8080)]
    port: u16,
}

#[derive(Debug, Args)]
struct AskArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The photograph: JPEG, PNG or WebP.
    #[arg(long)]
    image: PathBuf,
    /// Folder of an adapter to answer with, in PEFT's layout.
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Generation parameters, as JSON: {"num_beams": 3}.
    #[arg(long, value_name = "JSON", value_parser = parse_parameters_argument)]
    parameters: Option<Value>,
    /// Print a JSON array with confidence and token count.
    #[arg(long)]
    json: bool,
    /// The questions.
    #[arg(required = true)]
    questions: Vec<String>,
}

#[derive(Debug, Args)]
struct QuantizeArguments {
    /// Folder of the checkpoint, in the Hugging Face layout.
    #[arg(long, env = "MODEL_DIR", default_value = "/opt/ml/model")]
    model_dir: PathBuf,
    /// The blocks: q8_0 (8.5 bits a weight) or q4k (4.5).
    #[arg(long)]
    quantize: Quantization,
    /// Folder to make; it appears when it is complete.
    #[arg(long)]
    out: PathBuf,
}

impl Cli {
    /// Runs the chosen command to its end.
    ///
    /// # Errors
    /// When the server cannot start or does not answer, the model cannot be loaded,
    /// or a question cannot be answered.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(arguments) => run_server(arguments),
            Command::Ping(arguments) => ping(arguments.port),
            Command::Ask(arguments) => run_ask(arguments),
            Command::Quantize(arguments) => {
                quantize(&arguments.model_dir, arguments.quantize, &arguments.out)
            }
        }
    }
}

fn run_server(arguments: ServeArguments) -> anyhow::Result<()> {
    limit_candle_threads(arguments.model.threads);
    logging::start(arguments.log_format, "info");
    let options = arguments.options()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let result = runtime.block_on(listen_and_serve(arguments, options));
    // What still runs, such as the decoding of a photograph whose sender is
    // gone, is not waited for.
    runtime.shutdown_background();
    result
}

/// candle multiplies quantised weights on threads of its own and reads how many
/// from the environment, once.
fn limit_candle_threads(threads: Option<usize>) {
    if let Some(threads) = threads {
        // SAFETY: called first of all by the two commands that compute, when
        // the process has no other thread that could read the environment.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("CANDLE_NUM_THREADS", threads.to_string());
        }
    }
}

async fn listen_and_serve(arguments: ServeArguments, options: ServeOptions) -> anyhow::Result<()> {
    let ServeArguments {
        model,
        host,
        port,
        ready_file,
        ..
    } = arguments;
    let stop = stop_signal()?;
    let listener = TcpListener::bind((host.as_str(), port))
        .await
        .with_context(|| format!("cannot listen on {host}:{port}"))?;
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    tracing::info!(%address, "listening");
    if let Some(path) = ready_file {
        write_ready_file(&path, address)?;
    }
    let load_options = model.load_options();
    serve(
        listener,
        options,
        move || backend::load(&model.model_dir, &load_options),
        stop,
    )
    .await
}

fn run_ask(arguments: AskArguments) -> anyhow::Result<()> {
    limit_candle_threads(arguments.model.threads);
    // Results go to stdout; the log is only heard when something is wrong.
    logging::start(LogFormat::Text, "warn");
    let model = arguments.model;
    let backend = backend::load(&model.model_dir, &model.load_options())?;
    let parameters = arguments.parameters.unwrap_or_default();
    let mut parameters = parse_parameters(&parameters, &backend.default_parameters())
        .map_err(|error| anyhow!("{}", error.message()))?;
    parameters.details |= arguments.json;
    let adapter = arguments.adapter.map(|folder| {
        let loaded = backend.load_adapter("", &folder);
        loaded.map_err(|error| anyhow!("cannot use the adapter in {}: {error}", folder.display()))
    });
    let mut out = std::io::stdout().lock();
    crate::ask::ask(
        &*backend,
        adapter.transpose()?.as_ref(),
        &arguments.image,
        &arguments.questions,
        parameters,
        &mut out,
    )?;
    out.flush().context("cannot write the answers")
}

impl ServeArguments {
    fn options(&self) -> anyhow::Result<ServeOptions> {
        let limits = Limits {
            max_pixels: self.max_megapixels * 1_000_000,
            max_waiting_questions: self.max_waiting_questions as usize,
            ..Limits::default()
        };
        ensure!(
            limits.max_waiting_questions >= limits.max_prompts,
            "--max-waiting-questions is {}, but one request may ask {} questions and would never \
             be admitted: raise it",
            limits.max_waiting_questions,
            limits.max_prompts
        );
        ensure!(
            self.max_held_mib >= self.max_body_mib,
            "--max-held-mib is {}, but one body may have {} and would never be read whole: raise it",
            self.max_held_mib,
            self.max_body_mib
        );
        let http = HttpLimits {
            max_body_bytes: self.max_body_mib << 20,
            max_held_bytes: self.max_held_mib << 20,
            ..HttpLimits::default()
        };
        let drain_timeout = Duration::from_secs(self.drain_timeout_s);
        Ok(ServeOptions {
            limits,
            scheduling: self.scheduling(),
            adapters: self.adapters()?,
            http,
            drain_timeout,
        })
    }

    /// One that is not there is a mistake of whoever starts the server.
    fn adapters(&self) -> anyhow::Result<Option<AdapterOptions>> {
        let Some(folder) = &self.adapters else {
            return Ok(None);
        };
        ensure!(
            folder.is_dir(),
            "--adapters is {}, which is no folder: make it, empty if need be",
            folder.display()
        );
        Ok(Some(AdapterOptions {
            folder: folder.clone(),
            max_bytes: self.adapters_mib << 20,
        }))
    }

    fn scheduling(&self) -> Scheduling {
        Scheduling {
            max_batch_tokens: self.max_batch_tokens as usize,
            max_wait: Duration::from_millis(self.max_wait_ms),
            image_cache_bytes: self.image_cache_mib << 20,
        }
    }
}

impl ModelArguments {
    fn load_options(&self) -> LoadOptions {
        LoadOptions {
            device: self.device,
            number_type: self.dtype,
            quantization: self.quantize,
            engine: self.engine,
            threads: self.threads,
        }
    }
}

/// More threads than any machine has would only exhaust this one.
fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("a number of threads from 1 to 1024".to_owned()),
    }
}

/// Wrong parameters are found before the model is loaded; what they leave to the
/// checkpoint is known only afterwards.
fn parse_parameters_argument(text: &str) -> Result<Value, String> {
    let value = unique_json::parse(text.as_bytes()).map_err(|error| match &error {
        JsonError::Malformed(error) => format!("no JSON: {error}"),
        JsonError::Repeated(_) => error.to_string(),
    })?;
    parse_parameters(&value, &GenerationParameters::default())
        .map_err(|error| error.message().to_owned())?;
    Ok(value)
}

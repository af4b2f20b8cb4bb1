//! What machine this is.

use std::fmt;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Instruction sets that matter to matrix multiplication, as Linux calls them.
const INSTRUCTION_SETS: [&str; 17] = [
    "avx2",
    "fma",
    "f16c",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimddp",
    "i8mm",
    "sve",
];

/// What a benchmark ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The name that the processor gives itself.
    pub processor: String,
    /// Those that may be used.
    pub cores: usize,
    /// Those of [`INSTRUCTION_SETS`] that are there.
    pub instruction_sets: Vec<String>,
    /// All of it.
    pub memory_bytes: u64,
    /// Linux's version.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// When `/proc` does not tell.
    pub fn here() -> Result<Machine> {
        let info = read("/proc/cpuinfo")?;
        let field = |name: &str| {
            let line = info.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        };
        let flags = field("flags").or_else(|| field("Features"));
        let flags = flags.unwrap_or_default();
        let has = |set: &&str| flags.split_whitespace().any(|flag| flag == *set);
        let sets = INSTRUCTION_SETS.iter().filter(|set| has(set));
        let cores = std::thread::available_parallelism().context("how many cores are there?")?;
        Ok(Machine {
            processor: field("model name").unwrap_or_else(|| "of unknown name".to_owned()),
            cores: cores.get(),
            instruction_sets: sets.map(|&set| set.to_owned()).collect(),
            memory_bytes: memory("MemTotal:")?,
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amx = match self
            .instruction_sets
            .iter()
            .any(|set| set.starts_with("amx"))
        {
            true => "",
            false => ", no AMX",
        };
        write!(
            formatter,
            "{}, {} cores ({}{amx}), {:.1} GB of memory, Linux {}",
            self.processor,
            self.cores,
            self.instruction_sets.join(", "),
            self.memory_bytes as f64 / 1e9,
            self.kernel
        )
    }
}

/// Memory that can be had now, in bytes.
///
/// # Errors
/// When `/proc` does not tell.
pub fn available_memory() -> Result<u64> {
    memory("MemAvailable:")
}

/// How many processes wanted to run in the last minute.
///
/// # Errors
/// When `/proc` does not tell.
pub fn load_average() -> Result<f64> {
    let text = read("/proc/loadavg")?;
    let first = text.split_whitespace().next().unwrap_or_default();
    first.parse().context("/proc/loadavg has no number")
}

/// What is measured beside a higher load average than this is not kept: it says
/// nothing.
pub const MAX_LOAD: f64 = 1.5;

/// The load average before a benchmark begins, which has the machine to itself
/// then: what was compiled a moment ago is waited for, for some minutes.
///
/// # Errors
/// When `/proc` does not tell.
pub async fn quiet_load() -> Result<f64> {
    const PATIENCE: Duration = Duration::from_secs(240);
    let began = Instant::now();
    loop {
        let load = load_average()?;
        if load <= MAX_LOAD || began.elapsed() > PATIENCE {
            return Ok(load);
        }
        println!("the load average is {load}: waiting for the machine to be quiet");
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
}

/// The commit that is measured; says so where files differ from it. The report
/// is left out of account: a measurement before this one may have changed it.
#[must_use]
pub fn commit() -> String {
    let status = [
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        ":!BENCHMARKS.md",
    ];
    let changes = match said_by("git", &status).is_empty() {
        true => "",
        false => ", with changes",
    };
    format!(
        "{}{changes}",
        said_by("git", &["rev-parse", "--short", "HEAD"])
    )
}

fn memory(name: &str) -> Result<u64> {
    let info = read("/proc/meminfo")?;
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    let kib: Option<u64> =
        line.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok());
    Ok(kib.with_context(|| format!("/proc/meminfo has no {name}"))? * 1024)
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// The first line that a program writes; empty where it cannot be run.
#[must_use]
pub fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

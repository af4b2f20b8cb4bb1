//! The section of BENCHMARKS.md.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use tests::machine::{Machine, commit, said_by};
use tests::times::bytes;
use tests::verdict::write_table;

use crate::services::QUESTIONS;
use crate::side::Who;
use crate::targets::verdicts;
use crate::turns::{LATENCY_MS, OfSide};

/// What is said beside the numbers.
pub struct About<'a> {
    pub machine: &'a Machine,
    /// When it began.
    pub load: f64,
    pub rounds: usize,
    pub photo_bytes: usize,
    /// Of the other side.
    pub versions: String,
    /// Of the release, where there is one.
    pub zip_bytes: Option<u64>,
}

/// Python's version and those of the packages.
pub fn versions(python: &Path) -> String {
    let script = "import platform, importlib.metadata as packages; \
                  print('Python', platform.python_version() + ',', \
                  ', '.join(f'{name} {packages.version(name)}' \
                  for name in ('awslambdaric', 'boto3')))";
    said_by(&python.to_string_lossy(), &["-c", script])
}

pub fn section(measured: &[OfSide], about: &About<'_>) -> Result<String> {
    let mut text = String::new();
    let readings: Vec<String> = Who::ALL
        .iter()
        .map(|who| format!("{} {}", who.name(), who.products_a_reading()))
        .collect();
    writeln!(
        text,
        "## The function\n\n\
         The released function beside `tools/bench/lambda_handler.py`, which does the same in \
         Python with boto3 under awslambdaric, in turns on the same cores: a product of {} KB \
         of JPEG, {QUESTIONS} questions about it, a text.\n\n\
         - **Both** get their events from the same Runtime API, one at a time, and call the same \
         stand-ins for SageMaker, Bedrock and S3, all on loopback and without TLS. What is asked \
         of the stand-ins is counted: every product took {QUESTIONS} questions and one text. The \
         stand-ins' and the Runtime API's own work is in the times of both, and in the \
         processor time of none.\n\
         - **Python** asks the questions in {QUESTIONS} calls, one after the other, as the \
         published example does. **Ours** asks them in one call, which this project's model \
         server takes; *a call a question* is for endpoints that take no other, \
         {QUESTIONS} calls at a time.\n\
         - **Ours does more**: it looks at the photo, reads answers against the values of their \
         attributes, checks the text, writes a line of log, and of an event of S3 claims the \
         product and looks whether it is done already.\n\
         - **First response**: from the start of a process, with a warm disk, to the answer of \
         an HTTP API's call that waits for it. **Call** and **event**: a warm process, from the \
         moment at which it gets them.\n\
         - **CPU** is user and system time a product by `/proc/PID/stat`, which counts \
         hundredths of a second, so that a reading is of many products ({}).\n\
         - **Memory** is the most that the warm process had at once (`VmHWM`), after all of \
         this.\n\
         - Times are medians of {} measurements and more, the range in brackets.\n\n\
         Machine: {}. `make bench-lambda` on {}, commit {}; {}, rustc {}. The load average was \
         {:.1} when it began.\n",
        about.photo_bytes / 1000,
        readings.join("; "),
        about.rounds,
        about.machine,
        said_by("date", &["-u", "+%F"]),
        commit(),
        about.versions,
        said_by("rustc", &["--version"]).trim_start_matches("rustc "),
        about.load,
    )?;
    write_table(&mut text, "case", verdicts(measured, about.zip_bytes))?;
    writeln!(
        text,
        "\n*Latency* is {LATENCY_MS} ms on every answer of the endpoint and of Bedrock. Targets \
         are ours as it is by default against Python.\n\n\
         | side | first response | call | call, {LATENCY_MS} ms | CPU a call | event of S3 | CPU \
         an event | memory |\n\
         |---|---|---|---|---|---|---|---|"
    )?;
    for side in measured {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            side.who.name(),
            side.first.range(),
            side.http.time.range(),
            side.slow_call.range(),
            side.http.cpu.range(),
            side.s3.time.range(),
            side.s3.cpu.range(),
            bytes(side.peak_bytes),
        )?;
    }
    Ok(text)
}

//! `local-cloud`: AWS on one machine.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::Parser;
use local_cloud::run::run;
use local_cloud::settings::Settings;

/// The only way to tell candle how many threads to use, and it is read once.
const THREADS_VARIABLE: &str = "CANDLE_NUM_THREADS";

fn main() -> ExitCode {
    let settings = Settings::parse();
    if std::env::var_os(THREADS_VARIABLE).is_none() {
        return restart_with_threads(settings.writer_threads);
    }
    match start(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-cloud: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn start(settings: Settings) -> anyhow::Result<()> {
    run(settings).await
}

/// Becomes the same program, in the same process, with the variable set: a program may not
/// change its own environment once other threads could read it.
fn restart_with_threads(threads: u16) -> ExitCode {
    let error = match std::env::current_exe() {
        Ok(program) => Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(THREADS_VARIABLE, threads.to_string())
            .exec(),
        Err(error) => error,
    };
    eprintln!("local-cloud: cannot start itself with {THREADS_VARIABLE} set: {error}");
    ExitCode::FAILURE
}

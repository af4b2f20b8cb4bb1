//! The function's process.

use tokio::process::Command;

use crate::lambda_environment::{ServiceUrls, lambda_environment};
use crate::programs::Programs;

/// The command that starts the function, in an environment as Lambda gives it and
/// with `settings` of its own. `runtime_api` is the address of its Runtime API.
pub fn function_command(
    programs: &Programs,
    runtime_api: &str,
    services: ServiceUrls<'_>,
    settings: &[(String, String)],
) -> Command {
    let mut command = Command::new(&programs.function);
    command
        // The settings of whoever runs this are not the function's.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(lambda_environment(runtime_api, services))
        .envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

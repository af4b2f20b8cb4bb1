//! How the programs of the benchmarks end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};

/// The exit code for an outcome; why it is a failure is told on stderr.
#[must_use]
pub fn exit_code(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nfailed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what must not take longer than so many minutes; they are the setting `MINUTES`.
///
/// # Errors
/// Its own, and when it is not done in time.
pub async fn within_minutes(minutes: u64, run: impl Future<Output = Result<()>>) -> Result<()> {
    let limit = Duration::from_secs(minutes * 60);
    let outcome = tokio::time::timeout(limit, run).await;
    outcome.unwrap_or_else(|_| {
        Err(anyhow!(
            "not done after {minutes} minutes; give more with MINUTES"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_has_failed() {
        let late = within_minutes(0, std::future::pending()).await;
        let late = late.unwrap_err().to_string();
        assert!(late.contains("not done after 0 minutes"), "{late}");
        let failed = within_minutes(1, async { Err(anyhow!("its own")) }).await;
        assert_eq!(failed.unwrap_err().to_string(), "its own");
        within_minutes(1, async { Ok(()) }).await.unwrap();
    }
}

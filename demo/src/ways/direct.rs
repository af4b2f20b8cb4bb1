//! The function is invoked with a file of `events/`, as a developer does.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalogue::samples::Record;
use local_stack::{FUNCTION, Programs, Stack};
use serde::Deserialize;
use tokio::process::Command;

use crate::function_log;
use crate::page::Picture;
use crate::product::{Outcome, Product, Way};

/// The event that is sent.
pub const EVENT: &str = "direct-base64.json";

const TIMEOUT: Duration = Duration::from_secs(120);

/// The parts of the event that the page shows.
#[derive(Deserialize)]
struct Event {
    product_id: String,
    category: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    base64: String,
}

/// Runs `cargo lambda invoke` with the event, whose picture is one of the
/// drawn samples.
///
/// # Errors
/// When the event cannot be read.
pub async fn describe(
    stack: &mut Stack,
    programs: &Programs,
    samples: &[Record],
) -> Result<Product> {
    let event: Event = serde_json::from_value(programs.event(EVENT)?)
        .with_context(|| format!("events/{EVENT} is no direct invocation with a picture"))?;
    let bytes = BASE64_STANDARD
        .decode(&event.image.base64)
        .with_context(|| format!("the picture of events/{EVENT} is no base64"))?;

    let start = Instant::now();
    let file = programs.repository.join("events").join(EVENT);
    let answer = invoke(&programs.cargo_lambda, stack.emulator().port(), &file).await;
    let seconds = start.elapsed().as_secs_f64();
    let outcome = match answer {
        Ok(answer) => {
            let steps = function_log::steps(&stack.function().output(), &event.product_id);
            Outcome::of_answer(&answer, steps)
        }
        Err(error) => Outcome::Failed {
            reason: format!("{error:#}"),
        },
    };
    let picture = tokio::task::spawn_blocking(move || Picture::scaled(&bytes)).await;
    Ok(Product {
        drawn: samples
            .iter()
            .find(|record| record.id == event.product_id)
            .cloned(),
        id: event.product_id,
        file: EVENT.to_owned(),
        way: Way::Direct,
        asked_as: event.category,
        picture: picture.ok().flatten(),
        seconds,
        outcome,
    })
}

async fn invoke(cargo_lambda: &Path, port: u16, event: &Path) -> Result<Vec<u8>> {
    let mut command = Command::new(cargo_lambda);
    command
        .args([
            "lambda",
            "invoke",
            FUNCTION,
            "--invoke-address",
            "127.0.0.1",
        ])
        .args([
            "--invoke-port",
            &port.to_string(),
            "--color",
            "never",
            "--data-file",
        ])
        .arg(event)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, command.output())
        .await
        .with_context(|| format!("no answer after {} s", TIMEOUT.as_secs()))?
        .context("cannot start cargo lambda invoke")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "cargo lambda invoke ended with {}: {}",
            output.status,
            plain(&words)
        );
    }
    Ok(output.stdout)
}

/// What cargo-lambda says of an error, without the frame and the line breaks
/// in which it says it, and without its invitation to report it.
fn plain(words: &str) -> String {
    let mut text = String::new();
    let lines = words
        .lines()
        .map(|line| line.trim_matches([' ', '│', '×', '╰', '─', '▶']));
    for line in lines.take_while(|line| !line.starts_with("Was this behavior")) {
        // A word that has a hyphen may be broken at it.
        if !(line.is_empty() || text.is_empty() || text.ends_with('-')) {
            text.push(' ');
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_said_in_one_line() {
        let words = "Error: attributes-unavailable\n\n  × The endpoint endpoint-finetuned-\n  \
                     │ blip2 is not\n  │ available\n\n  Was this behavior unexpected?\n  Start\n";
        assert_eq!(
            plain(words),
            "Error: attributes-unavailable The endpoint endpoint-finetuned-blip2 is not available"
        );
        assert_eq!(plain(""), "");
    }
}

//! One picture is sent by HTTP, as a shop's own program would.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local_stack::Stack;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use serde_json::Value;

use crate::function_log;
use crate::page::Picture;
use crate::photos::Photo;
use crate::product::{Outcome, Product, Way};
use crate::run::DEFAULT_CATEGORY;

/// Longer than the function lets an HTTP call take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends the picture's bytes; the category of a drawn sample, which is known,
/// goes with them.
///
/// # Errors
/// When the file cannot be read, which it could before.
pub async fn describe(stack: &mut Stack, photo: &Photo) -> Result<Product> {
    let bytes = tokio::fs::read(&photo.path)
        .await
        .with_context(|| format!("cannot read {}", photo.path.display()))?;
    let category = photo.drawn.as_ref().map(|record| record.category.clone());
    let mut query = vec![("product_id", photo.id.as_str())];
    query.extend(category.as_deref().map(|category| ("category", category)));
    let url = format!("{}/descriptions", stack.emulator().http_url());
    let url = Url::parse_with_params(&url, query).context("the function has an odd address")?;

    let start = Instant::now();
    let answer = post(url, photo.format.content_type(), bytes.clone()).await;
    let seconds = start.elapsed().as_secs_f64();
    let outcome = match answer {
        Ok(answer) => {
            let steps = function_log::steps(&stack.function().output(), &photo.id);
            Outcome::of_answer(&answer, steps)
        }
        Err(error) => Outcome::Failed {
            reason: format!("{error:#}"),
        },
    };
    let picture = tokio::task::spawn_blocking(move || Picture::scaled(&bytes)).await;
    Ok(Product {
        id: photo.id.clone(),
        file: photo.file_name(),
        way: Way::Http,
        asked_as: category.unwrap_or_else(|| DEFAULT_CATEGORY.to_owned()),
        drawn: photo.drawn.clone(),
        picture: picture.ok().flatten(),
        seconds,
        outcome,
    })
}

async fn post(url: Url, content_type: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let response = Client::builder()
        .timeout(TIMEOUT)
        .build()?
        .post(url)
        .header(CONTENT_TYPE, content_type)
        .body(bytes)
        .send()
        .await
        .context("the function does not answer by HTTP")?;
    let status = response.status();
    let body = response
        .bytes()
        .await
        .context("the function's answer breaks off")?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    // A problem's detail says what to mend.
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => anyhow::bail!("{status}: {detail}"),
        None => anyhow::bail!("{status}: {}", String::from_utf8_lossy(&body)),
    }
}

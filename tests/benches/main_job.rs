//! How long the main job takes on this machine: `make bench`.
//!
//! - eight questions about one photograph of 1800×2400 pixels over HTTP, warm:
//!   the median of 50 calls, and the most memory the model server had
//! - the function's process started to its first answer, under the Lambda
//!   emulator, without a model: the median of 10 starts
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::{Duration, Instant};

use attributes::{AttributeSet, question};
use axum::Router;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::{Endpoint, Programs, Stack, StackOptions};
use serde_json::{Value, json};
use tests::photos::large_photo;

const CALLS: usize = 50;
const STARTS: usize = 10;

#[tokio::main]
async fn main() {
    let programs = Programs::find().unwrap();
    println!("model server: {}", programs.model_server.display());
    println!("function: {}\n", programs.function.display());
    eight_questions(&programs).await;
    start_to_first_answer(&programs).await;
}

async fn eight_questions(programs: &Programs) {
    let stack = Stack::start(StackOptions::default(), |_| ()).await.unwrap();
    let (noun, asked) = {
        let set = AttributeSet::embedded();
        let (noun, asked) = set.attributes_of("shirt");
        let asked: Vec<String> = asked
            .iter()
            .map(|attribute| question(attribute, noun))
            .collect();
        (noun.to_owned(), asked)
    };
    let photo = large_photo(&programs.repository).unwrap();
    let bytes = photo.len();
    let request = json!({
        "image": STANDARD.encode(photo),
        "prompts": asked,
        "parameters": {"details": true}
    })
    .to_string();
    let client = reqwest::Client::new();
    let url = format!("{}/invocations", stack.endpoint_url());
    let mut times = Vec::new();
    for call in 0..CALLS + 3 {
        let began = Instant::now();
        let response = client
            .post(&url)
            .header("content-type", "application/json")
            .body(request.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let answers: Value = response.json().await.unwrap();
        assert_eq!(answers.as_array().unwrap().len(), asked.len());
        // The first three warm up.
        if call >= 3 {
            times.push(began.elapsed());
        }
    }
    println!(
        "{} questions about a {noun} of 1800×2400 pixels (JPEG, {} KB), {CALLS} calls: {}",
        asked.len(),
        bytes / 1000,
        summary(&mut times)
    );
    if let Some(peak) = stack
        .model_server()
        .and_then(local_stack::Process::peak_memory)
    {
        println!(
            "model server, most memory at once: {:.0} MB",
            peak as f64 / 1e6
        );
    }
    stack.stop().await.unwrap();
}

async fn start_to_first_answer(programs: &Programs) {
    let router = Router::new()
        .route("/endpoints/{name}/invocations", post(|| async { r#"[{"generated_text": "Colour: Blue", "attribute": "Colour", "value": "Blue", "confidence": 0.9, "generated_tokens": 4}]"# }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut event = programs.event("direct-base64.json").unwrap();
    event["attributes"] = json!(["Colour"]);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let options = StackOptions {
            endpoint: Endpoint::At(format!("http://{address}")),
            ..StackOptions::default()
        };
        // The function is started last.
        let mut began = Instant::now();
        let mut stack = Stack::start(options, |_| began = Instant::now())
            .await
            .unwrap();
        let answer = stack.invoke(&event).await.unwrap();
        times.push(began.elapsed());
        assert!(!answer.failed, "{answer:?}");
        stack.stop().await.unwrap();
    }
    println!(
        "the function, start to first answer, {STARTS} starts: {}",
        summary(&mut times)
    );
}

fn summary(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (first, last) = (times[0], times[times.len() - 1]);
    let median = times[times.len() / 2];
    format!(
        "median {:.1} ms ({:.1} to {:.1})",
        ms(median),
        ms(first),
        ms(last)
    )
}

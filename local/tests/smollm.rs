//! Texts of the language model; skipped where its weights are missing.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::time::Duration;

use common::LocalCloud;
use local_cloud::writer::product::attributes_in;
use serde_json::{Value, json};

const SYSTEM: &str = "You are an expert writer of product descriptions for a fashion web shop. You \
    write about one shirt at a time.\nSay how the fabric moves, and which occasions it suits.";
const BLUE: &str = "<product_attributes>\nFabric: Cotton\nFit: Regular Fit\nCollar: Spread Collar\n\
    Pattern: Striped\nSleeve Length: Long Sleeves\nNeck: Round Neck\n\
    Sleeve Styling: Regular Sleeves\nColour: Blue\n</product_attributes>";
const RED: &str = "<product_attributes>\nFabric: Polyester\nFit: Slim Fit\nPattern: Printed\n\
    Sleeve Length: Short Sleeves\nNeck: V-Neck\nColour: Red\n</product_attributes>";

fn start() -> Option<LocalCloud> {
    let model = common::writer_model()?;
    Some(LocalCloud::start_with(&[
        "--writer-model",
        model.to_str().unwrap(),
    ]))
}

fn request(text: &str, max_tokens: u64) -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": max_tokens,
        "temperature": 0.1,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": text}],
    })
}

async fn write(cloud: &LocalCloud, body: &Value) -> Value {
    let url = format!(
        "{}/model/anthropic.claude-3-sonnet-20240229-v1:0/invoke",
        cloud.bedrock
    );
    let response = reqwest::Client::new()
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn two_products_get_two_texts_that_mention_most_of_their_attributes() {
    let Some(cloud) = start() else { return };
    let blue = write(&cloud, &request(BLUE, 400)).await;
    let red = write(&cloud, &request(RED, 400)).await;
    assert_ne!(text(&blue), text(&red));
    for (answer, question) in [(&blue, BLUE), (&red, RED)] {
        let text = text(answer);
        println!("{text}");
        let attributes = attributes_in(question);
        let mentioned = attributes
            .iter()
            .filter(|attribute| attribute.is_mentioned_in(text))
            .count();
        assert!(
            mentioned * 4 >= attributes.len() * 3,
            "{mentioned} of {}: {text}",
            attributes.len()
        );
        assert!(text.ends_with(['.', '!', '?']), "{text}");
        assert!(text.matches(['.', '!', '?']).count() >= 2, "{text}");
        assert_eq!(answer["stop_reason"], "end_turn");
    }
    assert_eq!(
        text(&blue),
        text(&write(&cloud, &request(BLUE, 400)).await),
        "the seed is the same"
    );
}

#[tokio::test]
async fn max_tokens_ends_a_text_after_a_whole_sentence() {
    let Some(cloud) = start() else { return };
    let answer = write(&cloud, &request(BLUE, 50)).await;
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert!(answer["usage"]["output_tokens"].as_u64().unwrap() <= 50);
    assert!(
        text(&answer).ends_with(['.', '!', '?']),
        "{}",
        text(&answer)
    );
}

#[tokio::test]
async fn an_ordinary_question_is_answered_as_a_chat() {
    let Some(cloud) = start() else { return };
    let mut chat = request("What is the capital of France?", 60);
    chat["system"] = json!("Answer in one short sentence.");
    chat["temperature"] = json!(0);
    let answer = write(&cloud, &chat).await;
    assert!(text(&answer).contains("Paris"), "{}", text(&answer));
}

#[tokio::test]
async fn a_request_whose_client_left_gives_way_to_the_next() {
    let Some(cloud) = start() else { return };
    let url = format!(
        "{}/model/anthropic.claude-3-sonnet-20240229-v1:0/invoke",
        cloud.bedrock
    );
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    for _ in 0..20 {
        let left = client
            .post(&url)
            .body(request(BLUE, 400).to_string())
            .send()
            .await;
        assert!(left.is_err());
    }
    // Twenty texts would take more than a minute on a slow machine.
    let body = request(RED, 40);
    let next = write(&cloud, &body);
    tokio::time::timeout(Duration::from_secs(30), next)
        .await
        .unwrap();
}

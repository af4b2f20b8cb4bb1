//! Listings: every text of a product's entry, through the real programs.

use local_stack::{StackOptions, Writer};
use serde_json::{Value, json};

use crate::common::*;

fn asked(id: &str) -> Value {
    let mut event = direct(id);
    event["format"] = json!("listing");
    event
}

/// Checks the limits that the README states.
#[track_caller]
fn assert_listing(result: &Value) {
    let listing = &result["listing"];
    let length = |text: &Value| text.as_str().unwrap().chars().count();
    for (member, least, most) in [
        ("title", 60, 80),
        ("alt_text", 20, 125),
        ("meta_description", 70, 155),
    ] {
        let length = length(&listing[member]);
        assert!((least..=most).contains(&length), "{member}: {listing}");
    }
    let bullets = listing["bullets"].as_array().unwrap();
    assert_eq!(bullets.len(), 5, "{listing}");
    let keywords = listing["search_keywords"].as_array().unwrap();
    assert!((5..=15).contains(&keywords.len()), "{listing}");
    assert!(
        keywords.iter().all(|keyword| length(keyword) <= 50),
        "{listing}"
    );
    for absent in ["cut", "short"] {
        assert_eq!(listing.get(absent), None, "{listing}");
    }
    // Every attribute is found by the words of its value.
    let attributes = result["attributes"].as_object().unwrap();
    let words: Vec<String> = keywords
        .iter()
        .map(|keyword| keyword.as_str().unwrap().to_lowercase())
        .collect();
    for (name, value) in attributes {
        let value = value.as_str().unwrap().to_lowercase();
        let stem = value.trim_end_matches('s');
        assert!(
            words.iter().any(|keyword| keyword.contains(stem)),
            "{name}: {listing}"
        );
    }
}

#[tokio::test]
async fn a_listing_is_answered_with_all_its_texts_by_either_api() {
    for api in ["invoke", "converse"] {
        let mut stack = start_with("BEDROCK_API", api).await;
        for id in ["drawn-01", "drawn-08"] {
            let answer = stack.invoke(&asked(id)).await.unwrap();
            assert!(!answer.failed, "{answer:?}");
            assert_described(&answer.payload, id);
            assert_listing(&answer.payload);
        }
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn by_setting_uploads_are_listed_and_a_request_may_say_otherwise() {
    let mut stack = start_with("DEFAULT_FORMAT", "listing").await;
    stack
        .bucket()
        .put("incoming/drawn-02.jpg", sample("drawn-02"))
        .await
        .unwrap();
    let timeout = std::time::Duration::from_secs(60);
    let stored = stack
        .wait_for_object("descriptions/drawn-02.json", timeout)
        .await
        .unwrap();
    assert_listing(&serde_json::from_slice(&stored).unwrap());

    let mut event = direct("drawn-01");
    event["format"] = json!("description");
    let answer = stack.invoke(&event).await.unwrap().payload;
    assert_described(&answer, "drawn-01");
    assert_eq!(answer.get("listing"), None);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_unknown_format_is_a_problem_that_names_those_there_are() {
    let mut stack = start(StackOptions::default()).await;
    let mut body = direct("drawn-01");
    body["format"] = json!("html");
    let answer = stack.invoke(&http_event(&body)).await.unwrap().payload;
    let problem = assert_problem(&answer, 400);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("listing"), "{detail}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_small_model_s_text_has_a_listing_around_it() {
    let mut stack = start(StackOptions {
        writer: Writer::LanguageModel,
        ..Default::default()
    })
    .await;
    let answer = stack.invoke(&asked("drawn-01")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_described(&answer.payload, "drawn-01");
    assert_listing(&answer.payload);
    stack.stop().await.unwrap();
}

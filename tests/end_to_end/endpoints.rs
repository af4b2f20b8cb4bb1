//! Endpoints of other kinds: one question a call, as the reference serves it.

use axum::routing::post;
use axum::{Json, Router};
use local_stack::{Endpoint, StackOptions};
use serde_json::{Value, json};

use crate::common::*;

/// Answers as the Hugging Face container of the reference does: it knows
/// `prompt` and `image` only, and its answer is a plain JSON string.
fn reference_container() -> Router {
    Router::new().route(
        "/endpoints/{name}/invocations",
        post(|Json(request): Json<Value>| async move {
            let known = request.as_object().is_some_and(|request| {
                request
                    .keys()
                    .all(|name| name == "prompt" || name == "image")
            });
            let prompt = request["prompt"].as_str().unwrap_or_default();
            if !known || !prompt.starts_with("Question: ") || !prompt.ends_with(" Answer: ") {
                return Json(json!({"error": "KeyError: 'prompt'"}));
            }
            let answers = [
                ("sleeve length", "Sleeve Length: Long Sleeves"),
                ("fabric", "Fabric:Cotton"),
                ("colour", "baseColour: Navy Blue"),
                ("fit", "Slim Fit"),
                ("collar", "Pattern: Solid"),
                ("neck type", ""),
            ];
            let found = answers
                .iter()
                .find(|(words, _)| prompt.contains(&format!("the {words} of")));
            Json(json!(found.map_or("", |(_, answer)| answer)))
        }),
    )
}

#[tokio::test]
async fn the_reference_container_is_asked_one_question_a_call() {
    let address = serve(reference_container()).await;
    for mode in ["per-question", "batched"] {
        // Asked in one call, it answers with no array: the function falls back.
        let mut stack = start(StackOptions {
            endpoint: Endpoint::At(format!("http://{address}")),
            function_env: vec![("ATTRIBUTE_REQUESTS".to_owned(), mode.to_owned())],
            ..Default::default()
        })
        .await;
        let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
        assert!(!answer.failed, "{mode}: {answer:?}");
        let expected = json!({
            "Fabric": "Cotton",
            "Fit": "Slim Fit",
            "Sleeve Length": "Long Sleeves",
            "Colour": "Navy Blue"
        });
        assert_eq!(answer.payload["attributes"], expected, "{mode}");
        // What answers about something else, or not at all, is missing.
        let missing = json!(["Collar", "Pattern", "Neck", "Sleeve Styling"]);
        assert_eq!(answer.payload["missing"], missing, "{mode}");
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn one_question_a_call_gives_the_answers_of_one_call_for_all() {
    let mut answers = Vec::new();
    for mode in ["batched", "per-question"] {
        let mut stack = start_with("ATTRIBUTE_REQUESTS", mode).await;
        let answer = stack.invoke(&direct("drawn-03")).await.unwrap();
        assert!(!answer.failed, "{answer:?}");
        answers.push(answer.payload["attributes"].clone());
        stack.stop().await.unwrap();
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_photo_over_the_endpoints_limit_is_scaled_down_and_the_answer_says_so() {
    let mut stack = start_with("ENDPOINT_MAX_PAYLOAD_BYTES", "65536").await;
    let answer = stack.invoke(&direct("drawn-02")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_described(&answer.payload, "drawn-02");
    let warnings = answer.payload["warnings"].to_string();
    assert!(warnings.contains("600 × 800"), "{warnings}");
    stack.stop().await.unwrap();
}

//! Direct invocations, as `cargo lambda invoke` and other functions make them.

use local_stack::{Programs, StackOptions};
use serde_json::{Value, json};

use crate::common::*;

#[tokio::test]
async fn a_direct_invocation_with_base64_is_answered() {
    let mut stack = start(StackOptions::default()).await;
    let answer = stack.invoke(&event("direct-base64.json")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_described(&answer.payload, "drawn-01");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_direct_invocation_with_an_s3_uri_is_answered() {
    let mut stack = start(StackOptions::default()).await;
    // Not under `incoming/` alone: no event is needed for it to be read.
    stack
        .bucket()
        .put("incoming/drawn-01.jpg", sample("drawn-01"))
        .await
        .unwrap();
    let answer = stack.invoke(&event("direct-s3.json")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_described(&answer.payload, "drawn-01");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn cargo_lambda_invoke_with_a_file_of_events_prints_the_description() {
    let stack = start(StackOptions::default()).await;
    let programs = Programs::find().unwrap();
    let output = tokio::process::Command::new(&programs.cargo_lambda)
        .args([
            "lambda",
            "invoke",
            local_stack::FUNCTION,
            "--invoke-address",
            "127.0.0.1",
        ])
        .args([
            "--invoke-port",
            &stack.emulator().port().to_string(),
            "--data-file",
        ])
        .arg(programs.repository.join("events/direct-base64.json"))
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_described(&result, "drawn-01");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_category_decides_what_is_asked_and_an_unknown_one_is_clothing() {
    let mut stack = start(StackOptions::default()).await;
    let asked = |category: &str| {
        let mut event = direct("drawn-12");
        event["category"] = json!(category);
        event
    };
    let dress = stack.invoke(&asked("dress")).await.unwrap().payload;
    for name in ["Fit", "Collar"] {
        assert!(
            dress["attributes"].get(name).is_none(),
            "a dress has no {name}: {dress}"
        );
    }
    let unknown = stack.invoke(&asked("umbrella")).await.unwrap().payload;
    assert_described(&unknown, "drawn-12");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_no_event_is_an_error_that_lists_what_is_understood() {
    let mut stack = start(StackOptions::default()).await;
    for nonsense in [json!({"hello": 1}), json!([]), json!("x"), json!(null)] {
        let answer = stack.invoke(&nonsense).await.unwrap();
        assert!(answer.failed, "{answer:?}");
        let message = answer.payload["errorMessage"].as_str().unwrap();
        assert!(
            message.contains("S3") && message.contains("image"),
            "{message}"
        );
    }
    let answer = stack.invoke(&event("direct-base64.json")).await.unwrap();
    assert!(!answer.failed);
    stack.stop().await.unwrap();
}

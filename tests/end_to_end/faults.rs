//! What fails beside the function: Bedrock's models, the endpoint, time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use local_stack::{Endpoint, StackOptions};
use serde_json::{Value, json};

use crate::common::*;

const FIRST: &str = "anthropic.claude-3-sonnet-20240229-v1:0";

fn behaving(behaviours: &[&str]) -> StackOptions {
    StackOptions {
        model_behaviours: behaviours.iter().map(|text| (*text).to_owned()).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_model_at_its_end_of_life_is_skipped_for_the_next() {
    for gone in ["ended", "invalid", "profile-required"] {
        let mut stack = start(behaving(&[&format!("{FIRST}={gone}")])).await;
        for _ in 0..2 {
            let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
            assert!(!answer.failed, "{gone}: {answer:?}");
            assert_described(&answer.payload, "drawn-01");
            assert_ne!(answer.payload["models"]["description"], FIRST, "{gone}");
        }
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_throttled_model_is_asked_again() {
    let mut stack = start(behaving(&[&format!("{FIRST}=throttled:2")])).await;
    let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_eq!(answer.payload["models"]["description"], FIRST);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn without_any_model_the_attributes_are_kept_in_the_problem() {
    let settings = vec![
        (
            "BEDROCK_MODEL_IDS".to_owned(),
            format!("{FIRST},anthropic.claude-other-v1:0"),
        ),
        ("HTTP_TIMEOUT_MS".to_owned(), "6000".to_owned()),
    ];
    for (behaviour, statuses) in [("denied", [502, 502]), ("throttled", [502, 504])] {
        let options = StackOptions {
            function_env: settings.clone(),
            ..behaving(&[
                &format!("{FIRST}={behaviour}"),
                &format!("anthropic.claude-other-v1:0={behaviour}"),
            ])
        };
        let mut stack = start(options).await;
        let began = Instant::now();
        let answer = stack.invoke(&event("http-api.json")).await.unwrap();
        assert!(
            began.elapsed() < Duration::from_millis(6000),
            "{:?}",
            began.elapsed()
        );
        let status = answer.payload["statusCode"].as_u64().unwrap() as u16;
        assert!(
            statuses.contains(&status),
            "{behaviour}: {}",
            answer.payload
        );
        let problem = assert_problem(&answer.payload, status);
        assert!(
            problem["attributes"].as_object().unwrap().len() >= 4,
            "{problem}"
        );
        if behaviour == "denied" {
            assert!(
                problem["detail"].as_str().unwrap().contains(FIRST),
                "{problem}"
            );
        }
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_model_ends_in_time_with_the_attributes() {
    let options = StackOptions {
        function_env: vec![("HTTP_TIMEOUT_MS".to_owned(), "4000".to_owned())],
        ..behaving(&[&format!("{FIRST}=slow:60000")])
    };
    let mut stack = start(options).await;
    let began = Instant::now();
    let answer = stack.invoke(&event("http-api.json")).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(4000),
        "{:?}",
        began.elapsed()
    );
    let problem = assert_problem(&answer.payload, 504);
    assert!(
        problem["attributes"].as_object().unwrap().len() >= 4,
        "{problem}"
    );
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_a_problem_that_says_so() {
    // A port that was free a moment ago: nobody listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut stack = start(StackOptions {
        endpoint: Endpoint::At(format!("http://{address}")),
        function_env: vec![("HTTP_TIMEOUT_MS".to_owned(), "5000".to_owned())],
        ..Default::default()
    })
    .await;
    let began = Instant::now();
    let answer = stack.invoke(&event("http-api.json")).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(5000),
        "{:?}",
        began.elapsed()
    );
    let status = answer.payload["statusCode"].as_u64().unwrap() as u16;
    assert!([502, 504].contains(&status), "{}", answer.payload);
    let problem = assert_problem(&answer.payload, status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("endpoint-finetuned-blip2"), "{detail}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_endpoint_slow_past_the_deadline_is_answered_before_it() {
    // Answers the first question at once and the others never.
    let router = Router::new().route(
        "/endpoints/{name}/invocations",
        post(|body: String| async move {
            if !body.contains("What is the fabric of") {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
            r#"{"Fabric": "Cotton"}"#
        }),
    );
    let address = serve(router).await;
    let mut stack = start(StackOptions {
        endpoint: Endpoint::At(format!("http://{address}")),
        function_env: vec![
            ("ATTRIBUTE_REQUESTS".to_owned(), "per-question".to_owned()),
            ("HTTP_TIMEOUT_MS".to_owned(), "5000".to_owned()),
        ],
        ..Default::default()
    })
    .await;
    let began = Instant::now();
    let answer = stack.invoke(&event("http-api.json")).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(5000),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(answer.payload["statusCode"], 200, "{}", answer.payload);
    let result = body(&answer.payload);
    assert_eq!(result["attributes"], json!({"Fabric": "Cotton"}));
    assert_eq!(result["missing"].as_array().unwrap().len(), 7, "{result}");
    assert!(!result["description"].as_str().unwrap().is_empty());
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_that_fails_is_counted_until_it_succeeds_and_then_done_once() {
    // Fails as long as two invocations try, then answers.
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = calls.clone();
    let router = Router::new().route(
        "/endpoints/{name}/invocations",
        post(move |_: String| {
            let call = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                if call < 6 {
                    return Err(StatusCode::BAD_GATEWAY);
                }
                Ok(r#"["Fabric: Cotton"]"#)
            }
        }),
    );
    let address = serve(router).await;
    let mut stack = start(StackOptions {
        endpoint: Endpoint::At(format!("http://{address}")),
        ..Default::default()
    })
    .await;
    // Where no notification is sent from, so that this test alone delivers.
    let photo = "elsewhere/drawn-01.jpg";
    stack.bucket().put(photo, sample("drawn-01")).await.unwrap();
    let image = json!({"s3_uri": format!("s3://lookbook-catalogue/{photo}")});
    let request = json!({"product_id": "7", "image": image, "attributes": ["Fabric"]});
    let mut message = event("sqs-own.json");
    message["Records"][0]["body"] = json!(request.to_string());
    let id = message["Records"][0]["messageId"].clone();
    for attempts in 1..=2 {
        let answer = stack.invoke(&message).await.unwrap();
        assert!(!answer.failed, "{answer:?}");
        let failures = json!({"batchItemFailures": [{"itemIdentifier": id}]});
        assert_eq!(answer.payload, failures);
        let record = stack.bucket().get("failures/7.json").await.unwrap();
        let record: Value = serde_json::from_slice(&record.unwrap()).unwrap();
        assert_eq!(record["attempts"], attempts, "{record}");
        assert_eq!(record["retriable"], true, "{record}");
    }
    for _ in 0..3 {
        let answer = stack.invoke(&message).await.unwrap();
        assert_eq!(answer.payload, json!({"batchItemFailures": []}));
    }
    assert_eq!(seen.load(Ordering::SeqCst), 7);
    let keys = stack.bucket().keys("descriptions/").await.unwrap();
    assert_eq!(keys, ["descriptions/7.json"]);
    let records = stack.bucket().keys("failures/").await.unwrap();
    assert!(records.is_empty(), "{records:?}");
    stack.stop().await.unwrap();
}

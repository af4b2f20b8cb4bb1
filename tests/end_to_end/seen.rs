//! What is seen of the function from outside: its log, and its callers' traces.

use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::common::*;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The lines of the function's log, as documents.
fn log(stack: &mut Stack) -> Vec<Value> {
    let log = stack.function().output();
    let documents = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    documents.collect()
}

#[tokio::test]
async fn a_product_has_a_line_and_metrics_and_the_model_server_its_caller_s_trace() {
    let id = "anthropic.claude-3-sonnet-20240229-v1:0";
    let mut stack = start_with("MODEL_PRICES", &format!("{id}=1000/2000")).await;
    let mut event = event("http-api.json");
    event["headers"]["traceparent"] = json!(format!("00-{TRACE_ID}-00f067aa0ba902b7-01"));
    for _ in 0..2 {
        let answer = stack.invoke(&event).await.unwrap();
        assert_eq!(answer.payload["statusCode"], 200, "{:?}", answer.payload);
    }

    let log = log(&mut stack);
    let products: Vec<&Value> = log
        .iter()
        .filter(|line| line["message"] == "product")
        .collect();
    assert_eq!(products.len(), 2, "{log:#?}");
    for (line, is_first) in products.iter().zip([true, false]) {
        assert_eq!(line["outcome"], "described", "{line}");
        assert_eq!(line["trigger"], "http-api", "{line}");
        assert_eq!(line["product_id"], "drawn-01", "{line}");
        assert_eq!(line["trace_id"], TRACE_ID, "{line}");
        assert_eq!(line["cold_start"], is_first, "{line}");
        assert!(line["attempts"].as_u64().unwrap() >= 2, "{line}");
        assert!(line["output_tokens"].as_u64().unwrap() > 0, "{line}");
        assert!(line["cost_usd"].as_f64().unwrap() > 0.0, "{line}");
    }
    let metrics = || log.iter().filter(|line| line.get("_aws").is_some());
    let count = |name: &str| metrics().filter(|line| line.get(name).is_some()).count();
    assert_eq!((count("ColdStarts"), count("ProductsDescribed")), (1, 2));
    assert_eq!(count("CostUSD"), 2);
    assert!(metrics().all(|line| line["FunctionName"].is_string()));

    let model_server = stack.model_server().unwrap().output();
    assert!(model_server.contains(TRACE_ID), "{model_server}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_made_again_is_answered_as_before_and_seen_as_that() {
    let mut stack = start_with("IDEMPOTENCY_LOCATION", "s3://lookbook-catalogue/calls/").await;
    let mut event = event("http-api.json");
    event["headers"]["idempotency-key"] = json!("8e03978e-40d5-43dd-bc93-6894a57f9324");
    let first = stack.invoke(&event).await.unwrap().payload;
    let again = stack.invoke(&event).await.unwrap().payload;
    assert_eq!(first["statusCode"], 200, "{first}");
    assert_eq!(again["body"], first["body"]);
    assert_eq!(again["headers"]["idempotency-replayed"], "true", "{again}");

    let log = log(&mut stack);
    let outcomes: Vec<&Value> = log
        .iter()
        .filter(|line| line["message"] == "product")
        .map(|line| &line["outcome"])
        .collect();
    assert_eq!(outcomes, ["described", "skipped"]);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_for_its_caller_alone() {
    let mut stack = start(StackOptions::default()).await;
    let mut event = direct("drawn-01");
    event["Jane Customer"] = json!(1);
    let answer = stack.invoke(&event).await.unwrap();
    assert!(answer.failed, "{answer:?}");
    assert!(answer.payload.to_string().contains("Jane Customer"));

    let photo = event["image"]["base64"].as_str().unwrap();
    let log = stack.function().output();
    assert!(log.contains("invalid-request"), "{log}");
    assert!(
        !log.contains("Jane") && !log.contains(&photo[..40]),
        "{log}"
    );
    stack.stop().await.unwrap();
}

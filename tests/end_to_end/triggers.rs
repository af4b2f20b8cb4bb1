//! The sample events of `events/`, each to the real function: what its trigger
//! would have as an answer.

use std::time::Duration;

use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::common::*;

const WAIT: Duration = Duration::from_secs(60);

/// A stack whose bucket has the photos that the sample events name.
async fn with_photos() -> Stack {
    let stack = start(StackOptions::default()).await;
    for (product, picture) in [
        ("drawn-01", "drawn-01"),
        ("drawn-05", "drawn-05"),
        ("drawn-07", "drawn-07"),
        // What the sample events say of its ETag.
        ("summer shirt (blue)", "drawn-01"),
        ("summer shirt (blue) 1+1 100%", "drawn-01"),
    ] {
        let key = format!("incoming/{product}.jpg");
        stack.bucket().put(&key, sample(picture)).await.unwrap();
    }
    stack
}

async fn answer(stack: &mut Stack, name: &str) -> Value {
    let answer = stack.invoke(&event(name)).await.unwrap();
    assert!(!answer.failed, "{name}: {answer:?}");
    answer.payload
}

/// Waits for the results of these products. What they say depends on who asked
/// last: the bucket's own notifications do, too.
async fn assert_stored(stack: &mut Stack, products: &[&str]) {
    for product in products {
        let key = format!("descriptions/{product}.json");
        let result = stack.wait_for_object(&key, WAIT).await.unwrap();
        let result: Value = serde_json::from_slice(&result).unwrap();
        assert_eq!(result["product_id"], *product, "{result}");
        assert!(result["description"].is_string(), "{result}");
    }
}

#[tokio::test]
async fn a_rest_api_is_answered_in_format_1_0() {
    let mut stack = start(StackOptions::default()).await;
    for name in ["rest-api.json", "http-api-format-1.json"] {
        let answer = answer(&mut stack, name).await;
        assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
        assert!(answer.get("cookies").is_none(), "{name}: {answer}");
        assert_described(&body(&answer), "drawn-01");
    }
    let answer = answer(&mut stack, "rest-api-binary.json").await;
    assert_eq!(body(&answer)["product_id"], "drawn-01", "{answer}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_load_balancer_is_answered_with_a_description_of_the_status() {
    let mut stack = start(StackOptions::default()).await;
    let plain = answer(&mut stack, "load-balancer.json").await;
    assert_eq!(plain["statusDescription"], "200 OK", "{plain}");
    assert_described(&body(&plain), "drawn-01");

    let lists = answer(&mut stack, "load-balancer-lists.json").await;
    assert_eq!(lists["statusCode"], 200, "{lists}");
    assert_eq!(
        lists["multiValueHeaders"]["content-type"],
        json!(["application/json"])
    );
    for name in body(&lists)["attributes"].as_object().unwrap().keys() {
        assert!(
            ["Sleeve Length", "Colour"].contains(&name.as_str()),
            "{name}"
        );
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_has_one_result_each() {
    let mut stack = with_photos().await;
    for name in ["http-api-batch.json", "rest-api-batch.json"] {
        let answer = answer(&mut stack, name).await;
        assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
        let answer = body(&answer);
        let results = answer["results"].as_array().unwrap();
        let ids: Vec<&str> = results
            .iter()
            .map(|result| result["product_id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["drawn-01", "drawn-05", "drawn-07"], "{name}");
        for result in results {
            assert!(result["description"].is_string(), "{name}: {result}");
        }
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_of_event_bridge_is_followed() {
    let mut stack = with_photos().await;
    answer(&mut stack, "event-bridge-s3.json").await;
    assert_stored(&mut stack, &["summer shirt (blue) 1+1 100%"]).await;
    assert_eq!(answer(&mut stack, "s3-test.json").await, Value::Null);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_queue_is_told_which_messages_failed() {
    let mut stack = with_photos().await;
    let all = answer(&mut stack, "sqs-mixed.json").await;
    assert_eq!(all, json!({"batchItemFailures": []}));
    let products = ["drawn-01", "summer shirt (blue)", "drawn-05", "drawn-07"];
    assert_stored(&mut stack, &products).await;

    let mut mixed = event("sqs-mixed.json");
    mixed["Records"][1]["body"] = json!("no JSON");
    let missing = json!({"image": {"s3_uri": "s3://lookbook-catalogue/incoming/none.jpg"}});
    mixed["Records"][3]["body"] = json!(missing.to_string());
    let answer = stack.invoke(&mixed).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    let failed: Vec<&Value> = answer.payload["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| &failure["itemIdentifier"])
        .collect();
    // What is no request and names no bucket can't be kept. A missing photo is.
    assert_eq!(failed, [&mixed["Records"][1]["messageId"]]);
    let record = stack.wait_for_object("failures/none.json", WAIT).await;
    let record: Value = serde_json::from_slice(&record.unwrap()).unwrap();
    assert_eq!(record["kind"], "no-such-object", "{record}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn messages_of_a_topic_are_followed() {
    let mut stack = with_photos().await;
    for name in ["sns-s3.json", "sns-own.json"] {
        answer(&mut stack, name).await;
    }
    assert_stored(&mut stack, &["drawn-01", "drawn-07"]).await;
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_task_s_result_is_the_description() {
    let mut stack = with_photos().await;
    for name in ["step-functions-input.json", "step-functions-payload.json"] {
        assert_described(&answer(&mut stack, name).await, "drawn-01");
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_distributed_map_has_one_outcome_each() {
    let mut stack = with_photos().await;
    let batch = answer(&mut stack, "distributed-map-batch.json").await;
    assert_eq!(batch["failed"], 0, "{batch}");
    assert_eq!(batch["outcomes"].as_array().unwrap().len(), 3, "{batch}");
    assert_stored(&mut stack, &["drawn-01", "summer shirt (blue)"]).await;

    // What the batch has done is not done again.
    let item = answer(&mut stack, "distributed-map-item.json").await;
    assert_eq!(item["key"], "incoming/drawn-01.jpg", "{item}");
    assert!(
        ["written", "skipped"].contains(&item["outcome"].as_str().unwrap()),
        "{item}"
    );

    let products = answer(&mut stack, "distributed-map-products.json").await;
    assert_eq!(products["described"], 3, "{products}");
    stack.stop().await.unwrap();
}

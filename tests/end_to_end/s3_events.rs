//! Photographs that arrive in the catalogue bucket.

use std::time::Duration;

use local_stack::{Stack, StackOptions};
use serde_json::Value;

use crate::common::*;

const WAIT: Duration = Duration::from_secs(60);

async fn described(stack: &mut Stack, product_id: &str) -> Value {
    let key = format!("descriptions/{product_id}.json");
    serde_json::from_slice(&stack.wait_for_object(&key, WAIT).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_photo_that_arrives_is_described_beside_it() {
    let mut stack = start(StackOptions::default()).await;
    stack
        .bucket()
        .put("incoming/drawn-05.jpg", sample("drawn-05"))
        .await
        .unwrap();
    assert_described(&described(&mut stack, "drawn-05").await, "drawn-05");

    // Its own result and what is no photo trigger nothing.
    stack
        .bucket()
        .put("incoming/notes.txt", b"no photo".to_vec())
        .await
        .unwrap();
    stack
        .bucket()
        .put("elsewhere/drawn-06.jpg", sample("drawn-06"))
        .await
        .unwrap();
    stack
        .bucket()
        .put("incoming/summer/last one (2).jpg", sample("drawn-07"))
        .await
        .unwrap();
    assert_described(
        &described(&mut stack, "summer/last one (2)").await,
        "summer/last one (2)",
    );
    let keys = stack.bucket().keys("descriptions/").await.unwrap();
    assert_eq!(keys.len(), 2, "{keys:?}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_sample_events_are_followed_and_keys_are_decoded() {
    let mut stack = start(StackOptions::default()).await;
    // Put where no event is sent from, then moved by the events themselves:
    // the photos are there before the events say so.
    for (name, key) in [
        ("s3-put.json", "incoming/drawn-01.jpg"),
        (
            "s3-put-encoded-key.json",
            "incoming/summer shirt (blue).jpg",
        ),
    ] {
        stack.bucket().put(key, sample("drawn-01")).await.unwrap();
        let answer = stack.invoke(&event(name)).await.unwrap();
        assert!(!answer.failed, "{name}: {answer:?}");
    }
    assert_described(&described(&mut stack, "drawn-01").await, "drawn-01");
    let spaced = described(&mut stack, "summer shirt (blue)").await;
    assert_described(&spaced, "summer shirt (blue)");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_delivery_does_no_second_work() {
    let mut stack = start(StackOptions::default()).await;
    stack
        .bucket()
        .put("incoming/drawn-01.jpg", sample("drawn-01"))
        .await
        .unwrap();
    described(&mut stack, "drawn-01").await;
    // The sample event is of a later upload than that: it is worked on, once.
    let answer = stack.invoke(&event("s3-put.json")).await.unwrap();
    assert_eq!(
        answer.payload["written"].as_array().unwrap().len(),
        1,
        "{answer:?}"
    );
    let first = described(&mut stack, "drawn-01").await;
    let calls = |stack: &mut Stack| {
        let log = stack.model_server().unwrap().output();
        log.lines()
            .filter(|line| line.contains("invocations"))
            .count()
    };
    let before = calls(&mut stack);
    assert_eq!(before, 2);
    for _ in 0..3 {
        let answer = stack.invoke(&event("s3-put.json")).await.unwrap();
        assert!(!answer.failed, "{answer:?}");
        assert_eq!(answer.payload["written"], serde_json::json!([]));
    }
    assert_eq!(calls(&mut stack), before);
    assert_eq!(described(&mut stack, "drawn-01").await, first);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_claim_on_a_product_is_gone_when_the_work_is_done() {
    let mut stack = start(StackOptions::default()).await;
    let photo = sample("drawn-01");
    let bucket = stack.bucket();
    bucket.put("incoming/drawn-01.jpg", photo).await.unwrap();
    assert_described(&described(&mut stack, "drawn-01").await, "drawn-01");
    // A later upload, which the same process hears of when it is done with that one.
    let answer = stack.invoke(&event("s3-put.json")).await.unwrap();
    let written = answer.payload["written"].as_array().map(Vec::len);
    assert_eq!(written, Some(1), "{answer:?}");
    let beside = stack.bucket().keys("failures/").await.unwrap();
    assert!(beside.is_empty(), "{beside:?}");
    let claims = stack.bucket().keys("claims/").await.unwrap();
    assert!(claims.is_empty(), "{claims:?}");
    stack.stop().await.unwrap();
}

async fn failure(stack: &mut Stack, product_id: &str) -> Value {
    let key = format!("failures/{product_id}.json");
    serde_json::from_slice(&stack.wait_for_object(&key, WAIT).await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_event_about_a_missing_object_leaves_a_record_until_it_is_there() {
    let mut stack = start(StackOptions::default()).await;
    let answer = stack.invoke(&event("s3-put.json")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_eq!(answer.payload["written"], serde_json::json!([]));
    let record = failure(&mut stack, "drawn-01").await;
    assert_eq!(record["kind"], "no-such-object");
    assert_eq!(record["retriable"], false);
    let detail = record["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("incoming/drawn-01.jpg"), "{detail}");
    assert!(
        stack
            .bucket()
            .keys("descriptions/")
            .await
            .unwrap()
            .is_empty()
    );

    stack
        .bucket()
        .put("incoming/drawn-01.jpg", sample("drawn-01"))
        .await
        .unwrap();
    let answer = stack.invoke(&event("s3-put.json")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    described(&mut stack, "drawn-01").await;
    let records = stack.bucket().keys("failures/").await.unwrap();
    assert!(records.is_empty(), "{records:?}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_broken_photo_leaves_a_record_and_spoils_no_other() {
    let mut stack = start(StackOptions::default()).await;
    let cut = sample("drawn-02")[..30_000].to_vec();
    stack
        .bucket()
        .put("incoming/broken.jpg", cut)
        .await
        .unwrap();
    stack
        .bucket()
        .put("incoming/drawn-02.jpg", sample("drawn-02"))
        .await
        .unwrap();
    assert_described(&described(&mut stack, "drawn-02").await, "drawn-02");
    let record = failure(&mut stack, "broken").await;
    assert_eq!(record["kind"], "invalid-photo");
    assert_eq!(record["retriable"], false);
    assert_eq!(record["attempts"], 1);
    let keys = stack.bucket().keys("descriptions/").await.unwrap();
    assert_eq!(keys, ["descriptions/drawn-02.json"]);
    stack.stop().await.unwrap();
}

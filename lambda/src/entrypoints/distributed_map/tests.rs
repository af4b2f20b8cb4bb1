use std::time::Duration;

use super::*;
use crate::fakes::{Fakes, photo_bytes};
use crate::problem::ProblemKind;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn listed(key: &str) -> Value {
    json!({
        "Etag": "\"2b25414636e3c8d319d03a13f36cb58e\"",
        "Key": key,
        "LastModified": 1763976600,
        "Size": 128894,
        "StorageClass": "STANDARD"
    })
}

fn fakes() -> Fakes {
    let fakes = Fakes::default();
    for key in ["incoming/1.jpg", "images/a+b 100%.jpg"] {
        fakes
            .store
            .put(&format!("s3://catalogue/{key}"), photo_bytes());
    }
    fakes
}

async fn run_item(fakes: &Fakes, item: Value) -> Result<Value, Problem> {
    let item = serde_json::from_value(item).unwrap();
    handle_item(&fakes.app(), item, soon()).await
}

async fn run_batch(fakes: &Fakes, batch: Value) -> Value {
    let batch = serde_json::from_value(batch).unwrap();
    let answer = handle_batch(&fakes.app(), batch, soon()).await;
    answer.unwrap()
}

#[tokio::test]
async fn an_item_says_what_became_of_it() {
    let fakes = fakes();
    let mut item = listed("incoming/1.jpg");
    item["bucket"] = json!("catalogue");
    let written = json!({
        "key": "incoming/1.jpg",
        "outcome": "written",
        "result": "s3://catalogue/descriptions/1.json"
    });
    assert_eq!(run_item(&fakes, item.clone()).await.unwrap(), written);
    let (_, source) = fakes
        .store
        .get("s3://catalogue/descriptions/1.json")
        .unwrap();
    let source = source.unwrap();
    let etag = source.etag.as_deref();
    assert_eq!(etag, Some("2b25414636e3c8d319d03a13f36cb58e"));
    assert_eq!(source.at_ms, Some(1_763_976_600_999));

    let again = run_item(&fakes, item).await.unwrap();
    assert_eq!(again["outcome"], "skipped");
    assert_eq!(again["reason"], "described already");
}

/// Whether they are told as a number or with thousandths that nobody counted.
#[test]
fn listings_tell_times_to_the_second() {
    for (name, time) in [
        ("LastModified", json!(1_763_976_600)),
        ("LastModified", json!("2025-11-24T09:30:00.000Z")),
        ("LastModified", json!("2025-11-24T09:30:00Z")),
        ("LastModifiedDate", json!("2025-11-24T09:30:00.000Z")),
    ] {
        let item = json!({"Key": "incoming/1.jpg", name: time});
        let item: ListedObject = serde_json::from_value(item).unwrap();
        assert_eq!(item.at_ms(), Some(1_763_976_600_999), "{name}: {time}");
    }
    for time in [json!("yesterday"), json!(u64::MAX), json!(-1), json!(null)] {
        let item = json!({"Key": "incoming/1.jpg", "LastModified": time});
        let item: ListedObject = serde_json::from_value(item).unwrap();
        assert_eq!(item.at_ms(), None, "{time}");
    }
}

#[tokio::test]
async fn the_bucket_may_come_in_several_places() {
    for extra in [
        json!({"bucket": "catalogue"}),
        json!({"Bucket": "catalogue"}),
        json!({"BatchInput": {"bucket": "catalogue"}}),
        json!({"BatchInput": {"Bucket": "catalogue", "more": 1}}),
    ] {
        let mut item = listed("incoming/1.jpg");
        let members = extra.as_object().unwrap().clone();
        item.as_object_mut().unwrap().extend(members);
        let answer = run_item(&fakes(), item).await.unwrap();
        assert_eq!(answer["outcome"], "written", "{extra}");
    }
}

#[tokio::test]
async fn an_item_that_fails_is_the_error_of_its_task() {
    let fakes = fakes();
    let problem = run_item(&fakes, listed("incoming/1.jpg"))
        .await
        .unwrap_err();
    assert!(problem.detail.contains("BatchInput"), "{problem:?}");
    for (key, kind) in [
        ("catalogue", ProblemKind::NoSuchObject),
        ("arn:aws:s3:::catalogue", ProblemKind::InvalidRequest),
    ] {
        let mut item = listed("incoming/2.jpg");
        item["bucket"] = json!(key);
        assert_eq!(run_item(&fakes, item).await.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn a_batch_has_one_outcome_each_in_order() {
    let fakes = fakes();
    let batch = json!({
        "BatchInput": {"bucket": "catalogue"},
        "Items": [
            listed("incoming/1.jpg"),
            listed("incoming/"),
            listed("incoming/2.jpg"),
            {"product_id": "7", "image": {"s3_uri": "s3://catalogue/incoming/1.jpg"}},
            {"product_id": "8", "image": {}},
            {"Key": 7},
            "text"
        ]
    });
    let answer = run_batch(&fakes, batch).await;
    for (kind, count) in [
        ("written", 1),
        ("skipped", 1),
        ("described", 1),
        ("failed", 4),
    ] {
        assert_eq!(answer[kind], count, "{answer}");
    }
    let outcomes = answer["outcomes"].as_array().unwrap();
    let kinds: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "written",
            "skipped",
            "failed",
            "described",
            "failed",
            "failed",
            "failed"
        ]
    );
    assert_eq!(outcomes[1]["key"], "incoming/");
    assert_eq!(outcomes[2]["problem"]["status"], 404);
    assert_eq!(outcomes[3]["result"]["attributes"]["Fabric"], "Cotton");
    assert_eq!(outcomes[4]["product_id"], "8");
}

#[tokio::test]
async fn a_prefix_of_its_own_names_products_of_another_folder() {
    let fakes = fakes();
    let batch = json!({
        "BatchInput": {"bucket": "catalogue", "prefix": "images/"},
        "Items": [listed("images/a+b 100%.jpg"), listed("incoming/1.jpg")]
    });
    let answer = run_batch(&fakes, batch).await;
    assert_eq!(
        answer["outcomes"][0]["result"],
        "s3://catalogue/descriptions/a+b 100%.json"
    );
    assert_eq!(answer["outcomes"][1]["reason"], "no incoming photo");
}

#[tokio::test]
async fn an_empty_batch_is_done_at_once() {
    let answer = run_batch(&Fakes::default(), json!({"Items": []})).await;
    assert_eq!(answer["outcomes"], json!([]));
    assert_eq!(answer["failed"], 0);
}

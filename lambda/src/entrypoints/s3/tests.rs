use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::fakes::{Fakes, photo_bytes};

fn record(key: &str) -> S3Record {
    let record = json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "catalogue"},
            "object": {"key": key, "size": 1, "eTag": "e1", "sequencer": "0055AED6DCD90281E5"}
        }
    });
    serde_json::from_value(record).unwrap()
}

async fn run(fakes: &Fakes, records: Vec<S3Record>) -> Result<Value, S3Error> {
    handle(
        &fakes.app(),
        records,
        Deadline::after(Duration::from_secs(20)),
    )
    .await
}

fn calls(fakes: &Fakes) -> usize {
    fakes.model.asked.lock().unwrap().len()
}

#[tokio::test]
async fn a_photo_is_described_beside_itself() {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/38642.jpg", photo_bytes());
    let answer = run(&fakes, vec![record("incoming/38642.jpg")])
        .await
        .unwrap();
    assert_eq!(
        answer["written"],
        json!(["s3://catalogue/descriptions/38642.json"])
    );

    let (result, source) = fakes
        .store
        .get("s3://catalogue/descriptions/38642.json")
        .unwrap();
    let result: Value = serde_json::from_slice(&result).unwrap();
    assert_eq!(result["product_id"], "38642");
    assert_eq!(result["attributes"]["Fabric"], "Cotton");
    assert_eq!(source.unwrap().etag.as_deref(), Some("e1"));
}

#[tokio::test]
async fn the_key_is_decoded() {
    let fakes = Fakes::default();
    fakes.store.put(
        "s3://catalogue/incoming/summer shirt (blue) 1+1 é.jpg",
        photo_bytes(),
    );
    let key = "incoming/summer+shirt+%28blue%29+1%2B1+%C3%A9.jpg";
    run(&fakes, vec![record(key)]).await.unwrap();
    let uri = "s3://catalogue/descriptions/summer shirt (blue) 1+1 é.json";
    assert!(fakes.store.get(uri).is_some(), "{:?}", fakes.store.uris());
}

#[tokio::test]
async fn a_second_delivery_does_no_second_work() {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/1.jpg", photo_bytes());
    run(&fakes, vec![record("incoming/1.jpg")]).await.unwrap();
    let answer = run(&fakes, vec![record("incoming/1.jpg")]).await.unwrap();
    assert_eq!(
        answer,
        json!({"written": [], "skipped": ["incoming/1.jpg"]})
    );
    assert_eq!(calls(&fakes), 1);

    let mut newer = record("incoming/1.jpg");
    newer.s3.object.sequencer = Some("0055AED6DCD90281E6".into());
    run(&fakes, vec![newer]).await.unwrap();
    assert_eq!(calls(&fakes), 2);
}

#[tokio::test]
async fn results_may_go_elsewhere() {
    let mut fakes = Fakes::default();
    fakes.variables.insert("OUTPUT_BUCKET", "results");
    fakes.variables.insert("OUTPUT_PREFIX", "texts/");
    fakes
        .store
        .put("s3://catalogue/incoming/1.png", photo_bytes());
    run(&fakes, vec![record("incoming/1.png")]).await.unwrap();
    assert!(fakes.store.get("s3://results/texts/1.json").is_some());
}

#[tokio::test]
async fn what_is_no_incoming_photo_is_passed_over() {
    let fakes = Fakes::default();
    let mut removed = record("incoming/1.jpg");
    removed.event_name = "ObjectRemoved:Delete".into();
    let keys = [
        "incoming/",
        "incoming/readme.txt",
        "incoming/.jpg",
        "incoming/folder/.jpg",
        "incoming/jpg",
        "other/1.jpg",
        "descriptions/1.json",
        "descriptions/1.jpg",
    ];
    let records: Vec<S3Record> = keys.into_iter().map(record).chain([removed]).collect();
    let answer = run(&fakes, records).await.unwrap();
    assert_eq!(answer["skipped"].as_array().unwrap().len(), keys.len() + 1);
    assert_eq!(answer["written"], json!([]));
    assert_eq!(calls(&fakes), 0);
}

#[tokio::test]
async fn one_failure_spoils_no_other_photo_and_names_its_key() {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/1.jpg", photo_bytes());
    fakes.store.put(
        "s3://catalogue/incoming/2.jpg",
        Bytes::from_static(b"no photo"),
    );
    fakes
        .store
        .put("s3://catalogue/incoming/4.jpg", photo_bytes());
    let records = ["1", "2", "3", "4"]
        .map(|id| record(&format!("incoming/{id}.jpg")))
        .to_vec();
    let diagnostic = Diagnostic::from(run(&fakes, records).await.unwrap_err());
    let message = diagnostic.error_message;
    for part in [
        "incoming/2.jpg",
        "no JPEG",
        "incoming/3.jpg",
        "does not exist",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("incoming/1.jpg"), "{message}");
    assert!(
        fakes
            .store
            .get("s3://catalogue/descriptions/1.json")
            .is_some()
    );
    assert!(
        fakes
            .store
            .get("s3://catalogue/descriptions/4.json")
            .is_some()
    );
    assert!(
        fakes
            .store
            .get("s3://catalogue/descriptions/2.json")
            .is_none()
    );
}

#[test]
fn a_product_is_named_by_what_is_below_the_prefix() {
    let settings = Settings::read(|_| None).unwrap();
    let id = |key| product_id(&settings, key);
    assert_eq!(id("incoming/38642.jpg"), Some("38642"));
    assert_eq!(id("incoming/a.b.WEBP"), Some("a.b"));
    assert_eq!(id("incoming/summer/1.jpeg"), Some("summer/1"));
    assert_eq!(id("incoming/1.gif"), None);
}

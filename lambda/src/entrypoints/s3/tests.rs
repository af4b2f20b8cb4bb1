use std::time::Duration;

use bytes::Bytes;
use lambda_runtime::Diagnostic;
use serde_json::json;

use super::*;
use crate::fakes::{Fakes, photo_bytes};

/// The upload that a record with this key, URL-encoded, is about.
fn record(key: &str) -> Upload {
    let record = json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "catalogue"},
            "object": {"key": key, "size": 1, "eTag": "e1", "sequencer": "0055AED6DCD90281E5"}
        }
    });
    serde_json::from_value::<S3Record>(record).unwrap().into()
}

async fn run(fakes: &Fakes, records: Vec<Upload>) -> Result<Value, RecordsError> {
    handle(
        &fakes.app(),
        records,
        Deadline::after(Duration::from_secs(20)),
    )
    .await
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
        json!({"written": [], "skipped": ["incoming/1.jpg"], "failed": []})
    );
    assert_eq!(fakes.calls(), 1);

    let mut newer = record("incoming/1.jpg");
    newer.sequencer = Some("0055AED6DCD90281E6".into());
    run(&fakes, vec![newer]).await.unwrap();
    assert_eq!(fakes.calls(), 2);
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
    removed.is_there = false;
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
    let records: Vec<Upload> = keys.into_iter().map(record).chain([removed]).collect();
    let answer = run(&fakes, records).await.unwrap();
    assert_eq!(answer["skipped"].as_array().unwrap().len(), keys.len() + 1);
    assert_eq!(answer["written"], json!([]));
    assert_eq!(fakes.calls(), 0);
}

#[tokio::test]
async fn one_failure_spoils_no_other_photo_and_is_kept() {
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
    // Neither would become better by another delivery: the event is done.
    let answer = run(&fakes, records.clone()).await.unwrap();
    assert_eq!(
        answer["failed"],
        json!([
            "s3://catalogue/failures/2.json",
            "s3://catalogue/failures/3.json"
        ])
    );
    assert_eq!(
        answer["written"],
        json!([
            "s3://catalogue/descriptions/1.json",
            "s3://catalogue/descriptions/4.json"
        ])
    );
    for (product, kind, words) in [
        ("2", "invalid-photo", "no JPEG"),
        ("3", "no-such-object", "incoming/3.jpg"),
    ] {
        let record = fakes
            .store
            .json(&format!("s3://catalogue/failures/{product}.json"));
        assert_eq!(record["kind"], kind);
        let detail = record["problem"]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
        let result = format!("s3://catalogue/descriptions/{product}.json");
        assert!(fakes.store.get(&result).is_none());
    }

    // What is out of reach comes again, and the error names it.
    *fakes.store.denied.lock().unwrap() = Some("descriptions/");
    let newer = records.into_iter().map(|mut record| {
        record.sequencer = Some("0055AED6DCD90281E6".into());
        record
    });
    let error = run(&fakes, newer.collect()).await.unwrap_err();
    let message = Diagnostic::from(error).error_message;
    for part in ["incoming/1.jpg", "incoming/4.jpg", "s3:PutObject"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("incoming/2.jpg"), "{message}");
}

#[test]
fn a_record_says_whether_its_object_was_created() {
    for (event_name, is_there) in [
        ("ObjectCreated:Put", true),
        ("ObjectCreated:CompleteMultipartUpload", true),
        ("ObjectCreated:Copy", true),
        ("ObjectRemoved:Delete", false),
        ("ObjectTagging:Put", false),
        ("ObjectRestore:Completed", false),
    ] {
        let record = json!({
            "eventName": event_name,
            "s3": {"bucket": {"name": "catalogue"}, "object": {"key": "incoming/1.jpg"}}
        });
        let record: S3Record = serde_json::from_value(record).unwrap();
        assert_eq!(Upload::from(record).is_there, is_there, "{event_name}");
    }
}

#[test]
fn plus_signs_and_percent_signs_of_a_key_are_told_from_what_they_encode() {
    for (encoded, key) in [
        ("incoming/a+b.jpg", "incoming/a b.jpg"),
        ("incoming/a%2Bb.jpg", "incoming/a+b.jpg"),
        ("incoming/100%25+wool.jpg", "incoming/100% wool.jpg"),
        ("incoming/%252B.jpg", "incoming/%2B.jpg"),
        (
            "incoming/%E3%82%B7%E3%83%A3%E3%83%84.jpg",
            "incoming/シャツ.jpg",
        ),
        // Not encoded as it should be: taken as it is.
        ("incoming/50%.jpg", "incoming/50%.jpg"),
    ] {
        assert_eq!(record(encoded).key, key);
    }
}

#[tokio::test]
async fn the_longest_key_is_described_once_and_its_failure_is_kept() {
    let id = "a".repeat(1_024 - "incoming/.jpg".len());
    let key = format!("incoming/{id}.jpg");
    let fakes = Fakes::default();
    let uri = format!("s3://catalogue/{key}");
    let answer = run(&fakes, vec![record(&key)]).await.unwrap();
    assert_eq!(answer["failed"].as_array().unwrap().len(), 1, "{answer}");
    let kept = fakes.store.json(answer["failed"][0].as_str().unwrap());
    assert_eq!(kept["product_id"], id);
    assert_eq!(kept["kind"], "no-such-object");

    fakes.store.put(&uri, photo_bytes());
    let answer = run(&fakes, vec![record(&key)]).await.unwrap();
    let result = answer["written"][0].as_str().unwrap();
    assert!(
        result.starts_with("s3://catalogue/descriptions/aaaa"),
        "{result}"
    );
    assert_eq!(fakes.store.json(result)["product_id"], id);
    let again = run(&fakes, vec![record(&key)]).await.unwrap();
    assert_eq!(again["skipped"], json!([key]));
    assert_eq!(fakes.calls(), 1);
    assert_eq!(
        fakes.store.uris().len(),
        2,
        "the record is gone, and no claim is left"
    );
}

#[tokio::test]
async fn without_an_etag_and_a_sequencer_the_work_is_done_each_time() {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/1.jpg", photo_bytes());
    let mut bare = record("incoming/1.jpg");
    (bare.etag, bare.sequencer) = (None, None);
    for calls_so_far in 1..=2 {
        run(&fakes, vec![bare.clone()]).await.unwrap();
        assert_eq!(fakes.calls(), calls_so_far);
    }
}

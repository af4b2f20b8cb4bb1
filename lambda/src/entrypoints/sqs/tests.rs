use std::time::Duration;

use super::*;
use crate::fakes::{Fakes, photo_bytes};

const STANDARD: &str = "arn:aws:sqs:us-east-1:123456789012:photos";
const FIFO: &str = "arn:aws:sqs:us-east-1:123456789012:photos.fifo";

fn record(id: &str, body: &str) -> SqsRecord {
    grouped(STANDARD, None, id, body)
}

fn grouped(queue: &str, group: Option<&str>, id: &str, body: &str) -> SqsRecord {
    let record = json!({
        "messageId": id,
        "receiptHandle": "MessageReceiptHandle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": group},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": "us-east-1"
    });
    serde_json::from_value(record).unwrap()
}

fn s3(key: &str) -> String {
    json!({"Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "catalogue"}, "object": {"key": key, "eTag": "e1"}}
    }]})
    .to_string()
}

fn event_bridge(key: &str) -> String {
    json!({
        "version": "0",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": "catalogue"}, "object": {"key": key, "etag": "e1"}}
    })
    .to_string()
}

fn sns(message: &str) -> String {
    json!({
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:photos",
        "Message": message
    })
    .to_string()
}

fn own(key: &str) -> String {
    json!({"image": {"s3_uri": format!("s3://catalogue/{key}")}}).to_string()
}

/// A store with photos of these products.
fn fakes(products: &[&str]) -> Fakes {
    let fakes = Fakes::default();
    for product in products {
        let uri = format!("s3://catalogue/incoming/{product}.jpg");
        fakes.store.put(&uri, photo_bytes());
    }
    fakes
}

/// The ids of the messages that failed.
async fn run(fakes: &Fakes, records: Vec<SqsRecord>) -> Vec<String> {
    let deadline = Deadline::after(Duration::from_secs(20));
    let answer = handle(&fakes.app(), records, deadline).await;
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

fn is_described(fakes: &Fakes, product: &str) -> bool {
    let uri = format!("s3://catalogue/descriptions/{product}.json");
    fakes.store.get(&uri).is_some()
}

#[tokio::test]
async fn messages_of_every_kind_may_be_in_one_batch() {
    let fakes = fakes(&["1", "2 a+b", "3", "4", "5"]);
    let records = vec![
        record("s3", &s3("incoming/1.jpg")),
        record("event bridge", &event_bridge("incoming/2 a+b.jpg")),
        record("sns", &sns(&s3("incoming/3.jpg"))),
        record("own", &own("incoming/4.jpg")),
        record("own in sns", &sns(&own("incoming/5.jpg"))),
        record(
            "test",
            r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "catalogue"}"#,
        ),
        record("passed over", &s3("elsewhere/1.jpg")),
    ];
    assert!(run(&fakes, records).await.is_empty());
    for product in ["1", "2 a+b", "3", "4", "5"] {
        assert!(is_described(&fakes, product), "{product}");
    }
}

#[tokio::test]
async fn only_what_may_succeed_or_was_not_kept_is_delivered_again() {
    let wrong = ["no json", "unknown", "no records", "no json in sns"];
    let records = || {
        vec![
            record("good", &s3("incoming/1.jpg")),
            record("missing", &s3("incoming/2.jpg")),
            record("no json", "Hello"),
            record("unknown", "{}"),
            record("also good", &own("incoming/4.jpg")),
            record("no records", r#"{"Records": []}"#),
            record("no json in sns", &sns("Hello")),
        ]
    };
    let mut fakes = fakes(&["1", "4"]);
    // A message that names no bucket has no place for its record.
    assert_eq!(run(&fakes, records()).await, wrong);
    assert!(is_described(&fakes, "1") && is_described(&fakes, "4"));
    let missing = fakes.store.json("s3://catalogue/failures/2.json");
    assert_eq!(missing["kind"], "no-such-object");

    fakes.variables.insert("OUTPUT_BUCKET", "results");
    assert!(run(&fakes, records()).await.is_empty());
    for id in wrong {
        let uri = format!("s3://results/failures/messages/{id}.json");
        assert_eq!(fakes.store.json(&uri)["kind"], "invalid-request", "{id}");
    }
}

#[tokio::test]
async fn a_slow_endpoint_has_its_messages_delivered_again_until_it_answers() {
    let fakes = fakes(&["1"]);
    let records = || vec![record("m1", &own("incoming/1.jpg"))];
    fakes.is_slow(true);
    for attempts in 1..=3 {
        assert_eq!(run(&fakes, records()).await, ["m1"]);
        let kept = fakes.store.json("s3://catalogue/failures/1.json");
        assert_eq!(kept["attempts"], attempts);
        assert_eq!(kept["retriable"], true);
        assert_eq!(kept["product_id"], "1");
    }
    fakes.is_slow(false);
    assert!(run(&fakes, records()).await.is_empty());
    assert_eq!(
        fakes.store.uris(),
        [
            "s3://catalogue/descriptions/1.json",
            "s3://catalogue/incoming/1.jpg"
        ]
    );
}

#[tokio::test]
async fn a_message_with_several_photos_comes_again_with_one_of_them() {
    let fakes = fakes(&["1", "3"]);
    let records: Vec<Value> = ["1", "2", "3"]
        .iter()
        .map(|product| {
            let text = s3(&format!("incoming/{product}.jpg"));
            let event: Value = serde_json::from_str(&text).unwrap();
            event["Records"][0].clone()
        })
        .collect();
    let body = json!({"Records": records}).to_string();
    let failures = |denied| {
        *fakes.store.denied.lock().unwrap() = denied;
        run(&fakes, vec![record("three", &body)])
    };
    // A missing photo is no reason, one whose failure can't be kept is.
    assert_eq!(failures(Some("failures/2.json")).await, ["three"]);
    assert!(is_described(&fakes, "1") && is_described(&fakes, "3"));
    assert!(failures(None).await.is_empty());
}

#[tokio::test]
async fn messages_of_a_group_do_not_overtake_one_that_failed() {
    let fakes = fakes(&["1", "2", "3", "4"]);
    // The one that is behind the failure has to wait for it.
    *fakes.store.denied.lock().unwrap() = Some("descriptions/2.json");
    let records = |queue| {
        vec![
            grouped(queue, Some("a"), "a1", &own("incoming/1.jpg")),
            grouped(queue, Some("a"), "a2", &own("incoming/2.jpg")),
            grouped(queue, Some("b"), "b1", &own("incoming/4.jpg")),
            grouped(queue, Some("a"), "a3", &own("incoming/3.jpg")),
        ]
    };
    assert_eq!(run(&fakes, records(FIFO)).await, ["a2", "a3"]);
    assert!(is_described(&fakes, "4") && !is_described(&fakes, "3"));
    // The groups of a standard queue have no order.
    assert_eq!(run(&fakes, records(STANDARD)).await, ["a2"]);
    assert!(is_described(&fakes, "3"));
}

#[tokio::test]
async fn a_second_delivery_does_no_second_work() {
    let fakes = fakes(&["1", "2"]);
    for _ in 0..2 {
        let records = vec![
            record("m1", &s3("incoming/1.jpg")),
            record("m2", &own("incoming/2.jpg")),
        ];
        assert!(run(&fakes, records).await.is_empty());
    }
    assert_eq!(fakes.calls(), 2);
}

/// By how often it was received.
#[tokio::test]
async fn what_is_delivered_again_is_looked_at_before_it_is_claimed() {
    let fakes = fakes(&["1"]);
    let mut event: Value = serde_json::from_str(&s3("incoming/1.jpg")).unwrap();
    event["Records"][0]["s3"]["object"]["sequencer"] = json!("01");
    let received = |count: &str| {
        let mut record = record("m1", &event.to_string());
        record.attributes.approximate_receive_count = Some(count.to_owned());
        vec![record]
    };
    let claim = "s3://catalogue/claims/1.json";
    for (count, requests) in [("1", 2), ("2", 0), ("12", 0), ("1", 2)] {
        assert!(run(&fakes, received(count)).await.is_empty());
        assert_eq!(fakes.store.requests(claim), requests, "{count}");
    }
    // Without a sequencer it may be of any time.
    let listed = vec![record("m2", &s3("incoming/1.jpg"))];
    assert!(run(&fakes, listed).await.is_empty());
    assert_eq!(fakes.store.requests(claim), 0);
    assert_eq!(fakes.calls(), 1);
}

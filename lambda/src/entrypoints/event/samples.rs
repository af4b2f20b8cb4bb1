//! Every file of `events/`, by name: what it is taken for, and that it is answered.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;

use super::*;
use crate::entrypoints::handle;
use crate::entrypoints::message::{self, Message};
use crate::fakes::{Fakes, photo_bytes};

/// A test for each file, and the list of them.
macro_rules! samples {
    ($($test:ident: $file:literal is $taken_for:literal;)*) => {
        const FILES: &[&str] = &[$($file),*];
        $(
            #[tokio::test]
            async fn $test() {
                assert_eq!(taken_for(recognise(sample($file)).unwrap()), $taken_for);
                assert_answered($file).await;
            }
        )*
    };
}

samples! {
    http_api_with_json: "http-api.json" is "HTTP, format 2.0";
    http_api_with_a_photo: "http-api-binary.json" is "HTTP, format 2.0";
    http_api_with_a_batch: "http-api-batch.json" is "HTTP, format 2.0";
    http_api_with_format_1_0: "http-api-format-1.json" is "HTTP, format 1.0";
    function_url: "function-url.json" is "HTTP, format 2.0";
    rest_api_with_json: "rest-api.json" is "HTTP, format 1.0";
    rest_api_with_a_photo: "rest-api-binary.json" is "HTTP, format 1.0";
    rest_api_with_a_batch: "rest-api-batch.json" is "HTTP, format 1.0";
    load_balancer_with_json: "load-balancer.json" is "HTTP, load balancer";
    load_balancer_with_lists_and_a_photo: "load-balancer-lists.json" is "HTTP, load balancer";
    s3_notification: "s3-put.json" is "S3: incoming/drawn-01.jpg";
    s3_notification_with_an_encoded_key: "s3-put-encoded-key.json"
        is "S3: incoming/summer shirt (blue).jpg";
    s3_notification_of_a_version_in_parts: "s3-versioned.json" is "S3: incoming/drawn-05.jpg";
    s3_test_event: "s3-test.json" is "S3's test";
    s3_through_event_bridge: "event-bridge-s3.json"
        is "S3: incoming/summer shirt (blue) 1+1 100%.jpg";
    sqs_around_s3: "sqs-s3.json"
        is "SQS [S3: incoming/drawn-01.jpg] [S3: incoming/summer shirt (blue).jpg]";
    sqs_around_event_bridge: "sqs-event-bridge.json" is "SQS [S3: incoming/drawn-01.jpg]";
    sqs_around_sns_around_s3: "sqs-sns-s3.json" is "SQS [S3: incoming/drawn-01.jpg]";
    sqs_with_own_messages: "sqs-own.json" is "SQS [own message]";
    sqs_with_everything: "sqs-mixed.json"
        is "SQS [S3: incoming/drawn-01.jpg] [S3: incoming/summer shirt (blue).jpg] \
            [S3: incoming/drawn-05.jpg] [own message] [S3's test]";
    sqs_fifo: "sqs-fifo.json" is "SQS [own message] [own message] [own message]";
    sns_around_s3: "sns-s3.json" is "SNS [S3: incoming/drawn-01.jpg]";
    sns_with_own_messages: "sns-own.json" is "SNS [own message]";
    step_functions_task_with_an_input: "step-functions-input.json" is "direct";
    step_functions_task_with_a_payload: "step-functions-payload.json" is "direct";
    distributed_map_item: "distributed-map-item.json" is "item";
    distributed_map_batch_of_a_listing: "distributed-map-batch.json" is "batch of items";
    distributed_map_batch_of_products: "distributed-map-products.json" is "batch of items";
    distributed_map_step_of_the_cheap_way: "distributed-map-questions.json" is "batch of items";
    direct_with_base64: "direct-base64.json" is "direct";
    direct_with_an_s3_uri: "direct-s3.json" is "direct";
}

#[test]
fn every_file_has_a_test() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    let tested: BTreeSet<String> = FILES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, tested);
    assert_eq!(tested.len(), FILES.len());
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn sample(file: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn taken_for(event: Event) -> String {
    match event {
        Event::HttpApi(_) => "HTTP, format 2.0".to_owned(),
        Event::RestApi(_) => "HTTP, format 1.0".to_owned(),
        Event::LoadBalancer(_) => "HTTP, load balancer".to_owned(),
        Event::S3(uploads) => photos(&uploads),
        Event::S3Test => "S3's test".to_owned(),
        Event::Sqs(records) => with_messages("SQS", records.iter().map(SqsRecord::text)),
        Event::Sns(records) => with_messages("SNS", records.iter().map(SnsRecord::text)),
        Event::MapItem(_) => "item".to_owned(),
        Event::MapBatch(_) => "batch of items".to_owned(),
        Event::Direct(_) => "direct".to_owned(),
    }
}

fn with_messages<'a>(trigger: &str, texts: impl Iterator<Item = &'a str>) -> String {
    let mut words = trigger.to_owned();
    for text in texts {
        let message = match message::read(text).unwrap() {
            Message::Photos(uploads) => photos(&uploads),
            Message::S3Test => "S3's test".to_owned(),
            Message::Own(_) => "own message".to_owned(),
        };
        words.push_str(&format!(" [{message}]"));
    }
    words
}

fn photos(uploads: &[Upload]) -> String {
    assert!(uploads.iter().all(|upload| upload.is_there));
    assert!(
        uploads
            .iter()
            .all(|upload| upload.bucket == "lookbook-catalogue")
    );
    let keys: Vec<&str> = uploads.iter().map(|upload| upload.key.as_str()).collect();
    format!("S3: {}", keys.join(", "))
}

/// Hands the file to the function whose bucket has the photos that the files name.
async fn assert_answered(file: &str) {
    let fakes = Fakes::default();
    for product in [
        "drawn-01",
        "drawn-05",
        "drawn-07",
        "summer shirt (blue)",
        "summer shirt (blue) 1+1 100%",
    ] {
        let uri = format!("s3://lookbook-catalogue/incoming/{product}.jpg");
        fakes.store.put(&uri, photo_bytes());
    }
    let mut context = Context::default();
    context.deadline = 60_000;
    let answer = handle(&fakes.app(), LambdaEvent::new(sample(file), context))
        .await
        .unwrap_or_else(|error| panic!("{file}: {error:?}"));

    let text = answer.to_string();
    assert!(!text.contains("problem"), "{file}: {text}");
    if let Some(status) = answer.get("statusCode") {
        assert_eq!(status, 200, "{file}: {text}");
    }
    if let Some(failures) = answer.get("batchItemFailures") {
        assert_eq!(failures.as_array().map(Vec::len), Some(0), "{file}: {text}");
    }
    if let Some(failed) = answer.get("failed") {
        // A number for a Distributed Map, the records of failures for all else.
        let none = [json!(0), json!([])];
        assert!(none.contains(failed), "{file}: {text}");
    }
    let described = fakes.describer.prompts.lock().unwrap().len();
    let without_a_text = ["s3-test.json", "distributed-map-questions.json"];
    assert_eq!(
        described == 0,
        without_a_text.contains(&file),
        "{file}: {text}"
    );
}

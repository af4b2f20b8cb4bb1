//! Events about objects, as the function gets them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use common::{Answer, BUCKET, Function, LocalCloud};

async fn put(cloud: &LocalCloud, key: &str, content: &'static [u8]) -> String {
    let put = cloud.s3_client().put_object().bucket(BUCKET).key(key);
    let output = put
        .body(ByteStream::from_static(content))
        .send()
        .await
        .unwrap();
    output.e_tag().unwrap().trim_matches('"').to_owned()
}

#[tokio::test]
async fn a_put_object_is_announced_in_the_published_structure() {
    let function = Function::start(&[]).await;
    let cloud = LocalCloud::start(&["--function-url", &function.url, "--region", "eu-west-1"]);
    let e_tag = put(&cloud, "incoming/38642.jpg", b"a photograph").await;
    cloud.wait_for_count("delivered", 1).await;

    let invocation = &function.invocations()[0];
    assert_eq!(invocation.headers["x-amz-invocation-type"], "Event");
    assert_eq!(invocation.headers["content-type"], "application/json");
    let record = invocation.record();
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["awsRegion"], "eu-west-1");
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    let time = record["eventTime"].as_str().unwrap();
    assert!(
        time.len() == 24 && time.ends_with('Z') && time.contains('T'),
        "{time}"
    );
    assert!(record["userIdentity"]["principalId"].is_string());
    assert_eq!(record["requestParameters"]["sourceIPAddress"], "127.0.0.1");
    assert_eq!(
        record["responseElements"]["x-amz-request-id"]
            .as_str()
            .unwrap()
            .len(),
        16
    );
    assert!(record["responseElements"]["x-amz-id-2"].is_string());
    let s3 = &record["s3"];
    assert_eq!(s3["s3SchemaVersion"], "1.0");
    assert!(s3["configurationId"].is_string());
    assert_eq!(s3["bucket"]["name"], BUCKET);
    assert_eq!(s3["bucket"]["arn"], format!("arn:aws:s3:::{BUCKET}"));
    assert!(s3["bucket"]["ownerIdentity"]["principalId"].is_string());
    assert_eq!(s3["object"]["key"], "incoming/38642.jpg");
    assert_eq!(s3["object"]["size"], 12);
    assert_eq!(s3["object"]["eTag"], e_tag);
    assert_eq!(s3["object"]["sequencer"].as_str().unwrap().len(), 18);
}

#[tokio::test]
async fn keys_with_spaces_plus_signs_and_other_letters_are_encoded_as_s3_does() {
    let function = Function::start(&[]).await;
    let cloud = LocalCloud::start(&["--function-url", &function.url]);
    put(&cloud, "incoming/größe 4+1 (neu).jpg", b"x").await;
    cloud.wait_for_count("delivered", 1).await;
    let encoded = "incoming/gr%C3%B6%C3%9Fe+4%2B1+%28neu%29.jpg";
    assert_eq!(function.invocations()[0].key(), encoded);
    // What the function does to get the key back.
    let plain = encoded.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&plain)
        .decode_utf8()
        .unwrap();
    let got = cloud
        .s3_client()
        .get_object()
        .bucket(BUCKET)
        .key(decoded)
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.body.collect().await.unwrap().into_bytes().as_ref(),
        b"x"
    );
}

#[tokio::test]
async fn a_multipart_upload_is_announced_when_it_is_complete() {
    let function = Function::start(&[]).await;
    let cloud = LocalCloud::start(&["--function-url", &function.url]);
    let (client, key) = (cloud.s3_client(), "incoming/large.png");
    let upload = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .metadata("source", "camera")
        .send()
        .await
        .unwrap();
    let upload_id = upload.upload_id().unwrap();
    let parts = [vec![1_u8; 5 * 1024 * 1024], vec![2_u8; 1000]];
    let mut completed = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(parts) {
        let uploaded = client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(upload_id)
            .part_number(number)
            .body(ByteStream::from(part))
            .send()
            .await
            .unwrap();
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(uploaded.e_tag)
            .build();
        completed = completed.parts(part);
    }
    assert_eq!(cloud.notification_counts().await["accepted"], 0);
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .upload_id(upload_id)
        .multipart_upload(completed.build())
        .send()
        .await
        .unwrap();
    cloud.wait_for_count("delivered", 1).await;

    let invocations = function.invocations();
    let record = invocations[0].record();
    assert_eq!(record["eventName"], "ObjectCreated:CompleteMultipartUpload");
    assert_eq!(record["s3"]["object"]["size"], 5 * 1024 * 1024 + 1000);
    assert!(
        record["s3"]["object"]["eTag"]
            .as_str()
            .unwrap()
            .ends_with("-2")
    );
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    assert_eq!(head.metadata().unwrap()["source"], "camera");
}

#[tokio::test]
async fn a_copy_is_announced_under_its_new_key() {
    let function = Function::start(&[]).await;
    let cloud = LocalCloud::start(&["--function-url", &function.url]);
    put(&cloud, "archive/1.jpg", b"photo").await;
    cloud
        .s3_client()
        .copy_object()
        .copy_source(format!("{BUCKET}/archive/1.jpg"))
        .bucket(BUCKET)
        .key("incoming/1.jpg")
        .send()
        .await
        .unwrap();
    cloud.wait_for_count("delivered", 1).await;
    let invocations = function.invocations();
    assert_eq!(invocations[0].record()["eventName"], "ObjectCreated:Copy");
    assert_eq!(invocations[0].key(), "incoming/1.jpg");
}

#[tokio::test]
async fn nothing_outside_the_prefix_and_no_refused_write_is_announced() {
    let function = Function::start(&[]).await;
    let cloud = LocalCloud::start(&["--function-url", &function.url]);
    put(&cloud, "descriptions/1.json", b"{}").await;
    put(&cloud, "incoming.jpg", b"x").await;
    put(&cloud, "incoming/1.jpg", b"x").await;
    let refused = cloud
        .s3_client()
        .put_object()
        .bucket(BUCKET)
        .key("incoming/1.jpg");
    assert!(refused.if_none_match("*").send().await.is_err());
    cloud.wait_for_count("delivered", 1).await;
    assert_eq!(cloud.notification_counts().await["accepted"], 1);
    assert_eq!(function.invocations().len(), 1);
}

#[tokio::test]
async fn a_failed_invocation_is_tried_twice_more_and_then_lost() {
    let function = Function::start(&[
        Answer::Status500,
        Answer::FunctionErrorHeader,
        Answer::Accepted,
        Answer::Status500,
        Answer::Status500,
        Answer::Status500,
    ])
    .await;
    let arguments = [
        "--function-url",
        &function.url,
        "--notification-retry-pause-ms",
        "100",
    ];
    let cloud = LocalCloud::start(&arguments);

    let start = Instant::now();
    put(&cloud, "incoming/1.jpg", b"x").await;
    let counts = cloud.wait_for_count("delivered", 1).await;
    assert_eq!(
        (&counts["retries"], &counts["lost"]),
        (&2.into(), &0.into())
    );
    assert!(
        start.elapsed() >= Duration::from_millis(300),
        "the pauses are 100 and 200 ms"
    );
    let same = function.invocations();
    assert!(
        same.iter()
            .all(|invocation| invocation.event == same[0].event)
    );

    put(&cloud, "incoming/2.jpg", b"x").await;
    let counts = cloud.wait_for_count("lost", 1).await;
    assert_eq!(
        (&counts["retries"], &counts["pending"]),
        (&4.into(), &0.into())
    );
    assert_eq!(function.invocations().len(), 6);
}

#[tokio::test]
async fn a_function_that_cannot_be_reached_or_is_too_slow_has_failed() {
    let pauses = ["--notification-retry-pause-ms", "10"];
    let nobody = "http://127.0.0.1:9/2015-03-31/functions/describe-product/invocations";
    let cloud = LocalCloud::start(&[&["--function-url", nobody][..], &pauses].concat());
    put(&cloud, "incoming/1.jpg", b"x").await;
    cloud.wait_for_count("lost", 1).await;

    let slow = Function::start(&[Answer::After(Duration::from_secs(30))]).await;
    let timeout = ["--function-url", &slow.url, "--function-timeout-ms", "300"];
    let cloud = LocalCloud::start(&[&timeout[..], &pauses].concat());
    put(&cloud, "incoming/1.jpg", b"x").await;
    let counts = cloud.wait_for_count("delivered", 1).await;
    assert_eq!(counts["retries"], 1);
}

#[tokio::test]
async fn events_are_delivered_in_order_and_never_hold_up_a_put() {
    let slow = [Answer::After(Duration::from_millis(400)); 5];
    let function = Function::start(&slow).await;
    let arguments = [
        "--function-url",
        &function.url,
        "--notification-concurrency",
        "1",
    ];
    let cloud = LocalCloud::start(&arguments);
    let start = Instant::now();
    for number in 0..5 {
        put(&cloud, &format!("incoming/{number}.jpg"), b"x").await;
    }
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
    cloud.wait_for_count("delivered", 5).await;
    assert!(
        start.elapsed() >= Duration::from_millis(2000),
        "one at a time"
    );
    let invocations = function.invocations();
    let keys: Vec<&str> = invocations.iter().map(common::Invocation::key).collect();
    let expected: Vec<String> = (0..5)
        .map(|number| format!("incoming/{number}.jpg"))
        .collect();
    assert_eq!(keys, expected);
    let sequencers: Vec<&str> = invocations
        .iter()
        .map(|invocation| {
            invocation.record()["s3"]["object"]["sequencer"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert!(sequencers.is_sorted());
}

//! The S3 server, as the AWS SDK sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use common::{BUCKET, LocalCloud};

fn status<E>(error: &SdkError<E>) -> u16 {
    error.raw_response().unwrap().status().as_u16()
}

#[tokio::test]
async fn content_metadata_type_and_etag_come_back() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("descriptions/1.json")
        .metadata("source-etag", "9b2cf535f27731c974343645a3985328")
        .content_type("application/json")
        .body(ByteStream::from_static(b"{}"))
        .send()
        .await
        .unwrap();
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("descriptions/1.json")
        .send()
        .await
        .unwrap();
    assert_eq!(
        head.metadata().unwrap()["source-etag"],
        "9b2cf535f27731c974343645a3985328"
    );
    assert_eq!(
        (head.e_tag(), head.content_length()),
        (put.e_tag(), Some(2))
    );
    let got = client
        .get_object()
        .bucket(BUCKET)
        .key("descriptions/1.json")
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.metadata().unwrap()["source-etag"],
        "9b2cf535f27731c974343645a3985328"
    );
    assert_eq!(
        (got.e_tag(), got.content_type()),
        (put.e_tag(), Some("application/json"))
    );
    assert_eq!(
        got.body.collect().await.unwrap().into_bytes().as_ref(),
        b"{}"
    );
}

#[tokio::test]
async fn what_is_missing_is_reported_as_s3_does() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    client
        .put_object()
        .bucket(BUCKET)
        .key("incoming/1.jpg")
        .send()
        .await
        .unwrap();
    // `incoming` is a directory of the store, not an object.
    for key in ["nothing.jpg", "incoming", "incoming/../x"] {
        let head = client
            .head_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap_err();
        assert!(
            status(&head) == 404 && head.into_service_error().is_not_found(),
            "{key}"
        );
        let get = client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap_err();
        assert!(
            status(&get) == 404 && get.into_service_error().is_no_such_key(),
            "{key}"
        );
    }
    let get = client
        .get_object()
        .bucket("no-such-bucket")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(get.into_service_error().code(), Some("NoSuchBucket"));
    let put = client
        .put_object()
        .bucket("no-such-bucket")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(put.into_service_error().code(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn a_conditional_write_has_one_winner() {
    let cloud = LocalCloud::start(&[]);
    let writes = (0..16).map(|number| {
        let client = cloud.s3_client();
        async move {
            let put = client
                .put_object()
                .bucket(BUCKET)
                .key("claims/1")
                .if_none_match("*");
            put.body(ByteStream::from(format!("{number}").into_bytes()))
                .send()
                .await
        }
    });
    let results = futures::future::join_all(writes).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for error in lost.into_iter().map(Result::unwrap_err) {
        assert_eq!(status(&error), 412);
        assert_eq!(
            error.into_service_error().code(),
            Some("PreconditionFailed")
        );
    }
    let get = cloud
        .s3_client()
        .get_object()
        .bucket(BUCKET)
        .key("claims/1");
    assert_eq!(
        get.send().await.unwrap().e_tag(),
        won[0].as_ref().unwrap().e_tag()
    );
}

#[tokio::test]
async fn if_match_replaces_only_the_version_that_was_read() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let first = client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"1"));
    let first = first.send().await.unwrap();
    let second = client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .set_if_match(first.e_tag.clone());
    second
        .body(ByteStream::from_static(b"2"))
        .send()
        .await
        .unwrap();
    let third = client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .set_if_match(first.e_tag);
    let error = third
        .body(ByteStream::from_static(b"3"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&error), 412);
}

#[tokio::test]
async fn if_match_deletes_only_the_version_that_was_read() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let put = async |text: &'static [u8]| {
        let put = client.put_object().bucket(BUCKET).key("a");
        let put = put.body(ByteStream::from_static(text)).send().await;
        put.unwrap().e_tag.unwrap()
    };
    let delete = |etag: &str| {
        let delete = client.delete_object().bucket(BUCKET).key("a");
        delete.if_match(etag).send()
    };
    let is_there = async || {
        let head = client.head_object().bucket(BUCKET).key("a");
        head.send().await.is_ok()
    };
    let first = put(b"1").await;
    let second = put(b"2").await;
    let error = delete(&first).await.unwrap_err();
    assert_eq!(status(&error), 412);
    assert_eq!(
        error.into_service_error().code(),
        Some("PreconditionFailed")
    );
    assert!(is_there().await);
    delete(&second).await.unwrap();
    assert!(!is_there().await);
    // Made again because its answer was lost, it finds nothing to do.
    delete(&second).await.unwrap();
}

#[tokio::test]
async fn buckets_are_there_from_the_start_and_keys_are_listed_and_deleted() {
    let cloud = LocalCloud::start(&["--bucket", "one-bucket", "--bucket", "another-bucket"]);
    let client = cloud.s3_client();
    let listed = client.list_buckets().send().await.unwrap();
    let mut names: Vec<&str> = listed
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["another-bucket", "one-bucket"]);

    for key in ["incoming/b.jpg", "incoming/a b.jpg", "other/c.jpg"] {
        client
            .put_object()
            .bucket("one-bucket")
            .key(key)
            .send()
            .await
            .unwrap();
    }
    let list = || {
        client
            .list_objects_v2()
            .bucket("one-bucket")
            .prefix("incoming/")
            .send()
    };
    let listed = list().await.unwrap();
    let keys: Vec<&str> = listed
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(keys, ["incoming/a b.jpg", "incoming/b.jpg"]);
    client
        .delete_object()
        .bucket("one-bucket")
        .key("incoming/b.jpg")
        .send()
        .await
        .unwrap();
    client
        .delete_object()
        .bucket("one-bucket")
        .key("never/was.jpg")
        .send()
        .await
        .unwrap();
    assert_eq!(list().await.unwrap().contents().len(), 1);
}

#[tokio::test]
async fn signed_requests_need_the_secret_and_unsigned_ones_nothing() {
    let cloud = LocalCloud::start(&["--secret-access-key", "dummy"]);
    let any_id = cloud.s3_client_with("whatever", "dummy");
    any_id
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .body(ByteStream::from_static(b"1"))
        .send()
        .await
        .unwrap();
    let wrong = cloud.s3_client_with("whatever", "another");
    let error = wrong
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        error.into_service_error().code(),
        Some("SignatureDoesNotMatch")
    );

    let url = format!("{}/{BUCKET}/plain.txt", cloud.s3);
    let client = reqwest::Client::new();
    assert_eq!(
        client
            .put(&url)
            .body("plain")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let got = client.get(&url).send().await.unwrap();
    assert!(got.headers().contains_key("x-amz-request-id"));
    assert_eq!(got.text().await.unwrap(), "plain");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let cloud = LocalCloud::start(&[]);
    let address = cloud.s3.strip_prefix("http://").unwrap();
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "PUT /{BUCKET}/incoming/half.jpg HTTP/1.1\r\nhost: {address}\r\ncontent-length: 1000\r\n\r\nhalf"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    drop(connection);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let head = cloud
        .s3_client()
        .head_object()
        .bucket(BUCKET)
        .key("incoming/half.jpg");
    assert!(
        head.send()
            .await
            .unwrap_err()
            .into_service_error()
            .is_not_found()
    );
}

#[tokio::test]
async fn keys_that_cannot_be_kept_are_refused() {
    let cloud = LocalCloud::start(&[]);
    let put = |key: String| {
        cloud
            .s3_client()
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .send()
    };
    let error = put("a//b.jpg".to_owned())
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.code(), Some("InvalidArgument"));
    let error = put("k".repeat(500)).await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("KeyTooLongError"));
}

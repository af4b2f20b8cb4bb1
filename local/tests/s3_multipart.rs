//! Uploads in parts and pages of keys, as the AWS SDK sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, EncodingType,
};
use common::{BUCKET, LocalCloud};

const KEY: &str = "models/model.safetensors";
const PART_BYTES: usize = 5 << 20;

/// SHA-256 of the first part (5 MiB of the letter a) and of the last one ("end"), in base64.
const SUMS: [&str; 2] = [
    "oplo+tLngqqfIECjXwWtuX7Yl56x9XLIyOp4Y34nXzw=",
    "Nh5I0DCPIOMtul+1Yyi68Y1y7wzLQ7hPXCYtKmofxsg=",
];

fn bodies() -> [Vec<u8>; 2] {
    [vec![b'a'; PART_BYTES], b"end".to_vec()]
}

async fn begin(client: &Client) -> String {
    let created = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(KEY)
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .unwrap();
    created.upload_id.unwrap()
}

/// Uploads both parts.
async fn upload_parts(client: &Client, id: &str) -> Vec<CompletedPart> {
    let mut parts = Vec::new();
    for (number, (body, sum)) in (1..).zip(bodies().into_iter().zip(SUMS)) {
        let part = client
            .upload_part()
            .bucket(BUCKET)
            .key(KEY)
            .upload_id(id)
            .part_number(number)
            .checksum_sha256(sum)
            .body(ByteStream::from(body))
            .send()
            .await
            .unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .checksum_sha256(sum)
                .build(),
        );
    }
    parts
}

async fn complete(
    client: &Client,
    id: &str,
    parts: Vec<CompletedPart>,
) -> Result<String, Option<String>> {
    let upload = CompletedMultipartUpload::builder()
        .set_parts(Some(parts))
        .build();
    let completed = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key(KEY)
        .upload_id(id)
        .multipart_upload(upload)
        .send()
        .await;
    match completed {
        Ok(completed) => Ok(completed.checksum_sha256.unwrap()),
        Err(error) => Err(error.into_service_error().code().map(str::to_owned)),
    }
}

async fn unfinished(client: &Client, prefix: &str) -> Vec<String> {
    let listed = client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .prefix(prefix)
        .send()
        .await
        .unwrap();
    let ids = listed.uploads().iter();
    ids.inspect(|upload| {
        assert_eq!(
            upload.checksum_algorithm(),
            Some(&ChecksumAlgorithm::Sha256)
        )
    })
    .map(|upload| upload.upload_id().unwrap().to_owned())
    .collect()
}

#[tokio::test]
async fn an_unfinished_upload_is_found_with_its_parts_and_completed() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let id = begin(&client).await;
    let parts = upload_parts(&client, &id).await;
    assert_eq!(unfinished(&client, "models/").await, [id.as_str()]);
    assert!(unfinished(&client, "other/").await.is_empty());

    let listed = client
        .list_parts()
        .bucket(BUCKET)
        .key(KEY)
        .upload_id(&id)
        .max_parts(1)
        .into_paginator()
        .items()
        .send();
    let listed: Vec<_> = listed.collect::<Result<Vec<_>, _>>().await.unwrap();
    let said: Vec<_> = listed
        .iter()
        .map(|part| (part.part_number(), part.size(), part.checksum_sha256()))
        .collect();
    assert_eq!(
        said,
        [
            (Some(1), Some(PART_BYTES as i64), Some(SUMS[0])),
            (Some(2), Some(3), Some(SUMS[1]))
        ]
    );
    assert_eq!(listed[0].e_tag(), parts[0].e_tag());

    let whole = complete(&client, &id, parts).await.unwrap();
    assert!(whole.ends_with("-2"), "{whole}");
    assert!(unfinished(&client, "").await.is_empty());
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key(KEY)
        .checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    assert_eq!(head.checksum_sha256(), Some(whole.as_str()));
    assert_eq!(head.content_length(), Some(PART_BYTES as i64 + 3));
    let left: Vec<String> = std::fs::read_dir(cloud.folder.path().join("s3"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with(".upload"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_part_with_another_checksum_is_refused_and_the_one_before_stays() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let id = begin(&client).await;
    let parts = upload_parts(&client, &id).await;
    let wrong = client
        .upload_part()
        .bucket(BUCKET)
        .key(KEY)
        .upload_id(&id)
        .part_number(2)
        .checksum_sha256(SUMS[1])
        .body(ByteStream::from_static(b"eNd"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(wrong.into_service_error().code(), Some("BadDigest"));
    complete(&client, &id, parts).await.unwrap();
    let object = client.get_object().bucket(BUCKET).key(KEY).send();
    let object = object.await.unwrap().body.collect().await.unwrap();
    assert_eq!(object.into_bytes(), bodies().concat());
}

#[tokio::test]
async fn an_upload_that_cannot_be_completed_is_not_lost() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let id = begin(&client).await;
    let parts = upload_parts(&client, &id).await;
    let other_tag = CompletedPart::builder()
        .part_number(2)
        .e_tag("\"0\"")
        .build();
    let wrong = vec![parts[0].clone(), other_tag];
    let refused = complete(&client, &id, wrong).await.unwrap_err();
    assert_eq!(refused.as_deref(), Some("InvalidPart"));
    let turned = parts.iter().rev().cloned().collect();
    let refused = complete(&client, &id, turned).await.unwrap_err();
    assert_eq!(refused.as_deref(), Some("InvalidPartOrder"));
    complete(&client, &id, parts.clone()).await.unwrap();
    let again = complete(&client, &id, parts).await.unwrap_err();
    assert_eq!(again.as_deref(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let id = begin(&client).await;
    let parts = upload_parts(&client, &id).await;
    let abort = || {
        client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key(KEY)
            .upload_id(&id)
            .send()
    };
    abort().await.unwrap();
    assert!(unfinished(&client, "").await.is_empty());
    let gone = complete(&client, &id, parts).await.unwrap_err();
    assert_eq!(gone.as_deref(), Some("NoSuchUpload"));
    let again = abort().await.unwrap_err().into_service_error();
    assert_eq!(again.code(), Some("NoSuchUpload"));
}

#[tokio::test]
async fn pages_of_keys_have_e_tags_and_sizes() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.s3_client();
    let mut expected = Vec::new();
    for (key, body) in [
        ("p/b+c.jpg", "1"),
        ("p/a b.jpg", "22"),
        ("p/sub/ü.jpg", "333"),
    ] {
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from_static(body.as_bytes()))
            .send()
            .await
            .unwrap();
        expected.push((key.to_owned(), body.len() as i64, put.e_tag.unwrap()));
    }
    expected.sort();
    let mut pages = client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("p/")
        .max_keys(2)
        .into_paginator()
        .send();
    let (mut listed, mut sizes) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        sizes.push(page.contents().len());
        listed.extend(page.contents().iter().map(|object| {
            let tag = object.e_tag().unwrap().to_owned();
            (
                object.key().unwrap().to_owned(),
                object.size().unwrap(),
                tag,
            )
        }));
    }
    assert_eq!((listed, sizes), (expected, vec![2, 1]));
    let folders = client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("p/")
        .delimiter("/")
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .unwrap();
    let keys: Vec<&str> = folders.contents().iter().filter_map(|o| o.key()).collect();
    assert_eq!(keys, ["p/a%20b.jpg", "p/b%2Bc.jpg"]);
    assert_eq!(folders.common_prefixes()[0].prefix(), Some("p/sub/"));
}

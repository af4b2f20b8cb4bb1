//! Manifests and files as S3 writes them, in a folder.

use std::io::Write;

use aws_sdk_s3::config::{BehaviorVersion, Region};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// As the files of an inventory are kept.
pub fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// The example of S3's documentation, with other names.
fn manifest() -> Value {
    json!({
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": "1514944800000",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate, ETag",
        "files": [{
            "key": "photos/all/data/1.csv.gz",
            "size": 2_147_483_647,
            "MD5checksum": "f11166069f1990abeb9c97ace9cdfabc"
        }]
    })
}

fn place() -> ManifestPlace {
    "s3://inventories/photos/all/2018-01-03T02-00Z/manifest.json"
        .parse()
        .unwrap()
}

fn inventory(manifest: &Value) -> Outcome<Inventory> {
    Inventory::of(&place(), manifest.to_string().as_bytes())
}

#[test]
fn a_manifest_says_of_what_and_when_it_is() {
    let words = inventory(&manifest()).unwrap().words();
    for part in ["photos", "2018-01-03 02:00:00 UTC", "1 files"] {
        assert!(words.contains(part), "{part} in {words}");
    }
}

#[test]
fn another_form_and_what_is_no_manifest_are_said() {
    for form in ["ORC", "Parquet"] {
        let mut manifest = manifest();
        manifest["fileFormat"] = json!(form);
        let failure = inventory(&manifest).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains(form), "{failure}");
        assert!(failure.next_step.unwrap().contains("CSV"));
    }
    for (member, value, says) in [
        ("fileSchema", json!("Bucket, Size"), "no column Key"),
        ("sourceBucket", json!("No Bucket"), "sourceBucket"),
        ("files", Value::Null, "files"),
    ] {
        let mut manifest = manifest();
        manifest[member] = value;
        if manifest[member].is_null() {
            manifest.as_object_mut().unwrap().remove(member);
        }
        let failure = inventory(&manifest).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains(says), "{says} in {failure}");
    }
}

#[test]
fn an_inventory_is_of_its_bucket_alone_and_without_a_place_of_what_comes_in() {
    let inventory = inventory(&manifest()).unwrap();
    let source = |given: Option<&str>| {
        let given = given.map(|text| text.parse::<Source>().unwrap());
        inventory.source(given.as_ref(), "incoming/")
    };
    let shown = |given| source(given).unwrap().to_string();
    assert_eq!(shown(None), "s3://photos/incoming/");
    assert_eq!(
        shown(Some("s3://photos/incoming/summer")),
        "s3://photos/incoming/summer/"
    );
    for other in ["s3://others/incoming", "photographs"] {
        let failure = source(Some(other)).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains("the bucket photos"), "{failure}");
    }
}

#[test]
fn a_copy_lies_beside_its_manifest_or_as_in_s3() {
    let paths = copies(
        Path::new("copy/2018-01-03T02-00Z/manifest.json"),
        "photos/all/data/1.csv.gz",
    );
    let paths = paths.map(|path| path.display().to_string());
    assert_eq!(
        paths,
        [
            "copy/2018-01-03T02-00Z/1.csv.gz",
            "copy/2018-01-03T02-00Z/data/1.csv.gz",
            "copy/2018-01-03T02-00Z/../data/1.csv.gz",
        ]
    );
}

/// A local copy with one file of these rows.
fn copied(rows: &str, md5: Option<&str>) -> (TempDir, Inventory) {
    let folder = tempfile::tempdir().unwrap();
    let file = gzip(rows);
    let sum = Checksum::of(Algorithm::Md5, &file).hex();
    let mut manifest = manifest();
    manifest["files"][0]["MD5checksum"] = json!(md5.unwrap_or(&sum));
    let day = folder.path().join("2018-01-03T02-00Z");
    let data = folder.path().join("data");
    std::fs::create_dir(&day).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("1.csv.gz"), file).unwrap();
    let place = ManifestPlace::File(day.join("manifest.json"));
    let inventory = Inventory::of(&place, manifest.to_string().as_bytes()).unwrap();
    (folder, inventory)
}

/// Nobody is asked where the files are on this machine.
fn nobody() -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn products_are_those_of_the_files_in_order_and_once_each() {
    let rows = "\"photos\",\"incoming/2.jpg\"\n\"photos\",\"incoming/1.png\"\n\
                \"photos\",\"incoming/2.png\"\n";
    let (_folder, inventory) = copied(rows, None);
    let found = inventory
        .products(&nobody(), "incoming/", "incoming/")
        .await
        .unwrap();
    let ids: Vec<&str> = found
        .list
        .iter()
        .map(|product| product.id.as_str())
        .collect();
    assert_eq!(ids, ["1", "2"]);
    assert_eq!(found.left_out, ["incoming/2.png"]);
}

#[tokio::test]
async fn a_file_that_is_another_or_missing_is_said() {
    let (folder, inventory) = copied("\"photos\",\"incoming/1.jpg\"\n", Some("00"));
    let failure = inventory.products(&nobody(), "", "").await.unwrap_err();
    assert!(failure.what.contains("by the manifest"), "{failure}");
    assert!(failure.what.contains("1.csv.gz"), "{failure}");
    std::fs::remove_file(folder.path().join("data/1.csv.gz")).unwrap();
    let failure = inventory.products(&nobody(), "", "").await.unwrap_err();
    assert_eq!(failure.exit, Exit::NotFound);
    assert!(
        failure.what.contains("photos/all/data/1.csv.gz"),
        "{failure}"
    );
}

//! `lookbook backfill --here` over an inventory of S3.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use local_stack::BUCKET;
use serde_json::json;

use crate::cli_backfill::{Place, Services, photographs};

/// The files of an inventory of the bucket with these rows: the manifest, and the list.
fn inventory(format: &str, rows: &str) -> (Vec<u8>, Vec<u8>) {
    let manifest = json!({
        "sourceBucket": BUCKET, "fileFormat": format, "fileSchema": "Bucket, Key",
        "creationTimestamp": "1514944800000", "files": [{"key": "inventories/all/data/1.csv.gz"}]
    });
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(rows.as_bytes()).unwrap();
    (manifest.to_string().into_bytes(), gzip.finish().unwrap())
}

#[tokio::test]
async fn an_inventory_stands_in_for_a_listing() {
    let services = Services::start().await;
    let bucket = &services.bucket;
    let repository = local_stack::repository().unwrap();
    let keys = [
        "incoming/a b.jpg",
        "incoming/summer/ü.jpg",
        "incoming/new.jpg",
    ];
    for (key, photograph) in keys.iter().zip(photographs(&repository, keys.len())) {
        bucket.put(key, photograph).await.unwrap();
    }
    // What came since it was made is not in it, and what went since is.
    let rows = ["a+b", "summer/%C3%BC", "gone"]
        .map(|name| format!("\"{BUCKET}\",\"incoming/{name}.jpg\"\n"))
        .concat();
    let (manifest, list) = inventory("CSV", &rows);
    let place = "inventories/all/2018-01-03T02-00Z/manifest.json";
    bucket.put(place, manifest.clone()).await.unwrap();
    let data = "inventories/all/data/1.csv.gz";
    bucket.put(data, list.clone()).await.unwrap();
    let place = format!("s3://{BUCKET}/{place}");
    let here = ["backfill", "--here", "--json", "--inventory"];
    let (status, summary) = services
        .lookbook
        .json(&[&here[..], &[&place]].concat())
        .await;
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!(summary["described"], 2, "{summary}");
    assert_eq!(summary["gone"], 1, "{summary}");
    let described = services.results(Place::Bucket, "descriptions/").await;
    let names: Vec<&String> = described.keys().collect();
    assert_eq!(names, ["a b.json", "summer/ü.json"]);
    assert!(
        services
            .results(Place::Bucket, "failures/")
            .await
            .is_empty()
    );

    // A copy of it, and a part: what is described is known.
    let copy = services.folder.path().join("manifest.json");
    std::fs::write(&copy, manifest).unwrap();
    std::fs::write(services.folder.path().join("1.csv.gz"), list).unwrap();
    let copy = copy.to_str().unwrap();
    let summer = format!("s3://{BUCKET}/incoming/summer");
    let words = [&here[..], &[copy, summer.as_str()]].concat();
    let (status, summary) = services.lookbook.json(&words).await;
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!(summary["products"], 1, "{summary}");
    assert_eq!(summary["already_described"], 1, "{summary}");
    assert_eq!(summary["calls"], 0, "{summary}");

    let (orc, _) = inventory("ORC", "");
    std::fs::write(copy, orc).unwrap();
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Backfill";
    let by_machine = [
        "backfill",
        "--state-machine",
        machine,
        "--inventory",
        &place,
    ];
    let elsewhere = [place.as_str(), "s3://others/a"];
    let cases: [(Vec<&str>, &str); 3] = [
        ([&here[..], &[copy]].concat(), "in ORC"),
        ([&here[..], &elsewhere].concat(), "others"),
        (by_machine.to_vec(), "takes no inventory"),
    ];
    for (words, says) in cases {
        let output = services.lookbook.run(&words).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{says} in {said}");
    }
}

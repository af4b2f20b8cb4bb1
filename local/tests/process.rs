//! Starting and ending.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use common::{BUCKET, LocalCloud, command};

#[tokio::test]
async fn a_signal_ends_the_program_cleanly_even_with_open_connections() {
    for signal in ["-TERM", "-INT"] {
        let cloud = LocalCloud::start(&[]);
        // The client keeps its connection open.
        let client = cloud.s3_client();
        client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .send()
            .await
            .unwrap();
        let (status, duration) = cloud.end_with(signal);
        assert!(status.success(), "{signal}: {status}");
        assert!(duration < Duration::from_secs(4), "{signal}: {duration:?}");
    }
}

#[test]
fn what_stands_in_the_way_of_starting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s3");
    let missing = folder.path().join("missing.gguf");
    let cases: [(&[&str], &str); 5] = [
        (&[], "--writer-model"),
        (
            &["--writer-model", missing.to_str().unwrap()],
            "missing.gguf",
        ),
        (
            &["--writer-model", env!("CARGO_BIN_EXE_local-cloud")],
            "no GGUF file",
        ),
        (
            &["--writer", "template", "--bucket", "No_Bucket"],
            "\"No_Bucket\" is no bucket name",
        ),
        (
            &["--writer", "template", "--ready-file", "/dev/null/ready"],
            "cannot write the ready file",
        ),
    ];
    for (arguments, part) in cases {
        let output = command(folder.path()).args(arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(message.contains(part), "{arguments:?}: {message}");
    }
    let _ = std::fs::remove_dir_all(&file);
    std::fs::write(&file, "a file where the folder should be").unwrap();
    let output = command(folder.path())
        .args(["--writer", "template"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used for S3"));
}

#[test]
fn the_log_can_be_json() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = command(folder.path())
        .env("RUST_LOG", "info")
        .args(["--writer", "template", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["fields"]["message"], "ready");
    assert!(
        line["fields"]["s3_address"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
}

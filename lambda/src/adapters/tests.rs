//! The SDK clients against a local server that answers what AWS answers.

mod bedrock;
mod canned;
mod s3;
mod sagemaker;

use aws_sdk_s3::config::Credentials;

use super::*;
use crate::telemetry::Trace;

async fn config(url: &str) -> SdkConfig {
    let config = sdk_config()
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .load()
        .await;
    without_limits(&config)
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// What a caller sent, and X-Ray.
fn trace() -> Trace {
    Trace::of_invocation(Some(XRAY)).with_w3c(Some(TRACEPARENT), Some("congo=t61rcWkgMzE"))
}

/// The headers of a trace are there, and the signature does not depend on them.
#[track_caller]
fn assert_traced(request: &str) {
    for header in [
        format!("x-amzn-trace-id: {XRAY}\r\n"),
        format!("traceparent: {TRACEPARENT}\r\n"),
        "tracestate: congo=t61rcWkgMzE\r\n".to_owned(),
    ] {
        assert!(request.contains(&header), "{request}");
    }
    let signed = request.split_once("SignedHeaders=").unwrap().1;
    let signed = signed.split_once(',').unwrap().0;
    assert!(
        signed.contains("host") && !signed.contains("trace"),
        "{signed}"
    );
}

#[test]
fn an_answer_without_an_id_has_none_told() {
    assert_eq!(with_request_id("SlowDown", None), "SlowDown");
}

#[test]
fn no_piece_of_an_echoed_photo_is_left_where_words_are_cut() {
    let photo = "iVBORw0KGgoAAAANSUhEUgAA".repeat(100);
    let in_lines = |end: &str| {
        let lines = photo.as_bytes().chunks(76);
        let lines: Vec<&str> = lines
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        lines.join(end)
    };
    let photos = [
        in_lines(""),
        in_lines("\n"),
        in_lines("\r\n"),
        // As JSON has it.
        in_lines("\\n"),
        "iVBORw0KGgo\\/AAANSUhEUgAA".repeat(100),
        "iVBORw0KGgo-AAA_SUhEUgAA".repeat(100),
    ];
    for photo in photos {
        for before in [0, 200, 480, 499] {
            let words = said(&format!(
                "{}\"image\": \"{photo}\"",
                " x".repeat(before / 2)
            ));
            assert!(!words.contains("iVBO"), "{words}");
        }
    }
}

#[test]
fn long_words_are_cut() {
    assert_eq!(shortened(" brief "), "brief");
    assert_eq!(shortened(&"é".repeat(600)).chars().count(), 501);
}

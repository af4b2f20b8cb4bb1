//! In which form an answer is wanted.

use image::ImageFormat;
use serde_json::json;

use crate::support::{Server, code, echo, encoded, picture, png, question, read};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_answered_in_json_where_that_is_accepted() {
    let server = Server::start(echo()).await;
    for accept in [
        "application/json",
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        "application/jsonlines;q=0.5, application/json",
    ] {
        let headers = [JSON, ("accept", accept)];
        let response = server.send(&headers, question("Fit").to_string()).await;
        assert_eq!(
            read(response).await,
            (200, json!({"Fit": "4x3"})),
            "{accept}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_one_line_a_request_where_they_are_asked_for() {
    let server = Server::start(echo()).await;
    let two = json!({"image": png(4, 3), "prompts": ["Fit", "a\nb"]}).to_string();
    for accept in ["application/jsonlines", "application/x-ndjson, */*;q=0.1"] {
        let response = server.send(&[JSON, ("accept", accept)], two.clone()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/jsonlines");
        assert!(response.headers().contains_key("x-image-cache"));
        let text = response.text().await.unwrap();
        assert_eq!(
            text,
            "[{\"Fit\":\"4x3\"},{\"generated_text\":\"a\\nb: 4x3\"}]\n"
        );
    }
    let headers = [
        ("content-type", "image/png"),
        ("x-amzn-sagemaker-custom-attributes", r#"{"prompt": "Fit"}"#),
        ("accept", "application/jsonl"),
    ];
    let image = encoded(&picture(4, 3), ImageFormat::Png);
    let response = server.send(&headers, image).await;
    assert_eq!(response.text().await.unwrap(), "{\"Fit\":\"4x3\"}\n");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_given_is_406_with_what_can() {
    let server = Server::start(echo()).await;
    let body = question("Fit").to_string();
    for (kind, accept, part) in [
        (
            "application/json",
            "text/csv",
            "accept application/json or application/jsonlines",
        ),
        (
            "application/json",
            "application/json;q=0",
            "accept application/json",
        ),
        (
            "application/jsonlines",
            "application/json",
            "accept application/jsonlines, or leave",
        ),
        ("application/jsonlines", "text/plain", "`text/plain`"),
    ] {
        let headers = [("content-type", kind), ("accept", accept)];
        let (status, answer) = read(server.send(&headers, body.clone()).await).await;
        assert_eq!((status, code(&answer)), (406, "not_acceptable"), "{accept}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
    server.stop().await;
}

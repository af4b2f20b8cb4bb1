//! The image itself as the body, the rest of the request in a header.

use image::ImageFormat;
use model_server::core::Limits;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{
    Gate, Server, base64, code, echo, encoded, eventually, gated, picture, question, read,
    read_to_end, with_http,
};

const HEADER: &str = "X-Amzn-SageMaker-Custom-Attributes";

async fn send(server: &Server, kind: &str, attributes: &str, image: Vec<u8>) -> (u16, Value) {
    let headers = [("content-type", kind), (HEADER, attributes)];
    read(server.send(&headers, image).await).await
}

fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&picture(width, height), ImageFormat::Png)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_answered_as_in_json() {
    let server = Server::start(echo()).await;
    for (kind, format) in [
        ("image/jpeg", ImageFormat::Jpeg),
        ("image/png", ImageFormat::Png),
        ("image/webp", ImageFormat::WebP),
        ("IMAGE/PNG; name=\"a.png\"", ImageFormat::Png),
    ] {
        let image = encoded(&picture(20, 10), format);
        let one = send(&server, kind, r#"{"prompt": "Fit"}"#, image.clone()).await;
        assert_eq!(one, (200, json!({"Fit": "20x10"})), "{kind}");
        let two = send(&server, kind, r#"{"prompts": ["Fit", "Neck"]}"#, image).await;
        assert_eq!(two, (200, json!([{"Fit": "20x10"}, {"Neck": "20x10"}])));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_escapes_are_read_from_the_header() {
    let server = Server::start(echo()).await;
    let attributes =
        r#"{"prompt": "\u0915\u092a\u0921\u093c\u093e", "parameters": {"details": true}}"#;
    let (status, answer) = send(&server, "image/png", attributes, png(4, 3)).await;
    assert_eq!((status, &answer["attribute"]), (200, &json!("कपड़ा")));
    assert_eq!(answer["generated_text"], "कपड़ा: 4x3");
    server.stop().await;
}

/// The decoder goes by the bytes, here as in JSON, where nothing says what the
/// image is: a file under another's name is still the photograph that was meant.
#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_tell_the_format_and_not_the_content_type() {
    let server = Server::start(echo()).await;
    let (status, _) = send(&server, "image/jpeg", r#"{"prompt": "Fit"}"#, png(4, 3)).await;
    assert_eq!(status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_says_what_to_mend() {
    let server = Server::start(echo()).await;
    for (attributes, image, expected, part) in [
        (
            "",
            png(4, 3),
            "invalid_json",
            "is empty: send an object with `prompt`",
        ),
        (
            "id=7",
            png(4, 3),
            "invalid_json",
            "Custom-Attributes is no JSON",
        ),
        ("{}", png(4, 3), "invalid_request", "no question is given"),
        (
            r#"{"prompt": "a", "image": "x"}"#,
            png(4, 3),
            "invalid_request",
            "the image is the body",
        ),
        (
            r#"{"prompt": "a", "details": true}"#,
            png(4, 3),
            "invalid_request",
            "`parameters`",
        ),
        (
            r#"{"prompt": "a", "parameters": {"beams": 1}}"#,
            png(4, 3),
            "invalid_parameter",
            "unknown parameter `beams`",
        ),
        (
            r#"{"prompt": "a"}"#,
            Vec::new(),
            "invalid_image",
            "is empty",
        ),
        (
            r#"{"prompt": "a"}"#,
            b"{\"image\": 1}".to_vec(),
            "invalid_image",
            "JPEG, PNG or WebP",
        ),
        (
            r#"{"prompt": "a"}"#,
            png(40, 30)[..100].to_vec(),
            "invalid_image",
            "",
        ),
    ] {
        let (status, answer) = send(&server, "image/png", attributes, image).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!((status, code(&answer)), (400, expected), "{message}");
        assert!(message.contains(part), "{message}");
    }
    let long = format!(r#"{{"prompt": "{}"}}"#, "x".repeat(1_024));
    let (status, answer) = send(&server, "image/png", &long, png(4, 3)).await;
    assert_eq!((status, code(&answer)), (400, "invalid_request"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_header_an_example_of_it_is_shown() {
    let server = Server::start(echo()).await;
    let response = server
        .send(&[("content-type", "image/png")], png(4, 3))
        .await;
    assert_eq!(response.headers()["connection"], "close");
    let (status, answer) = read(response).await;
    assert_eq!((status, code(&answer)), (400, "invalid_request"));
    let message = answer["error"]["message"].as_str().unwrap();
    let example = &message[message.find('{').unwrap()..];
    let (status, _) = send(&server, "image/png", example, png(4, 3)).await;
    assert_eq!(status, 200, "{example}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_over_the_limit_is_refused_before_it_is_sent() {
    let http = HttpLimits {
        max_body_bytes: 1 << 20,
        ..HttpLimits::default()
    };
    let server = Server::start_with(with_http(http), echo()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n\
         {HEADER}: {{\"prompt\": \"Fit\"}}\r\nContent-Length: 2000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("1048576 bytes"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_says_so_to_an_image_and_to_lines() {
    let gate = Gate::closed();
    let limits = Limits {
        max_waiting_questions: 64,
        ..Limits::default()
    };
    let options = ServeOptions {
        limits,
        ..ServeOptions::default()
    };
    let backend = gated(&gate);
    let server = Server::start_with(options, backend.clone()).await;
    let running = server.invoke(&question("Fit"));
    gate.until_arrived(1).await;
    let many = json!({"image": base64(&png(5, 5)), "prompts": vec!["Fit"; 64]});
    let waiting = server.invoke(&many);
    eventually(|| backend.photos_seen() == 2).await;

    for headers in [
        [
            ("content-type", "image/png"),
            (HEADER, r#"{"prompt": "Fit"}"#),
        ],
        [("content-type", "application/jsonlines"), ("accept", "*/*")],
    ] {
        let response = server.send(&headers, png(4, 3)).await;
        assert_eq!(response.headers()["retry-after"], "1");
        let (status, answer) = read(response).await;
        assert_eq!((status, code(&answer)), (429, "overloaded"));
    }
    gate.open();
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    server.stop().await;
}

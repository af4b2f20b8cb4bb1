//! What a right request gets.

use serde_json::json;

use crate::support::{Server, base64, echo, encoded, picture, png, question, read};
use image::ImageFormat;
use model_server::backend::fake::FakeBackend;

#[tokio::test(flavor = "multi_thread")]
async fn one_prompt_gets_one_object() {
    let server = Server::start(echo()).await;
    let (status, body) = server.post(&question("Fabric")).await;
    assert_eq!((status, body), (200, json!({"Fabric": "4x3"})));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_get_an_array_in_their_order() {
    let server = Server::start(echo()).await;
    let request = json!({"image": png(7, 5), "prompts": ["Fit", "Collar", "Fit"]});
    let (status, body) = server.post(&request).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!([{"Fit": "7x5"}, {"Collar": "7x5"}, {"Fit": "7x5"}])
    );
    let (_, body) = server
        .post(&json!({"image": png(7, 5), "prompts": ["Fit"]}))
        .await;
    assert_eq!(body, json!([{"Fit": "7x5"}]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn details_carry_text_confidence_and_tokens() {
    let server = Server::start(echo()).await;
    let request = json!({"image": png(4, 3), "prompts": ["Fabric", "?"],
        "parameters": {"details": true, "max_new_tokens": 256}});
    let (status, body) = server.post(&request).await;
    assert_eq!(status, 200);
    let fabric = &body[0];
    assert_eq!(fabric["generated_text"], "Fabric: 4x3");
    assert_eq!(fabric["attribute"], "Fabric");
    assert_eq!(fabric["value"], "4x3");
    assert_eq!(fabric["generated_tokens"], 11);
    assert!((fabric["confidence"].as_f64().unwrap() - (-0.11f64).exp()).abs() < 1e-12);
    let other = body[1].as_object().unwrap();
    assert_eq!(other["generated_text"], "?: 4x3");
    assert_eq!(
        (&other["attribute"], &other["value"]),
        (&json!(null), &json!(null))
    );
    let fields: Vec<_> = other.keys().collect();
    assert_eq!(
        fields,
        [
            "generated_text",
            "attribute",
            "value",
            "confidence",
            "generated_tokens"
        ]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_without_a_pair_comes_back_as_text() {
    let server = Server::start(FakeBackend::answering(|_, _| "a red shirt".to_owned())).await;
    let (_, body) = server.post(&question("What?")).await;
    assert_eq!(body, json!({"generated_text": "a red shirt"}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_question_is_wrapped_for_the_model() {
    let server = Server::start(FakeBackend::answering(|_, prompt| prompt.replace(':', "."))).await;
    for prompt in ["What is it?", "Question: What is it? Answer: "] {
        let (_, body) = server.post(&question(prompt)).await;
        assert_eq!(
            body,
            json!({"generated_text": "Question. What is it? Answer. "})
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_as_png_jpeg_webp_data_url_and_broken_lines() {
    let server = Server::start(echo()).await;
    let picture = picture(20, 10);
    let jpeg = base64(&encoded(&picture, ImageFormat::Jpeg));
    let lines: Vec<&str> = jpeg
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    for image in [
        base64(&encoded(&picture, ImageFormat::Png)),
        base64(&encoded(&picture, ImageFormat::WebP)),
        jpeg.trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_"),
        format!("data:image/jpeg;base64,{jpeg}"),
        lines.join("\r\n"),
        jpeg.clone(),
    ] {
        let (status, body) = server
            .post(&json!({"image": image, "prompt": "Size"}))
            .await;
        assert_eq!((status, body), (200, json!({"Size": "20x10"})));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stated_limits_are_granted() {
    let server = Server::start(echo()).await;
    let request = json!({"image": png(4, 3), "prompts": vec!["Fit"; 64],
        "parameters": {"max_new_tokens": 256, "num_beams": 8}});
    let (status, body) = server.post(&request).await;
    assert_eq!((status, body.as_array().unwrap().len()), (200, 64));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_needs_no_content_type() {
    let server = Server::start(echo()).await;
    let body = question("Fit").to_string();
    for content_type in [None, Some("application/json; charset=utf-8")] {
        let response = server
            .request(|client| {
                let request = client.post(server.url("/invocations")).body(body.clone());
                match content_type {
                    Some(value) => request.header("content-type", value),
                    None => request,
                }
            })
            .await;
        assert_eq!(
            read(response).await,
            (200, json!({"Fit": "4x3"})),
            "{content_type:?}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_a_request_id() {
    let server = Server::start(echo()).await;
    let with_id = |path: &str| {
        let url = server.url(path);
        async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            client
                .get(url)
                .header("X-Request-Id", "abc-123")
                .send()
                .await
                .unwrap()
        }
    };
    for path in ["/ping", "/nowhere", "/invocations"] {
        assert_eq!(with_id(path).await.headers()["x-request-id"], "abc-123");
    }
    let first = server.ping().await.headers()["x-request-id"].clone();
    let second = server.ping().await.headers()["x-request-id"].clone();
    assert_eq!(first.len(), 36);
    assert_ne!(first, second);
    server.stop().await;
}

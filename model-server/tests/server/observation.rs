//! What the server tells about itself.

use std::sync::Arc;

use model_server::backend::Backend;
use model_server::core::Scheduling;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Gate, Server, code, echo, gated, png, question, read, with_http};

async fn metrics(server: &Server) -> String {
    let response = server.get("/metrics").await;
    assert_eq!(response.status(), 200);
    let content_type = response.headers()["content-type"].to_str().unwrap();
    assert!(content_type.starts_with("application/openmetrics-text; version=1.0.0"));
    let text = response.text().await.unwrap();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert_eq!(text.matches("# EOF").count(), 1);
    text
}

/// The value of the only sample of this name and these labels.
fn value(metrics: &str, sample: &str) -> f64 {
    let mut lines = metrics
        .lines()
        .filter_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    let found = lines
        .next()
        .unwrap_or_else(|| panic!("no {sample} in {metrics}"));
    assert_eq!(lines.next(), None, "{sample}");
    found.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_by_status_and_lines_as_requests() {
    let server = Server::start(echo()).await;
    for _ in 0..3 {
        server.post(&question("Fit")).await;
    }
    server.post(&json!({"image": "!", "prompt": "Fit"})).await;
    server.send(&[("content-type", "text/plain")], "x").await;
    let lines = format!("{}\nno\n{}\n", question("Fit"), question("Neck"));
    let response = server
        .send(&[("content-type", "application/jsonlines")], lines)
        .await;
    assert_eq!(response.text().await.unwrap().lines().count(), 3);
    let refused = [
        ("content-type", "application/jsonlines"),
        ("accept", "text/csv"),
    ];
    server.send(&refused, "{}").await;

    let text = metrics(&server).await;
    assert_eq!(value(&text, "model_ready"), 1.0);
    assert_eq!(value(&text, r#"http_requests_total{status="200"}"#), 5.0);
    assert_eq!(value(&text, r#"http_requests_total{status="400"}"#), 2.0);
    assert_eq!(value(&text, r#"http_requests_total{status="415"}"#), 1.0);
    assert_eq!(value(&text, r#"http_requests_total{status="406"}"#), 1.0);
    assert_eq!(value(&text, "http_request_duration_seconds_count"), 9.0);
    assert_eq!(value(&text, "http_requests_in_flight"), 0.0);
    for name in ["image_cache_hits_total", "image_cache_misses_total"] {
        assert!(value(&text, name) >= 0.0);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_there_while_loading_and_while_draining() {
    let (loading, answering) = (Gate::closed(), Gate::closed());
    let (gate, backend) = (Arc::clone(&loading), gated(&answering));
    let load = move || {
        gate.pass();
        Ok(backend as Arc<dyn Backend>)
    };
    let mut server = Server::loading(ServeOptions::default(), load).await;
    assert_eq!(value(&metrics(&server).await, "model_ready"), 0.0);
    let (status, answer) = read(server.get("/openapi.json").await).await;
    assert_eq!((status, code(&answer)), (503, "not_ready"));
    assert_eq!(server.get("/execution-parameters").await.status(), 200);

    loading.open();
    server.until_ready().await;
    let request = server.invoke(&question("Fit"));
    answering.until_arrived(1).await;
    server.begin_stop();
    while server.ping().await.status() == 200 {}
    let text = metrics(&server).await;
    assert_eq!(value(&text, "model_ready"), 0.0);
    assert_eq!(value(&text, "http_requests_in_flight"), 1.0);
    answering.open();
    assert_eq!(request.await.unwrap().unwrap().status(), 200);
    server.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn execution_parameters_follow_the_limit_of_a_body() {
    for (mib, payload) in [(64, 25), (4, 4)] {
        let http = HttpLimits {
            max_body_bytes: mib << 20,
            ..HttpLimits::default()
        };
        let server = Server::start_with(with_http(http), echo()).await;
        assert_eq!(
            read(server.get("/execution-parameters").await).await,
            (
                200,
                json!({"MaxConcurrentTransforms": 4, "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": payload})
            )
        );
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_describes_what_is_there() {
    let server = Server::start(echo()).await;
    let (status, document) = read(server.get("/openapi.json").await).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
    let (_, answer) = read(server.get("/nowhere").await).await;
    let message = answer["error"]["message"].as_str().unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            assert!(message.contains(&format!("{method} {path}")), "{message}");
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let url = server.url(&path.replace("{name}", "any"));
            let response = server.request(|client| client.request(method, url)).await;
            assert!(![404, 405].contains(&response.status().as_u16()), "{path}");
            assert!(response.headers().contains_key("x-request-id"));
        }
    }
    server.stop().await;
}

/// In its own header, and in the one that SageMaker passes back.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_whether_its_photo_was_known() {
    let server = Server::start(echo()).await;
    let body = json!({"image": png(9, 9), "prompt": "Fit"});
    for (path, cache) in [
        ("/invocations", "miss"),
        ("/invocations", "hit"),
        ("/endpoints/any/invocations", "hit"),
    ] {
        assert_eq!(image_cache(&server, path, &body).await, cache, "{path}");
    }
    let text = metrics(&server).await;
    assert_eq!(value(&text, "image_cache_hits_total"), 2.0);
    assert_eq!(value(&text, "image_cache_misses_total"), 1.0);
    let refused = server.send(&[], "{}").await;
    assert!(!refused.headers().contains_key("x-image-cache"));
    server.stop().await;

    let scheduling = Scheduling {
        image_cache_bytes: 0,
        ..Scheduling::default()
    };
    let options = ServeOptions {
        scheduling,
        ..ServeOptions::default()
    };
    let server = Server::start_with(options, echo()).await;
    for _ in 0..2 {
        assert_eq!(image_cache(&server, "/invocations", &body).await, "off");
    }
    server.stop().await;
}

async fn image_cache(server: &Server, path: &str, body: &Value) -> String {
    let response = server
        .request(|client| client.post(server.url(path)).json(body))
        .await;
    assert_eq!(response.status(), 200);
    let cache = response.headers()["x-image-cache"].to_str().unwrap();
    let attributes = &response.headers()["x-amzn-sagemaker-custom-attributes"];
    assert_eq!(attributes, format!("image_cache={cache}").as_str());
    cache.to_owned()
}

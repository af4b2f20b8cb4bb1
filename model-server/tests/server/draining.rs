//! Loading, ready, draining.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use model_server::backend::Backend;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Gate, Server, echo, eventually, gated, png, question, read, read_to_end};

#[tokio::test(flavor = "multi_thread")]
async fn before_the_model_is_loaded_nothing_is_accepted() {
    let gate = Gate::closed();
    let loading = Arc::clone(&gate);
    let server = Server::loading(ServeOptions::default(), move || {
        loading.pass();
        Ok(echo() as Arc<dyn Backend>)
    })
    .await;
    let (status, answer) = read(server.ping().await).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (503, &json!("not_ready"))
    );
    let (status, answer) = server.post(&question("Fit")).await;
    assert_eq!(status, 503);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("being loaded")
    );
    gate.open();
    server.until_ready().await;
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_loaded_ends_the_server_with_the_reason() {
    let server = Server::loading(ServeOptions::default(), || Err(anyhow!("no config.json"))).await;
    assert_eq!(
        server.ended().await.unwrap_err().to_string(),
        "no config.json"
    );

    let server = Server::loading(ServeOptions::default(), || panic!("broken weights")).await;
    assert!(
        server
            .ended()
            .await
            .unwrap_err()
            .to_string()
            .contains("panicked")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_loading_does_not_wait_for_the_model() {
    let gate = Gate::closed();
    let loading = Arc::clone(&gate);
    let server = Server::loading(ServeOptions::default(), move || {
        loading.pass();
        Ok(echo() as Arc<dyn Backend>)
    })
    .await;
    gate.until_arrived(1).await;
    let started = Instant::now();
    server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(10));
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_are_answered_and_new_ones_refused() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let mut server = Server::start(backend.clone()).await;
    let requests = [(4, "Fit"), (5, "Neck")]
        .map(|(width, prompt)| server.invoke(&json!({"image": png(width, 3), "prompt": prompt})));
    gate.until_arrived(1).await;
    eventually(|| backend.photos_seen() == 2).await;

    server.begin_stop();
    while server.ping().await.status() == 200 {}
    assert_eq!(server.ping().await.status(), 503);
    let (status, answer) = server.post(&question("Fit")).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (503, &json!("not_ready"))
    );

    gate.open();
    let answers = [json!({"Fit": "4x3"}), json!({"Neck": "5x3"})];
    for (request, answer) in requests.into_iter().zip(answers) {
        assert_eq!(read(request.await.unwrap().unwrap()).await, (200, answer));
    }
    server.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_does_not_hold_the_end() {
    let gate = Gate::closed();
    let drain_timeout = Duration::from_millis(200);
    let options = ServeOptions {
        drain_timeout,
        ..ServeOptions::default()
    };
    let mut server = Server::start_with(options, gated(&gate)).await;
    let request = server.invoke(&question("Fit"));
    gate.until_arrived(1).await;
    let started = Instant::now();
    server.begin_stop();
    // It is told so, and not cut.
    let (status, body) = read(request.await.unwrap().unwrap()).await;
    assert_eq!((status, &body["error"]["code"]), (503, &"not_ready".into()));
    server.ended().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_take_too_long_are_told_so_in_their_place() {
    let gate = Gate::closed();
    let options = ServeOptions {
        drain_timeout: Duration::from_millis(200),
        ..ServeOptions::default()
    };
    let mut server = Server::start_with(options, gated(&gate)).await;
    let line = question("Fit").to_string();
    let body = format!("{line}\n{line}\n");
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: \
         application/jsonlines\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    gate.until_arrived(1).await;
    server.begin_stop();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(answer.matches("not_ready").count(), 2, "{answer}");
    server.ended().await.unwrap();
    gate.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_send_nothing_more_do_not_hold_the_end() {
    let http = HttpLimits {
        draining_body_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let mut server = Server::start_with(
        ServeOptions {
            http,
            ..ServeOptions::default()
        },
        echo(),
    )
    .await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let mut in_headers = TcpStream::connect(server.address).await.unwrap();
    in_headers
        .write_all(b"POST /invocations HTTP/1.1\r\nHost:")
        .await
        .unwrap();
    let mut in_body = TcpStream::connect(server.address).await.unwrap();
    let request = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{";
    in_body.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    let started = Instant::now();
    server.begin_stop();
    let answer = read_to_end(&mut in_body).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    server.ended().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(10));
}

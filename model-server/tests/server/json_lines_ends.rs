//! Bodies of lines that end early: cut off, silent, left by their client, or
//! in the way of the server's own end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use model_server::backend::fake::FakeBackend;
use model_server::router::HttpLimits;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::sending::{LINES, Sending, answers, next};
use crate::support::{Gate, Server, code, echo, gated, question, raw, read, with_http};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_answered_as_far_as_it_came() {
    let server = Server::start(echo()).await;
    let line = question("Fit").to_string();
    let head = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/jsonlines\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    // A chunk whose length is none is where the body ends.
    let text = format!("{line}\n{line}\n{}", &line[..20]);
    let request = format!("{head}{:x}\r\n{text}\r\nxyz\r\n", text.len());
    let answer = raw(server.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(answer.matches(r#"{"Fit":"4x3"}"#).count(), 2, "{answer}");
    assert_eq!(
        answer.matches("the body was cut off").count(),
        1,
        "{answer}"
    );

    let request = format!("{head}4\r\n{}\r\nxyz\r\n", &line[..4]);
    let answer = raw(server.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_goes_silent_is_ended_with_an_error() {
    let http = HttpLimits {
        body_timeout: Duration::from_secs(1),
        ..HttpLimits::default()
    };
    let server = Server::start_with(with_http(http), echo()).await;
    let (sending, response) = Sending::begin(&server);
    sending.send(format!("{}\n", question("Fit")));
    let mut response = response.await.unwrap();
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    assert_eq!(code(&next(&mut response).await), "request_timeout");
    assert_eq!(response.chunk().await.unwrap(), None);

    let (_sending, response) = Sending::begin(&server);
    let (status, answer) = read(response.await.unwrap()).await;
    assert_eq!((status, code(&answer)), (408, "request_timeout"));
    server.stop().await;
}

/// A client that has sent its body but for some bytes.
async fn leaving(server: &Server, body: &str, unsent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let (name, kind) = LINES;
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: a\r\n{name}: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len() + unsent
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_owed_nothing() {
    let gate = Gate::closed();
    let mut server = Server::start(gated(&gate)).await;
    let body = format!("{}\n", question("Fit")).repeat(10);
    let client = leaving(&server, &body, 0).await;
    gate.until_arrived(1).await;
    drop(client);
    // So the end does not wait for the gate.
    let started = Instant::now();
    server.begin_stop();
    server.ended().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(20));
    gate.open();
}

/// While nothing is read of a connection, that its client has left is seen only
/// when the first answer is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_a_long_body_is_soon_computed_for_no_longer() {
    let gate = Gate::closed();
    let answered = Arc::new(AtomicUsize::new(0));
    let backend = {
        let (gate, answered) = (Arc::clone(&gate), Arc::clone(&answered));
        FakeBackend::new(move |_, prompts| {
            gate.pass();
            answered.fetch_add(prompts.len(), Ordering::SeqCst);
            Ok(vec!["Fit: Slim".to_owned(); prompts.len()])
        })
    };
    let server = Server::start(backend).await;
    let lines = 3_000;
    let body = format!("{}\n", question("Fit")).repeat(lines);
    let client = leaving(&server, &body, 1).await;
    gate.until_arrived(1).await;
    drop(client);
    gate.open();
    server.stop().await;
    let answered = answered.load(Ordering::SeqCst);
    assert!(answered < lines / 2, "{answered} of {lines} lines");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_breaks_off_leaves_the_server_alive() {
    let server = Server::start(echo()).await;
    for _ in 0..20 {
        let (sending, response) = Sending::begin(&server);
        sending.send(format!("{}\n{{", question("Fit")));
        sending.break_off();
        // The client may see an answer before its own error.
        let _ = response.await;
    }
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_nearly_done_is_finished_when_the_server_is_to_end() {
    let gate = Gate::closed();
    let mut server = Server::start(gated(&gate)).await;
    let (sending, response) = Sending::begin(&server);
    let line = format!("{}\n", question("Fit"));
    sending.send(line.clone());
    gate.until_arrived(1).await;
    server.begin_stop();
    while server.ping().await.status() == 200 {}
    sending.send(line);
    drop(sending);
    gate.open();
    let answers = answers(response.await.unwrap()).await;
    assert_eq!(answers, [json!({"Fit": "4x3"}), json!({"Fit": "4x3"})]);
    server.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_stream_is_answered_as_far_as_it_was_read_when_the_server_ends() {
    let http = HttpLimits {
        draining_body_timeout: Duration::from_millis(200),
        ..HttpLimits::default()
    };
    let mut server = Server::start_with(with_http(http), echo()).await;
    let (sending, response) = Sending::begin(&server);
    let line = format!("{}\n", question("Fit"));
    sending.send(line.repeat(3) + "{\"half\"");
    let mut response = response.await.unwrap();
    let mut text = String::new();
    server.begin_stop();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text += std::str::from_utf8(&chunk).unwrap();
    }
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers[..3], vec![json!({"Fit": "4x3"}); 3]);
    assert_eq!(
        (answers.len(), code(&answers[3])),
        (4, "not_ready"),
        "{text}"
    );
    server.ended().await.unwrap();
    drop(sending);
}

//! A request a line, an answer a line.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body_util::StreamBody;
use hyper::body::Frame;
use model_server::backend::fake::FakeBackend;
use model_server::core::Limits;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Gate, PATIENCE, Server, code, echo, gated, png, question, read};

const LINES: (&str, &str) = ("content-type", "application/jsonlines");

async fn answers(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/jsonlines");
    let text = response.text().await.unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn with_http(http: HttpLimits) -> ServeOptions {
    ServeOptions {
        http,
        ..ServeOptions::default()
    }
}

/// A body that is sent piece by piece.
struct Sending(UnboundedSender<io::Result<Frame<Bytes>>>);

impl Sending {
    fn begin(server: &Server) -> (Sending, tokio::task::JoinHandle<Response>) {
        let (pieces, body) = unbounded();
        let body = reqwest::Body::wrap(StreamBody::new(body));
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        let request = client
            .post(server.url("/invocations"))
            .header(LINES.0, LINES.1)
            .body(body);
        let response = tokio::spawn(async move { request.send().await.unwrap() });
        (Sending(pieces), response)
    }

    fn send(&self, text: impl Into<String>) {
        let frame = Frame::data(Bytes::from(text.into()));
        self.0.unbounded_send(Ok(frame)).unwrap();
    }

    fn break_off(self) {
        let error = io::Error::other("the client has lost its file");
        self.0.unbounded_send(Err(error)).unwrap();
    }
}

/// The next answer, as soon as it is there.
async fn next(response: &mut Response) -> Value {
    let chunk = response.chunk().await.unwrap().expect("an answer");
    serde_json::from_slice(&chunk).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_in_order() {
    let server = Server::start(echo()).await;
    let lines: Vec<String> = (1..=100)
        .map(|number| match number % 3 {
            0 => json!({"image": png(number, 2), "prompts": ["Fit", "Neck"]}).to_string(),
            _ => json!({"image": png(number, 2), "prompt": "Fit"}).to_string(),
        })
        .collect();
    // Blank lines, line ends of both kinds, none at the end.
    let body = format!("\r\n{}\n \n{}", lines[0], lines[1..].join("\r\n"));
    for kind in [
        "application/jsonlines",
        "application/x-ndjson; charset=utf-8",
    ] {
        let response = server.send(&[("content-type", kind)], body.clone()).await;
        let answers = answers(response).await;
        assert_eq!(answers.len(), 100);
        for (number, answer) in (1..).zip(answers) {
            let size = format!("{number}x2");
            let expected = match number % 3 {
                0 => json!([{"Fit": size}, {"Neck": size}]),
                _ => json!({"Fit": size}),
            };
            assert_eq!(answer, expected);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_spoils_no_other() {
    let http = HttpLimits {
        max_body_bytes: 4_096,
        ..HttpLimits::default()
    };
    let server = Server::start_with(with_http(http), echo()).await;
    let good = question("Fit").to_string();
    let mut wrong = question("Fit");
    wrong["parameters"] = json!({"num_beams": 99});
    let bad: [(String, &str); 9] = [
        ("{\"image\": ".to_owned(), "invalid_json"),
        ("\u{feff}\u{0}".to_owned(), "invalid_json"),
        ("[]".to_owned(), "invalid_request"),
        (json!({"image": png(4, 3)}).to_string(), "invalid_request"),
        (
            json!({"image": "AAAA", "prompt": "Fit"}).to_string(),
            "invalid_image",
        ),
        (
            json!({"image": "*", "prompt": "Fit"}).to_string(),
            "invalid_image",
        ),
        (wrong.to_string(), "invalid_parameter"),
        (format!("{good}{}", " ".repeat(4_096)), "payload_too_large"),
        ("x".repeat(100_000), "payload_too_large"),
    ];
    let mut body = good.clone();
    for (line, _) in &bad {
        body += &format!("\n{line}\n{good}");
    }
    assert!(body.len() > 4_096);
    let answers = answers(server.send(&[LINES], body).await).await;
    assert_eq!(answers.len(), 2 * bad.len() + 1);
    for (index, answer) in answers.iter().enumerate() {
        if index % 2 == 0 {
            assert_eq!(answer, &json!({"Fit": "4x3"}));
        } else {
            assert_eq!(code(answer), bad[index / 2].1, "{answer}");
            assert!(!answer.to_string().contains("the body"), "{answer}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_no_answer() {
    let server = Server::start(echo()).await;
    for body in ["", "\n", " \r\n\n"] {
        let answers = answers(server.send(&[LINES], body).await).await;
        assert_eq!(answers, Vec::<Value>::new());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_before_the_next_line_is_sent() {
    let server = Server::start(echo()).await;
    let (sending, response) = Sending::begin(&server);
    let line = question("Fit").to_string();
    sending.send(line.clone() + "\n" + &line[..10]);
    let mut response = response.await.unwrap();
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    sending.send(line[10..].to_owned() + "\n");
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    sending.send("no");
    drop(sending);
    assert_eq!(code(&next(&mut response).await), "invalid_json");
    assert_eq!(response.chunk().await.unwrap(), None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_for_a_place_where_other_requests_are_told_to_come_again() {
    let gate = Gate::closed();
    let limits = Limits {
        max_waiting_questions: 64,
        ..Limits::default()
    };
    let options = ServeOptions {
        limits,
        ..ServeOptions::default()
    };
    let server = Server::start_with(options, gated(&gate)).await;
    let line = json!({"image": png(4, 3), "prompts": vec!["Fit"; 40]}).to_string() + "\n";
    let (sending, response) = Sending::begin(&server);
    sending.send(line.repeat(20));
    drop(sending);
    gate.until_arrived(1).await;
    let started = Instant::now();
    let many = json!({"image": png(5, 5), "prompts": vec!["Fit"; 64]});
    loop {
        let request = server.invoke(&many);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if request.is_finished() {
            assert_eq!(request.await.unwrap().unwrap().status(), 429);
            break;
        }
        request.abort();
        assert!(started.elapsed() < PATIENCE, "the lines take no place");
    }
    gate.open();
    let answers = answers(response.await.unwrap()).await;
    assert_eq!(answers, vec![json!(vec![json!({"Fit": "4x3"}); 40]); 20]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_answered_as_far_as_it_came() {
    let server = Server::start(echo()).await;
    let line = question("Fit").to_string();
    let head = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/jsonlines\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    // A chunk whose length is none is where the body ends.
    let text = format!("{line}\n{line}\n{}", &line[..20]);
    let request = format!("{head}{:x}\r\n{text}\r\nxyz\r\n", text.len());
    let answer = crate::support::raw(server.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(answer.matches(r#"{"Fit":"4x3"}"#).count(), 2, "{answer}");
    assert_eq!(
        answer.matches("the body was cut off").count(),
        1,
        "{answer}"
    );

    let request = format!("{head}4\r\n{}\r\nxyz\r\n", &line[..4]);
    let answer = crate::support::raw(server.address, request.as_bytes()).await;
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
async fn what_fails_in_the_model_is_an_error_of_one_line() {
    let server = Server::start(FakeBackend::new(|_, prompts| {
        assert!(!prompts[0].contains("trap"), "tensor shapes differ");
        if prompts[0].contains("fail") {
            return Err("out of memory".into());
        }
        Ok(vec!["Fit: Slim".to_owned(); prompts.len()])
    }))
    .await;
    let (sending, response) = Sending::begin(&server);
    sending.send(format!("{}\n", question("Fit")));
    let mut response = response.await.unwrap();
    let good = json!({"Fit": "Slim"});
    assert_eq!(next(&mut response).await, good);
    // One after the other, so that they are not in one batch.
    for prompt in ["trap", "fail"] {
        sending.send(format!("{}\n", question(prompt)));
        assert_eq!(code(&next(&mut response).await), "internal");
        sending.send(format!("{}\n", question("Fit")));
        assert_eq!(next(&mut response).await, good);
    }
    drop(sending);
    assert_eq!(response.chunk().await.unwrap(), None);
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

/// Its questions are answered while the lines of the stream are.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_no_other_request_from_its_answer() {
    let server = Server::start(echo()).await;
    let (sending, response) = Sending::begin(&server);
    let line = format!("{}\n", question("Fit"));
    sending.send(line.clone());
    let mut response = response.await.unwrap();
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    assert_eq!(
        server.post(&question("Neck")).await,
        (200, json!({"Neck": "4x3"}))
    );
    drop(sending);
    assert_eq!(response.chunk().await.unwrap(), None);
    server.stop().await;
}

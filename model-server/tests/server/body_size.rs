//! A body over the limit: answered without reading it all, and so that the
//! client can read the answer.

use std::time::{Duration, Instant};

use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, echo, question, raw, read_to_end};

const LIMIT: u64 = 1 << 20;

async fn start() -> Server {
    let http = HttpLimits {
        max_body_bytes: LIMIT,
        ..HttpLimits::default()
    };
    Server::start_with(
        ServeOptions {
            http,
            ..ServeOptions::default()
        },
        echo(),
    )
    .await
}

fn head(length: u64) -> String {
    format!(
        "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_long_is_refused_before_it_is_sent() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(1 << 40).as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
    let rest = read_to_end(&mut stream).await;
    assert!(
        rest.contains("payload_too_large") && rest.contains("1048576 bytes"),
        "{rest}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_everything_first_still_reads_the_answer() {
    let server = start().await;
    let mut request = head(32 << 20).into_bytes();
    request.resize(request.len() + (32 << 20), b' ');
    let answer = raw(server.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(
        server.post(&question("Fit")).await,
        (200, json!({"Fit": "4x3"}))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_unknown_length_is_read_up_to_the_limit() {
    let server = start().await;
    let mut request =
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..3 {
        request.extend(format!("{LIMIT:x}\r\n").bytes());
        request.resize(request.len() + LIMIT as usize, b' ');
        request.extend(b"\r\n");
    }
    let answer = raw(server.address, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_limit_is_read() {
    let server = start().await;
    let mut body = question("Fit").to_string();
    body.extend(std::iter::repeat_n(' ', LIMIT as usize - body.len()));
    let response = server
        .request(|client| client.post(server.url("/invocations")).body(body))
        .await;
    assert_eq!(response.status(), 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_stops_sending_is_cut_off() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(1 << 50).as_bytes()).await.unwrap();
    let started = Instant::now();
    while stream.write_all(&[b' '; 4096]).await.is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "the server reads on for ever"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_together_are_held_up_to_a_limit() {
    let http = HttpLimits {
        max_body_bytes: LIMIT,
        max_held_bytes: LIMIT,
        ..HttpLimits::default()
    };
    let options = ServeOptions {
        http,
        ..ServeOptions::default()
    };
    let server = Server::start_with(options, echo()).await;
    // It has sent most of what there is room for, and says nothing more.
    let mut holder = TcpStream::connect(server.address).await.unwrap();
    let mut begun = head(LIMIT).into_bytes();
    begun.resize(begun.len() + LIMIT as usize - 8192, b' ');
    holder.write_all(&begun).await.unwrap();
    let mut other = head(LIMIT / 2)
        .replace("Host: a", "Host: a\r\nConnection: close")
        .into_bytes();
    other.resize(other.len() + LIMIT as usize / 2, b' ');
    let refused = async {
        loop {
            let answer = raw(server.address, &other).await;
            if answer.starts_with("HTTP/1.1 429") {
                return answer;
            }
            // The first was not read yet.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(10), refused)
        .await
        .unwrap();
    assert!(
        refused.contains("overloaded") && refused.contains("retry-after: 1"),
        "{refused}"
    );
    // What promises much and sends nothing takes no room.
    drop(holder);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(head(LIMIT).as_bytes()).await.unwrap();
    let answered = async {
        while server.post(&question("Fit")).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered)
        .await
        .unwrap();
    drop(silent);
    server.stop().await;
}

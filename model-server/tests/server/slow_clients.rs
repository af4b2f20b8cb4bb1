//! Clients that send slowly, or not to the end.

use std::time::Duration;

use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Server, echo, question, read_to_end};

async fn start() -> Server {
    let http = HttpLimits {
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_answered_and_let_go() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{\"image\"";
    stream.write_all(request).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("not sent within 0.3 s"), "{answer}");
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_do_not_arrive_end_the_connection() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"POST /invocations HTTP/1.1\r\nHost")
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_in_its_body_leaves_no_trace() {
    let mut server = start().await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{";
        stream.write_all(request).await.unwrap();
    }
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.begin_stop();
    server.ended().await.unwrap();
}

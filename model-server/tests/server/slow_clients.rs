//! Clients that send slowly, or not to the end.

use std::time::Duration;

use model_server::backend::fake::FakeBackend;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{PATIENCE, Server, echo, question, read_to_end};

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

/// Its requests are small and its answers large, and it reads none of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let http = HttpLimits {
        write_timeout: Duration::from_millis(300),
        ..HttpLimits::default()
    };
    let options = ServeOptions {
        http,
        ..ServeOptions::default()
    };
    let server =
        Server::start_with(options, FakeBackend::answering(|_, _| "x".repeat(10_000))).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let head = "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/jsonlines\r\n\
                Content-Length: 1000000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let lines = format!("{}\n", question("Fit")).repeat(100);
    let sending = async { while stream.write_all(lines.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, sending)
        .await
        .expect("the server waits without end");
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

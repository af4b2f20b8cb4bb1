//! Bodies of lines that are sent piece by piece, and their answers.

use std::io;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body_util::StreamBody;
use hyper::body::Frame;
use reqwest::Response;
use serde_json::Value;

use crate::support::{PATIENCE, Server};

/// The header of a body of lines.
pub const LINES: (&str, &str) = ("content-type", "application/jsonlines");

/// A body that is sent piece by piece.
pub struct Sending(UnboundedSender<io::Result<Frame<Bytes>>>);

impl Sending {
    pub fn begin(server: &Server) -> (Sending, tokio::task::JoinHandle<Response>) {
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

    pub fn send(&self, text: impl Into<String>) {
        let frame = Frame::data(Bytes::from(text.into()));
        self.0.unbounded_send(Ok(frame)).unwrap();
    }

    pub fn break_off(self) {
        let error = io::Error::other("the client has lost its file");
        self.0.unbounded_send(Err(error)).unwrap();
    }
}

/// The next answer, as soon as it is there.
pub async fn next(response: &mut Response) -> Value {
    let chunk = response.chunk().await.unwrap().expect("an answer");
    serde_json::from_slice(&chunk).unwrap()
}

/// All answers of a response that is one a line.
pub async fn answers(response: Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/jsonlines");
    let text = response.text().await.unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

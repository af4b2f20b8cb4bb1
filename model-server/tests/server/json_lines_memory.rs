//! What a long body of lines takes of the server's memory: how far ahead of its
//! answers it is read, through the routes and without a socket, whose buffers
//! would blur the count.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;
use http_body_util::BodyExt;
use model_server::backend::fake::FakeBackend;
use model_server::core::{Core, Limits, Scheduling};
use model_server::router::{HttpLimits, Lifecycle, router};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Gate, echo, gated, question};

const MIB: u64 = 1 << 20;

/// Of one piece of the body, as a connection gives it at most.
const PIECE: usize = 1 << 16;

/// A body of `lines` lines of `line_bytes` each, all the same question, that
/// counts how many bytes were taken of it.
fn body(lines: u64, line_bytes: u64) -> (Body, Arc<AtomicU64>) {
    let mut line = question("Fit").to_string();
    line.extend(std::iter::repeat_n(
        ' ',
        line_bytes as usize - line.len() - 1,
    ));
    line.push('\n');
    let line = Bytes::from(line);
    let pieces: Vec<Bytes> = (0..line.len())
        .step_by(PIECE)
        .map(|at| line.slice(at..(at + PIECE).min(line.len())))
        .collect();
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let total = lines * pieces.len() as u64;
    let pieces = (0..total).map(move |number| {
        let piece = pieces[number as usize % pieces.len()].clone();
        counter.fetch_add(piece.len() as u64, Ordering::SeqCst);
        Ok::<_, Infallible>(piece)
    });
    (Body::from_stream(stream::iter(pieces)), taken)
}

fn request(body: Body) -> Request<Body> {
    Request::post("/invocations")
        .header("content-type", "application/jsonlines")
        .body(body)
        .unwrap()
}

fn routes(backend: Arc<FakeBackend>) -> axum::Router {
    let lifecycle = Lifecycle::loading();
    lifecycle.set_ready(Core::start(backend, Limits::default(), Scheduling::default()).unwrap());
    router(lifecycle, HttpLimits::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_answers_are_withheld_little_is_read() {
    let limits = HttpLimits::default();
    for (lines, line_bytes, most) in [
        // Bounded by bytes: what fits, the line that reaches the bound, a piece.
        (100, MIB, limits.max_line_bytes_in_work + MIB + PIECE as u64),
        // Bounded by number.
        (
            10_000,
            MIB / 100,
            limits.max_lines_in_work as u64 * (MIB / 100) + PIECE as u64,
        ),
    ] {
        let gate = Gate::closed();
        let (body, taken) = body(lines, line_bytes);
        let answering = tokio::spawn(routes(gated(&gate)).oneshot(request(body)));
        gate.until_arrived(1).await;
        // Time enough to read on, were it not bounded.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let ahead = taken.load(Ordering::SeqCst);
        println!("{lines} lines of {line_bytes} bytes: {ahead} read before the first answer");
        assert!(ahead <= most, "{ahead} bytes are read ahead, {most} may be");
        assert!(!answering.is_finished());
        gate.open();
        let response = answering.await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        let answers = response.into_body().collect().await.unwrap().to_bytes();
        let answers = String::from_utf8(answers.to_vec()).unwrap();
        assert_eq!(answers, "{\"Fit\":\"4x3\"}\n".repeat(lines as usize));
        assert_eq!(taken.load(Ordering::SeqCst), lines * line_bytes);
    }
}

/// A client that takes no answers is read no further than they fit.
#[tokio::test(flavor = "multi_thread")]
async fn while_answers_are_not_taken_little_is_read() {
    let limits = HttpLimits::default();
    let (lines, line_bytes) = (2_000, 10_000);
    let (body, taken) = body(lines, line_bytes);
    let response = routes(echo()).oneshot(request(body)).await.unwrap();
    // In work or ready, handed over, and in the first piece of the response.
    let most_lines = 3 * limits.max_lines_in_work as u64;
    let mut answers = response.into_body();
    let mut answered = 0;
    tokio::time::sleep(Duration::from_millis(300)).await;
    loop {
        let ahead = taken.load(Ordering::SeqCst) - answered * line_bytes;
        assert!(
            ahead <= most_lines * line_bytes + PIECE as u64,
            "{ahead} bytes at {answered}"
        );
        let Some(frame) = answers.frame().await else {
            break;
        };
        let text = frame.unwrap().into_data().unwrap();
        for line in text
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let answer: Value = serde_json::from_slice(line).unwrap();
            assert_eq!(answer, json!({"Fit": "4x3"}));
            answered += 1;
        }
    }
    assert_eq!(answered, lines);
}

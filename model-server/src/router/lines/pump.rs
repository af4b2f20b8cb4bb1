//! From the lines of a body to their answers, in order.
//!
//! One task does it for a request. A bounded number of lines is in work at one
//! time, so that the model finds company for a question, and nothing more is
//! read while there is no room: what a stream takes of the server's memory does
//! not depend on its length.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use super::answer::{LineAnswer, answer_line};
use super::input::LineInput;
use super::splitter::Line;
use crate::core::Core;
use crate::router::answering::Readers;
use crate::router::body::{too_large, until_ending};
use crate::router::{ApiError, ErrorCode, HttpLimits, Lifecycle};

/// What the response is made of.
#[derive(Debug)]
pub(super) enum Piece {
    /// Some answers, each a line.
    Answers(Bytes),
    /// The body of the request ended early, before any line.
    Failed(ApiError),
    /// Every line is answered. Where this is missing, answers are.
    End,
}

/// Answers the lines of one body.
pub(super) struct Pump {
    core: Arc<Core>,
    readers: Readers,
    limits: HttpLimits,
    input: LineInput,
    working: FuturesOrdered<BoxFuture<'static, LineAnswer>>,
    /// Bytes of the lines in work.
    working_bytes: u64,
    /// Answers that nobody has taken yet.
    ready: BytesMut,
    ready_lines: usize,
    is_open: bool,
    summary: Summary,
}

struct Summary {
    started: Instant,
    lines: u64,
    failed: u64,
}

impl Pump {
    pub(super) fn new(
        core: Arc<Core>,
        readers: Readers,
        limits: HttpLimits,
        input: LineInput,
    ) -> Pump {
        Pump {
            core,
            readers,
            limits,
            input,
            working: FuturesOrdered::new(),
            working_bytes: 0,
            ready: BytesMut::new(),
            ready_lines: 0,
            is_open: true,
            summary: Summary {
                started: Instant::now(),
                lines: 0,
                failed: 0,
            },
        }
    }

    /// Runs until every line is answered, or nobody takes the answers.
    pub(super) async fn run(mut self, lifecycle: Arc<Lifecycle>, pieces: mpsc::Sender<Piece>) {
        let limits = self.limits.clone();
        let ending = until_ending(&limits, &lifecycle).fuse();
        tokio::pin!(ending);
        while self.is_open || !self.working.is_empty() || self.ready_lines > 0 {
            tokio::select! {
                biased;
                () = pieces.closed() => return self.summary.log("the client left"),
                Ok(place) = pieces.reserve(), if self.ready_lines > 0 => {
                    self.ready_lines = 0;
                    place.send(Piece::Answers(self.ready.split().freeze()));
                }
                Some(answer) = self.working.next(), if !self.working.is_empty() => {
                    self.finish(answer);
                }
                () = &mut ending => self.input.stop(ApiError::new(
                    ErrorCode::NotReady,
                    "the server is ending: the lines from here on were not read, send them to \
                     another instance",
                )),
                line = self.input.next(), if self.has_room() => match line {
                    Ok(Some(line)) => self.begin(line, &lifecycle),
                    Ok(None) => self.is_open = false,
                    Err(error) if self.summary.lines == 0 => {
                        let _ = pieces.send(Piece::Failed(error)).await;
                        return;
                    }
                    Err(error) => {
                        self.is_open = false;
                        self.refuse(error);
                    }
                },
            }
        }
        self.summary.log("every line is answered");
        let _ = pieces.send(Piece::End).await;
    }

    fn has_room(&self) -> bool {
        self.is_open
            && self.working.len() + self.ready_lines < self.limits.max_lines_in_work
            && self.working_bytes < self.limits.max_line_bytes_in_work
    }

    fn begin(&mut self, line: Line, lifecycle: &Arc<Lifecycle>) {
        self.summary.lines += 1;
        match line {
            Line::Whole(line) => {
                self.working_bytes += line.len() as u64;
                let core = Arc::clone(&self.core);
                let (readers, lifecycle) = (self.readers.clone(), Arc::clone(lifecycle));
                let (number, line_bytes) = (self.summary.lines, line.len() as u64);
                let answer = async move {
                    tokio::select! {
                        answer = answer_line(core, readers, line, number) => answer,
                        error = lifecycle.until_over() => LineAnswer {
                            line_bytes,
                            ..LineAnswer::refused(&error, number)
                        },
                    }
                };
                self.working.push_back(answer.boxed());
            }
            Line::TooLong => self.refuse(too_large("line", self.limits.max_body_bytes)),
        }
    }

    /// Answers with the error in the place of the next line.
    fn refuse(&mut self, error: ApiError) {
        let answer = LineAnswer::refused(&error, self.summary.lines);
        self.working.push_back(std::future::ready(answer).boxed());
    }

    fn finish(&mut self, answer: LineAnswer) {
        self.working_bytes -= answer.line_bytes;
        self.summary.failed += u64::from(answer.is_error);
        self.ready.extend_from_slice(&answer.text);
        self.ready_lines += 1;
    }
}

impl Summary {
    fn log(&self, outcome: &str) {
        let Summary { lines, failed, .. } = *self;
        let ms = self.started.elapsed().as_millis() as u64;
        tracing::info!(lines, failed, ms, "{outcome}");
    }
}

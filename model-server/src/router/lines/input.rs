//! The lines of a body, read as it comes.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::splitter::{Line, LineSplitter};
use crate::router::body::cut_off;
use crate::router::{ApiError, ErrorCode};

/// What still comes of a body.
pub(super) struct LineInput {
    body: Body,
    splitter: LineSplitter,
    /// Of the last piece that came, what is not split yet.
    received: Bytes,
    state: State,
    patience: Duration,
}

enum State {
    Open,
    /// The body is at its end.
    Ended,
    /// Nothing more is read of it.
    Stopped(ApiError),
}

impl LineInput {
    /// `patience` is how long nothing at all may come.
    pub(super) fn new(body: Body, max_line_bytes: usize, patience: Duration) -> LineInput {
        LineInput {
            body,
            splitter: LineSplitter::new(max_line_bytes),
            received: Bytes::new(),
            state: State::Open,
            patience,
        }
    }

    /// The next line; nothing after the last one. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// When the body ends early: after the lines that came whole.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ApiError> {
        loop {
            if let Some(line) = self.splitter.next(&mut self.received) {
                return Ok(Some(line));
            }
            match &self.state {
                State::Open => self.receive().await?,
                State::Ended => return Ok(self.splitter.finish()),
                State::Stopped(error) => return Err(error.clone()),
            }
        }
    }

    /// Reads no more: what came already is followed by `error`.
    pub(super) fn stop(&mut self, error: ApiError) {
        if matches!(self.state, State::Open) {
            self.state = State::Stopped(error);
        }
    }

    async fn receive(&mut self) -> Result<(), ApiError> {
        let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
        match frame.map_err(|_| self.too_slow())? {
            Some(Ok(frame)) => self.received = frame.into_data().unwrap_or_default(),
            Some(Err(error)) => return Err(cut_off(error)),
            None => self.state = State::Ended,
        }
        Ok(())
    }

    fn too_slow(&self) -> ApiError {
        let seconds = self.patience.as_secs_f64();
        let message = format!(
            "nothing of the body came for {seconds} s: the lines from here on were not read, send \
             them again"
        );
        ApiError::new(ErrorCode::RequestTimeout, message)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures::{StreamExt, stream};

    use super::*;

    fn input(pieces: Vec<Result<&'static str, io::Error>>) -> LineInput {
        let body = Body::from_stream(stream::iter(pieces));
        LineInput::new(body, 100, Duration::from_secs(60))
    }

    fn whole(line: &'static str) -> Line {
        Line::Whole(Bytes::from_static(line.as_bytes()))
    }

    #[tokio::test]
    async fn lines_come_across_pieces() {
        let mut input = input(vec![Ok("a\nb"), Ok("c"), Ok("\n"), Ok("d")]);
        for line in ["a", "bc", "d"] {
            assert_eq!(input.next().await.unwrap(), Some(whole(line)));
        }
        assert_eq!(input.next().await.unwrap(), None);
        assert_eq!(input.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_body_that_is_cut_off_gives_its_whole_lines_first() {
        let mut input = input(vec![Ok("a\nb"), Err(io::Error::other("reset"))]);
        assert_eq!(input.next().await.unwrap(), Some(whole("a")));
        let error = input.next().await.unwrap_err();
        assert!(error.message().contains("cut off"), "{}", error.message());
    }

    #[tokio::test]
    async fn what_came_before_a_stop_is_given() {
        let mut input = input(vec![Ok("a\nb\nc"), Ok("\nd\n")]);
        assert_eq!(input.next().await.unwrap(), Some(whole("a")));
        input.stop(ApiError::new(ErrorCode::NotReady, "ending"));
        assert_eq!(input.next().await.unwrap(), Some(whole("b")));
        assert_eq!(input.next().await.unwrap_err().message(), "ending");
    }

    #[tokio::test]
    async fn a_stop_after_the_end_changes_nothing() {
        let mut input = input(vec![Ok("a")]);
        assert_eq!(input.next().await.unwrap(), Some(whole("a")));
        input.stop(ApiError::new(ErrorCode::NotReady, "ending"));
        assert_eq!(input.next().await.unwrap(), None);
    }

    /// It takes longer in all than a body of one request may.
    #[tokio::test(start_paused = true)]
    async fn a_slow_body_that_goes_on_is_read_to_its_end() {
        let pieces = stream::iter(["a", "b", "\n", "c", "\n"]).then(|piece| async move {
            tokio::time::sleep(Duration::from_secs(59)).await;
            Ok::<_, io::Error>(piece)
        });
        let body = Body::from_stream(pieces);
        let mut input = LineInput::new(body, 100, Duration::from_secs(60));
        assert_eq!(input.next().await.unwrap(), Some(whole("ab")));
        assert_eq!(input.next().await.unwrap(), Some(whole("c")));
        assert_eq!(input.next().await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_goes_silent_is_not_waited_for() {
        let pieces = stream::iter([Ok::<_, io::Error>("a\n")]).chain(stream::pending());
        let mut input = LineInput::new(Body::from_stream(pieces), 100, Duration::from_secs(60));
        assert_eq!(input.next().await.unwrap(), Some(whole("a")));
        let error = input.next().await.unwrap_err();
        assert!(error.message().contains("for 60 s"), "{}", error.message());
    }
}

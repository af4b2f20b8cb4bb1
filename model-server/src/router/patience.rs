//! How long a connection is waited for.
//!
//! At its close: an answer such as 413 goes out while the client is still
//! sending. Were the socket closed then, the bytes that it holds unread would
//! turn the close into a reset, and the client would lose the answer. So, after
//! the sending side is closed, what still comes in is thrown away for a while.
//!
//! While it is written to: a client that takes nothing of its answer would hold
//! it, and all that stands behind it, without end. It is cut off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Without a byte from the client for this long, it is not waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// A client that goes on sending is cut off after this.
const TOTAL: Duration = Duration::from_secs(5);

/// A connection whose shutdown waits for the client's, and whose writing waits
/// only so long.
pub(super) struct PatientStream {
    stream: TcpStream,
    closing: Option<Closing>,
    write_timeout: Duration,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// The sending side is closed.
struct Closing {
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Closing {
    fn begin() -> Closing {
        let timer = Box::pin(tokio::time::sleep(SILENCE));
        Closing {
            deadline: Instant::now() + TOTAL,
            timer,
        }
    }

    fn heard_something(&mut self) {
        let end = (Instant::now() + SILENCE).min(self.deadline);
        self.timer.as_mut().reset(end);
    }
}

impl PatientStream {
    pub(super) fn new(stream: TcpStream, write_timeout: Duration) -> PatientStream {
        PatientStream {
            stream,
            closing: None,
            write_timeout,
            stalled: None,
        }
    }

    /// What a write came to, or the error that it has waited too long.
    fn bounded(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.write_timeout;
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let closing = this.closing.get_or_insert_with(Closing::begin);
        let mut bytes = [0; 16 << 10];
        loop {
            if closing.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            // An error here is the client's reset: it is gone as well.
            let is_open = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer)).is_ok();
            if !is_open || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            closing.heard_something();
        }
    }
}

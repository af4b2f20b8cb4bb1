//! The signals that ask the demo to end.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ended by {name}; no page was written")]
pub struct Interrupted {
    name: &'static str,
    number: u8,
}

impl Interrupted {
    /// The exit status that shells give a process which a signal ended: 130
    /// for Ctrl-C.
    pub fn exit_code(self) -> u8 {
        128 + self.number
    }
}

/// Listens for Ctrl-C, SIGTERM and the closing of the terminal.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on these signals no longer end the process by themselves.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted { name: "Ctrl-C", number: 2 },
            _ = self.terminate.recv() => Interrupted { name: "SIGTERM", number: 15 },
            _ = self.hangup.recv() => Interrupted { name: "SIGHUP", number: 1 },
        }
    }
}

//! Ctrl-C and SIGTERM: long work stops at a place from where it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::failure::{Exit, Failure, Outcome};

/// Whether somebody wants the command to end. The first signal asks, the second ends
/// the process at once.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    came: AtomicBool,
    notify: Notify,
}

impl Interrupt {
    /// Listens from now on; to be called inside a tokio runtime.
    #[must_use]
    pub fn listen() -> Interrupt {
        let interrupt = Interrupt::default();
        let listening = interrupt.clone();
        tokio::spawn(async move {
            signal().await;
            listening.raise();
            signal().await;
            // Who signals twice does not want to wait for what is in the middle.
            std::process::exit(Exit::Interrupted as i32);
        });
        interrupt
    }

    /// As if the signal had come.
    pub fn raise(&self) {
        self.shared.came.store(true, Ordering::SeqCst);
        self.shared.notify.notify_waiters();
    }

    /// Whether the signal has come.
    #[must_use]
    pub fn came(&self) -> bool {
        self.shared.came.load(Ordering::SeqCst)
    }

    /// Waits for the signal.
    pub async fn wait(&self) {
        let notified = self.shared.notify.notified();
        tokio::pin!(notified);
        // Registered before the look, so that a signal between the two is not missed.
        notified.as_mut().enable();
        if !self.came() {
            notified.await;
        }
    }

    /// What `work` gives, or the failure `interrupted` where the signal comes first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::select! {
            biased;
            () = self.wait() => Err(interrupted()),
            done = work => Ok(done),
        }
    }
}

/// What a command that was interrupted ends with, where nothing more is to be said.
#[must_use]
pub fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted")
}

async fn signal() {
    let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Interrupt;
    use crate::failure::Exit;

    #[tokio::test]
    async fn work_ends_when_the_signal_comes() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.or(async { 1 }).await.ok(), Some(1));
        let raised = interrupt.clone();
        tokio::spawn(async move { raised.raise() });
        let failure = interrupt.or(std::future::pending::<()>()).await.err();
        assert_eq!(failure.map(|failure| failure.exit), Some(Exit::Interrupted));
        let failure = interrupt.or(async { 1 }).await.err();
        assert!(failure.is_some(), "what was raised stays so");
    }
}

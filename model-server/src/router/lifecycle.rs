//! Loading, ready, draining; and which requests the server still owes an
//! answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{ApiError, ErrorCode};
use crate::core::Core;

/// What is said before the model is there.
pub(super) const LOADING: &str = "the model is still being loaded; try again";

/// The life of a server. Shared by all requests.
pub struct Lifecycle {
    state: watch::Sender<State>,
}

struct State {
    phase: Phase,
    accepted: usize,
    /// There is no time left for those that are not answered yet.
    is_over: bool,
}

enum Phase {
    Loading,
    Ready(Arc<Core>),
    /// What it was loaded with, for as long as the last metrics are read.
    Draining(Option<Arc<Core>>),
}

impl Lifecycle {
    /// A server whose model is still being loaded.
    #[must_use]
    pub fn loading() -> Arc<Lifecycle> {
        let state = State {
            phase: Phase::Loading,
            accepted: 0,
            is_over: false,
        };
        Arc::new(Lifecycle {
            state: watch::Sender::new(state),
        })
    }

    /// The model is there: requests are accepted from now on.
    pub fn set_ready(&self, core: Core) {
        let core = Arc::new(core);
        self.state.send_modify(|state| {
            if matches!(state.phase, Phase::Loading) {
                state.phase = Phase::Ready(core);
            }
        });
    }

    /// No request is accepted any more; those that were go on.
    pub fn start_draining(&self) {
        self.state.send_modify(|state| {
            let core = state.loaded();
            state.phase = Phase::Draining(core);
        });
    }

    /// The time for accepted requests is over: they are answered by an error
    /// instead of being cut.
    pub fn give_up(&self) {
        self.state.send_modify(|state| state.is_over = true);
    }

    /// Waits until every accepted request is answered.
    pub async fn until_all_answered(&self) {
        self.until(|state| state.accepted == 0).await;
    }

    /// Waits until something happened, and then until no request began or ended
    /// for so long. Some may be on their way: clients that are slow to send do
    /// not make a server busy.
    pub async fn until_quiet(&self, quiet: Duration) {
        let mut state = self.state.subscribe();
        // It fails only where the sender is gone, which `self` holds.
        let mut seen = state.changed().await;
        while seen.is_ok() {
            match tokio::time::timeout(quiet, state.changed()).await {
                Err(_) => return,
                Ok(changed) => seen = changed,
            }
        }
    }

    /// How many accepted requests are not answered yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.state.borrow().accepted
    }

    pub(super) async fn until_draining(&self) {
        self.until(|state| matches!(state.phase, Phase::Draining(_)))
            .await;
    }

    /// Ends, with what the client is told, when there is no time left to answer.
    pub(super) async fn until_over(&self) -> ApiError {
        self.until(|state| state.is_over).await;
        not_ready("the server is ending and had no time left to answer; ask another instance")
    }

    pub(super) fn check_ready(&self) -> Result<(), ApiError> {
        self.state.borrow().core().map(drop)
    }

    /// What was loaded, whether it still takes requests or not.
    pub(crate) fn loaded(&self) -> Option<Arc<Core>> {
        self.state.borrow().loaded()
    }

    /// Promises an answer to one request.
    pub(super) fn accept(self: &Arc<Self>) -> Result<Accepted, ApiError> {
        let mut accepted = Err(not_ready("the server is ending"));
        self.state.send_if_modified(|state| {
            accepted = state.core();
            let is_accepted = accepted.is_ok();
            state.accepted += usize::from(is_accepted);
            is_accepted
        });
        Ok(Accepted {
            core: accepted?,
            lifecycle: Arc::clone(self),
        })
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        // It fails only where the sender is gone, which `self` holds.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| condition(state))
            .await;
    }
}

impl State {
    fn loaded(&self) -> Option<Arc<Core>> {
        match &self.phase {
            Phase::Loading => None,
            Phase::Ready(core) => Some(Arc::clone(core)),
            Phase::Draining(core) => core.clone(),
        }
    }

    fn core(&self) -> Result<Arc<Core>, ApiError> {
        match &self.phase {
            Phase::Loading => Err(not_ready(LOADING)),
            Phase::Ready(core) => Ok(Arc::clone(core)),
            Phase::Draining(_) => Err(not_ready("the server is ending; ask another instance")),
        }
    }
}

pub(super) fn not_ready(message: &str) -> ApiError {
    ApiError::new(ErrorCode::NotReady, message)
}

/// A request that the server answers before it ends.
pub(super) struct Accepted {
    pub(super) core: Arc<Core>,
    lifecycle: Arc<Lifecycle>,
}

impl Drop for Accepted {
    fn drop(&mut self) {
        self.lifecycle
            .state
            .send_modify(|state| state.accepted -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::fake::FakeBackend;
    use crate::core::{Limits, Scheduling};

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_when_nothing_began_or_ended_for_a_while() {
        const QUIET: Duration = Duration::from_secs(5);
        let lifecycle = Lifecycle::loading();
        let core = Core::start(
            FakeBackend::answering(|_, _| String::new()),
            Limits::default(),
            Scheduling::default(),
        );
        lifecycle.set_ready(core.unwrap());
        let waiting = tokio::spawn({
            let lifecycle = Arc::clone(&lifecycle);
            async move { lifecycle.until_quiet(QUIET).await }
        });
        // Nothing was asked: there is nothing to give back.
        tokio::time::sleep(4 * QUIET).await;
        assert!(!waiting.is_finished());
        // A client that is slow to send, and one that is answered at once.
        let _slow = lifecycle.accept().unwrap();
        tokio::time::sleep(QUIET / 2).await;
        drop(lifecycle.accept().unwrap());
        tokio::time::sleep(QUIET - Duration::from_millis(1)).await;
        assert!(!waiting.is_finished(), "one came a moment ago");
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(waiting.is_finished());
    }
}

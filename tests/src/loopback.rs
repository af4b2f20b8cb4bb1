//! A server of the process's own.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Serves on loopback, on a port of the system's choice, until it is dropped. Connections
/// that are open then stay so until their clients end.
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Loopback {
    /// Listens when it returns.
    ///
    /// # Errors
    /// When the system has no port.
    pub async fn serve(router: Router) -> Result<Loopback> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("cannot listen on loopback")?;
        let address = listener.local_addr()?;
        // Without it the end of a longer answer may wait for an acknowledgement, which
        // clients put off for 40 ms.
        let listener = listener.tap_io(|stream| {
            // A connection that is gone already needs none.
            let _ = stream.set_nodelay(true);
        });
        let task = tokio::spawn(async move {
            // It ends with the task alone.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Loopback { address, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

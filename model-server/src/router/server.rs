//! Accepting connections, and closing them in good order.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::HttpLimits;
use super::patience::PatientStream;

/// How long connections without an accepted request have to close at the end.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// Where no connection can be accepted, the next try waits: most often too many
/// files are open, and one is closed soon.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves until `end`, then closes the listener and the connections.
pub async fn serve_connections(
    listener: TcpListener,
    router: Router,
    limits: &HttpLimits,
    end: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Answers are small and written at once; waiting for more only delays them.
                    let _ = stream.set_nodelay(true);
                    let stream = PatientStream::new(stream, limits.write_timeout);
                    let watcher = connections.watcher();
                    tokio::spawn(serve_connection(stream, builder.clone(), router.clone(), watcher));
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(CLOSING_TIME, connections.shutdown())
        .await
        .is_err()
    {
        tracing::info!("clients kept connections open; they are cut");
    }
}

async fn serve_connection(
    stream: PatientStream,
    builder: http1::Builder,
    router: Router,
    watcher: Watcher,
) {
    let io = TokioIo::new(stream);
    let connection = builder.serve_connection(io, TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        // A client that hung up or sent no HTTP; nobody is left to be told.
        tracing::debug!("connection ended: {error}");
    }
}

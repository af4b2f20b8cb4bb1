//! The server's life from the first connection to the last.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::backend::Backend;
use crate::core::{AdapterOptions, Core, Limits, Scheduling};
use crate::memory;
use crate::router::{HttpLimits, Lifecycle, router, serve_connections};

/// What a server is run with.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// What requests may ask for.
    pub limits: Limits,
    /// How their work is put together.
    pub scheduling: Scheduling,
    /// The adapters that requests may name; none where this is `None`.
    pub adapters: Option<AdapterOptions>,
    /// How clients are listened to.
    pub http: HttpLimits,
    /// How long accepted requests may still take after `stop`.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        ServeOptions {
            limits: Limits::default(),
            scheduling: Scheduling::default(),
            adapters: None,
            http: HttpLimits::default(),
            // SageMaker kills a container 30 s after SIGTERM; closing the
            // connections takes up to two of them.
            drain_timeout: Duration::from_secs(25),
        }
    }
}

/// Serves from now on, while `load` runs on a thread of its own, until `stop`
/// and until every accepted request is answered.
///
/// # Errors
/// When `load` fails.
pub async fn serve(
    listener: TcpListener,
    options: ServeOptions,
    load: impl FnOnce() -> anyhow::Result<Arc<dyn Backend>> + Send + 'static,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let lifecycle = Lifecycle::loading();
    let http = options.http.clone();
    let routes = router(Arc::clone(&lifecycle), http.clone());
    let backend = load_on_a_thread(load)?;
    let mut result = Ok(());
    let life = async {
        result = live(&lifecycle, &options, backend, stop).await;
        lifecycle.start_draining();
        drain(&lifecycle, options.drain_timeout).await;
    };
    serve_connections(listener, routes, &http, life).await;
    result
}

type Loading = oneshot::Receiver<anyhow::Result<Arc<dyn Backend>>>;

/// Not on the runtime's threads, whose end the process would wait for when it
/// is stopped in the middle.
fn load_on_a_thread(
    load: impl FnOnce() -> anyhow::Result<Arc<dyn Backend>> + Send + 'static,
) -> anyhow::Result<Loading> {
    let (loaded, backend) = oneshot::channel();
    let run = move || {
        // Nobody listens any more when the server is ending.
        let _ = loaded.send(load());
    };
    thread::Builder::new()
        .name("load".to_owned())
        .spawn(run)
        .context("cannot start a thread")?;
    Ok(backend)
}

async fn live(
    lifecycle: &Lifecycle,
    options: &ServeOptions,
    backend: Loading,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::pin!(stop);
    let backend = tokio::select! {
        backend = backend => backend.context("loading the model panicked")??,
        () = &mut stop => return Ok(()),
    };
    let core = Core::start(backend, options.limits.clone(), options.scheduling.clone())
        .context("cannot start the inference thread")?;
    let core = match options.adapters.clone() {
        Some(adapters) => core.with_adapters(adapters),
        None => core,
    };
    let adapters = core.adapter_names().map(|names| names.join(", "));
    lifecycle.set_ready(core);
    tracing::info!(adapters, "ready");
    tokio::select! {
        () = stop => Ok(()),
        never = give_memory_back(lifecycle) => match never {},
        never = forget_removed_adapters(lifecycle) => match never {},
    }
}

/// Requests see for themselves which adapters there are; this gives back what
/// those take that nobody can name any more.
async fn forget_removed_adapters(lifecycle: &Lifecycle) -> Infallible {
    const INTERVAL: Duration = Duration::from_secs(5);
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Some(core) = lifecycle.loaded() {
            // A panic would be that of one look, and the next comes.
            let _ = tokio::task::spawn_blocking(move || core.forget_removed_adapters()).await;
        }
    }
}

/// Gives memory back whenever nothing happens for a while after something did:
/// under load it would be taken again at once.
async fn give_memory_back(lifecycle: &Lifecycle) -> Infallible {
    const QUIET: Duration = Duration::from_secs(5);
    loop {
        lifecycle.until_quiet(QUIET).await;
        // A panic is impossible, and a runtime that ends needs no memory back.
        let _ = tokio::task::spawn_blocking(memory::give_back).await;
    }
}

async fn drain(lifecycle: &Lifecycle, timeout: Duration) {
    tracing::info!(unanswered = lifecycle.unanswered(), "draining");
    if tokio::time::timeout(timeout, lifecycle.until_all_answered())
        .await
        .is_err()
    {
        let unanswered = lifecycle.unanswered();
        tracing::error!(
            unanswered,
            "not all accepted requests were answered in time: they are told to ask another instance"
        );
        lifecycle.give_up();
    }
}

/// Ends with the first SIGTERM or SIGINT.
///
/// # Errors
/// When the signals cannot be listened for.
pub fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    })
}

/// Tells in a file where the server listens: `{"http": "http://127.0.0.1:8080"}`.
/// The file appears whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_ready_file(path: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let write = || {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        let ready = json!({"http": format!("http://{}", reachable(address))});
        std::fs::write(file.path(), format!("{ready}\n"))?;
        file.persist(path)?;
        anyhow::Ok(())
    };
    write().with_context(|| format!("cannot write the ready file {}", path.display()))
}

/// An address that a client on this machine can connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_file_has_an_address_to_connect_to() {
        let folder = tempfile::tempdir().unwrap();
        for (address, url) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:80", "http://[::1]:80"),
            ("127.0.0.1:1", "http://127.0.0.1:1"),
        ] {
            let path = folder.path().join("ready.json");
            write_ready_file(&path, address.parse().unwrap()).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(ready, json!({"http": url}));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_ready_file_in_no_folder_is_an_error_with_its_name() {
        let error = write_ready_file(
            Path::new("missing/ready.json"),
            "127.0.0.1:1".parse().unwrap(),
        );
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("missing/ready.json")
        );
    }
}

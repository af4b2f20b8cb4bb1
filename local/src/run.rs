//! From the flags to two servers, and to their end.

use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::bedrock::{self, BedrockState, Behaviours};
use crate::notifications::{DeliverySettings, FunctionInvoker, Notifications};
use crate::s3::{self, S3Settings};
use crate::settings::{Settings, WriterKind};
use crate::writer::{SmolLmWriter, TemplateWriter, Writer};
use crate::{logs, ready_file};

/// How long requests under way may take to finish after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
///
/// What stands in the way of starting, or a server that fails.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    logs::start(settings.log_format);
    let stop = stop_signal()?;
    // The model is loaded before the ports listen: who can connect gets a text.
    let writer = writer(&settings).await?;
    let notifications = notifications(&settings);

    let s3_settings = S3Settings {
        root: settings.root.clone(),
        buckets: settings.buckets.clone(),
        secret_access_key: settings.secret_access_key.clone(),
    };
    let s3 = s3::router(&s3_settings, notifications.clone())?;
    let bedrock = bedrock::router(BedrockState {
        writer,
        behaviours: Behaviours::new(&settings.model_behaviours),
        notifications: notifications.clone(),
    });
    let (s3_listener, s3_address) = listen(settings.s3_port).await?;
    let (bedrock_listener, bedrock_address) = listen(settings.bedrock_port).await?;

    let s3 = axum::serve(
        s3_listener,
        s3.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(stopped(stop.clone()));
    let bedrock =
        axum::serve(bedrock_listener, bedrock).with_graceful_shutdown(stopped(stop.clone()));
    let servers = async { tokio::try_join!(s3.into_future(), bedrock.into_future()) };

    if let Some(path) = &settings.ready_file {
        ready_file::write(path, s3_address, bedrock_address)
            .with_context(|| format!("cannot write the ready file {}", path.display()))?;
    }
    tracing::info!(%s3_address, %bedrock_address, "ready");

    let end = async {
        stopped(stop).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = servers => { result.context("a server failed")?; }
        () = end => tracing::warn!("requests were cut off"),
    }
    let counts = notifications.counts();
    if counts.pending > 0 {
        tracing::warn!(
            lost = counts.pending,
            "stopped before all notifications were delivered"
        );
    }
    tracing::info!(delivered = counts.delivered, lost = counts.lost, "stopped");
    Ok(())
}

async fn writer(settings: &Settings) -> anyhow::Result<Writer> {
    match settings.writer {
        WriterKind::Template => Ok(Writer::Template(TemplateWriter)),
        WriterKind::Smollm => {
            let path = settings.writer_model.clone().context(
                "--writer smollm needs --writer-model, or the variable LOOKBOOK_WRITER_MODEL",
            )?;
            let seed = settings.seed;
            let writer =
                tokio::task::spawn_blocking(move || SmolLmWriter::start(&path, seed)).await??;
            Ok(Writer::SmolLm(writer))
        }
    }
}

fn notifications(settings: &Settings) -> Notifications {
    let timeout = Duration::from_millis(settings.function_timeout_ms);
    let invoker = settings
        .function_url
        .clone()
        .map(|url| FunctionInvoker::new(url, timeout));
    let delivery = DeliverySettings {
        concurrency: usize::from(settings.notification_concurrency),
        retry_pause: Duration::from_millis(settings.notification_retry_pause_ms),
    };
    Notifications::start(
        &settings.incoming_prefix,
        &settings.region,
        invoker,
        delivery,
    )
}

async fn listen(port: u16) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{port}"))?;
    let address = listener
        .local_addr()
        .context("the listening port has no address")?;
    Ok((listener, address))
}

/// Becomes true with the first SIGTERM or SIGINT. The handlers are in place when this returns,
/// so that a signal during the start ends the program cleanly too.
fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Nobody listens if the program ends by itself.
        let _ = sender.send(true);
    });
    Ok(receiver)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a reason to stop as well.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

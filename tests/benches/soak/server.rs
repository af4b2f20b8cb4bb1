//! The server under test.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use local_stack::ModelServer;

/// The longest body that it is started to take.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// Small enough that 64 connections meet it: more questions are answered 429.
const MAX_WAITING_QUESTIONS: u32 = 128;

/// Small enough to be full after the first thousand requests, so that what is
/// kept on purpose is not taken for a leak.
const IMAGE_CACHE_MIB: u32 = 1;

/// Starts it with small limits and waits until it answers.
pub async fn start(program: &Path, model_dir: &Path, folder: &Path) -> Result<ModelServer> {
    let mut arguments: Vec<String> = [
        ("--max-body-mib", (MAX_BODY_BYTES >> 20).to_string()),
        ("--max-megapixels", "8".to_owned()),
        ("--max-waiting-questions", MAX_WAITING_QUESTIONS.to_string()),
    ]
    .into_iter()
    .flat_map(|(flag, value)| [flag.to_owned(), value])
    .collect();
    let cache = "--image-cache-mib";
    if ModelServer::has_flag(program, cache).await? {
        arguments.extend([cache.to_owned(), IMAGE_CACHE_MIB.to_string()]);
    }
    println!("{} serve {}", program.display(), arguments.join(" "));
    let mut server = ModelServer::start(program, model_dir, &arguments, folder).await?;
    server.until_ready(Duration::from_secs(120)).await?;
    Ok(server)
}

/// Where it listens.
pub fn address(server: &ModelServer) -> Result<SocketAddr> {
    let address = server.url().strip_prefix("http://");
    address
        .and_then(|address| address.parse().ok())
        .with_context(|| format!("{} is no address", server.url()))
}

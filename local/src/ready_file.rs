//! The file by which others learn the ports.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

/// Writes the addresses as JSON, under another name first: who sees the file sees all of it.
pub(crate) fn write(path: &Path, s3: SocketAddr, bedrock: SocketAddr) -> io::Result<()> {
    let content = serde_json::json!({
        "s3": format!("http://{s3}"),
        "bedrock": format!("http://{bedrock}"),
    });
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, format!("{content}\n"))?;
    std::fs::rename(&partial, path)
}

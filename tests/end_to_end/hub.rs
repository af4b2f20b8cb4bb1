//! A hub of models on loopback, and beside it the server that keeps its large files, as
//! Hugging Face has them. Both do as a test wants.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::common::serve;

/// The commit of every model of the hub.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How much of a large file comes at once.
const PIECE_BYTES: usize = 32 << 10;

/// A file of the model.
#[derive(Clone, Debug)]
pub struct HubFile {
    pub name: &'static str,
    pub content: Vec<u8>,
    /// Of a large file the SHA-256 of its content, of others what git calls it.
    pub checksum: &'static str,
    /// Whether it is large: kept on the other server.
    pub is_large: bool,
}

/// What the hub does.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Answers to the listing with this status and this code instead.
    pub refuses: Option<(u16, &'static str)>,
    /// So many downloads of each large file break off in the middle.
    pub drops: usize,
    /// A pause after every piece of a large file.
    pub pause: Duration,
    /// A file that is listed and not there.
    pub missing: Option<&'static str>,
    /// Large files come whole, whatever range is asked for.
    pub knows_no_ranges: bool,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

struct Shared {
    files: Vec<HubFile>,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Asked>>,
    dropped: Mutex<HashMap<String, usize>>,
    /// Where large files are.
    storage: Mutex<String>,
}

/// A running hub.
pub struct Hub {
    shared: Arc<Shared>,
    pub url: String,
}

impl Hub {
    pub async fn start(files: Vec<HubFile>, behaviour: Behaviour) -> Hub {
        let shared = Arc::new(Shared {
            files,
            behaviour: Mutex::new(behaviour),
            asked: Mutex::default(),
            dropped: Mutex::default(),
            storage: Mutex::default(),
        });
        let storage = Router::new()
            .route("/files/{*name}", get(stored))
            .with_state(Arc::clone(&shared));
        let storage = serve(storage).await;
        *shared.storage.lock().unwrap() = format!("http://{storage}/files/");
        let hub = Router::new()
            .route(
                "/api/models/{owner}/{model}/revision/{revision}",
                get(listed),
            )
            .route("/{owner}/{model}/resolve/{commit}/{*name}", get(resolved))
            .with_state(Arc::clone(&shared));
        let address = serve(hub).await;
        Hub {
            shared,
            url: format!("http://{address}"),
        }
    }

    /// Does otherwise from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.shared.asked.lock().unwrap())
    }

    pub fn content(&self, name: &str) -> Vec<u8> {
        self.shared.file(name).unwrap().content.clone()
    }
}

impl Shared {
    fn file(&self, name: &str) -> Option<&HubFile> {
        self.files.iter().find(|file| file.name == name)
    }

    fn behaviour(&self) -> Behaviour {
        self.behaviour.lock().unwrap().clone()
    }

    fn note(&self, path: String, headers: &HeaderMap) {
        let text = |name| Some(headers.get(name)?.to_str().unwrap().to_owned());
        self.asked.lock().unwrap().push(Asked {
            path,
            range: text(header::RANGE),
            authorization: text(header::AUTHORIZATION),
        });
    }

    /// Whether this download of a file is one of those that break off.
    fn is_dropped(&self, name: &str) -> bool {
        let drops = self.behaviour().drops;
        let mut dropped = self.dropped.lock().unwrap();
        let count = dropped.entry(name.to_owned()).or_default();
        *count += 1;
        *count <= drops
    }
}

async fn listed(
    State(shared): State<Arc<Shared>>,
    Path((owner, model, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    shared.note(format!("/api/models/{owner}/{model}/{revision}"), &headers);
    if let Some((status, code)) = shared.behaviour().refuses {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = [("x-error-code", code), ("x-error-message", "not for you")];
        return (status, headers).into_response();
    }
    let siblings: Vec<Value> = shared
        .files
        .iter()
        .map(|file| {
            let size = file.content.len();
            match file.is_large {
                true => json!({
                    "rfilename": file.name, "size": size, "blobId": "of the pointer",
                    "lfs": {"sha256": file.checksum, "size": size, "pointerSize": 134}
                }),
                false => json!({
                    "rfilename": file.name, "size": size, "blobId": file.checksum
                }),
            }
        })
        .collect();
    let body = json!({"id": format!("{owner}/{model}"), "sha": COMMIT, "siblings": siblings});
    axum::Json(body).into_response()
}

async fn resolved(
    State(shared): State<Arc<Shared>>,
    Path((_, _, commit, name)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Response {
    shared.note(format!("/resolve/{name}"), &headers);
    let is_missing = shared.behaviour().missing == Some(name.as_str());
    let file = shared
        .file(&name)
        .filter(|_| !is_missing && commit == COMMIT);
    match file {
        None => (StatusCode::NOT_FOUND, [("x-error-code", "EntryNotFound")]).into_response(),
        Some(file) if file.is_large => {
            let to = format!("{}{name}", shared.storage.lock().unwrap());
            (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
        }
        Some(file) => file.content.clone().into_response(),
    }
}

async fn stored(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    shared.note(format!("/files/{name}"), &headers);
    let content = shared.file(&name).unwrap().content.clone();
    let behaviour = shared.behaviour();
    let range = headers
        .get(header::RANGE)
        .filter(|_| !behaviour.knows_no_ranges);
    let from: Option<usize> = range.map(|range| {
        let range = range.to_str().unwrap().strip_prefix("bytes=").unwrap();
        range.strip_suffix('-').unwrap().parse().unwrap()
    });
    let rest = content[from.unwrap_or_default()..].to_vec();
    let breaks_off = shared.is_dropped(&name);
    let sent = match breaks_off {
        true => rest[..rest.len() / 2].to_vec(),
        false => rest.clone(),
    };
    let pieces: Vec<Bytes> = sent
        .chunks(PIECE_BYTES)
        .map(Bytes::copy_from_slice)
        .collect();
    let pieces = stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(behaviour.pause).await;
        Ok::<_, Infallible>(piece)
    });
    // A body that ends before its length is a connection that breaks off.
    let length = (header::CONTENT_LENGTH, rest.len().to_string());
    let body = Body::from_stream(pieces);
    match from {
        None => (StatusCode::OK, [length], body).into_response(),
        Some(from) => {
            let last = content.len() - 1;
            let range = format!("bytes {from}-{last}/{}", content.len());
            let headers = [length, (header::CONTENT_RANGE, range)];
            (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
        }
    }
}

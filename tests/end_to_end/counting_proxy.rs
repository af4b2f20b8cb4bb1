//! What stands between a program and a service: it passes every call on and counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tests::loopback::Loopback;

/// The largest body that is passed on.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A proxy in front of one service.
pub struct CountingProxy {
    server: Loopback,
    shared: Arc<Shared>,
}

struct Shared {
    to: String,
    client: reqwest::Client,
    /// The names that calls were given, and how often each came.
    seen: Mutex<HashMap<String, usize>>,
    /// What a call is counted as; nothing where it does not count.
    name: fn(&[u8]) -> Option<String>,
}

impl CountingProxy {
    /// Passes on to `to`, a URL without a path, and counts by what `name` makes of a body.
    pub async fn before(to: &str, name: fn(&[u8]) -> Option<String>) -> CountingProxy {
        let shared = Arc::new(Shared {
            to: to.to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            seen: Mutex::default(),
            name,
        });
        let router = Router::new().fallback(pass_on).with_state(shared.clone());
        CountingProxy {
            server: Loopback::serve(router).await.unwrap(),
            shared,
        }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// How many calls were made.
    pub fn calls(&self) -> usize {
        self.shared.seen.lock().unwrap().values().sum()
    }

    /// How often each name came.
    pub fn seen(&self) -> HashMap<String, usize> {
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        // Whoever sent it was killed meanwhile: it was no whole call.
        return StatusCode::BAD_REQUEST.into_response();
    };
    if let Some(name) = (shared.name)(&body) {
        *shared.seen.lock().unwrap().entry(name).or_default() += 1;
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    for name in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
    let answer = shared
        .client
        .request(parts.method, format!("{}{path}", shared.to))
        .headers(headers)
        .body(body)
        .send()
        .await;
    match answer {
        Ok(answer) => answered(answer).await,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn answered(answer: reqwest::Response) -> Response {
    let status = answer.status();
    let mut headers = answer.headers().clone();
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let body: Bytes = answer.bytes().await.unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

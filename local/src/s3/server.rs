//! The HTTP server of S3: the service of `s3s` with request ids and a log line a request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use s3s::service::{S3Service, S3ServiceBuilder};
use tower::Service;

use super::access::{OneSecret, OpenAccess};
use super::conforming::ConformingStore;
use super::notifying::NotifyingStore;
use super::request_context::RequestContext;
use crate::notifications::Notifications;

/// What the S3 server needs to know.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The folder that holds the buckets; created where it is missing.
    pub root: PathBuf,
    /// Buckets that are there from the start.
    pub buckets: Vec<String>,
    /// The secret key that signed requests are signed with, whatever their access key id.
    pub secret_access_key: String,
}

/// Why the S3 server can't start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be created or read.
    #[error("the folder {} cannot be used for S3: {source}", path.display())]
    Folder {
        /// The folder, or the bucket in it.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// `s3s-fs` refused the folder.
    #[error("the folder {} cannot be used for S3: {reason}", path.display())]
    Store {
        /// The folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A name that S3 doesn't allow.
    #[error(
        "{0:?} is no bucket name: 3 to 63 lower-case letters, digits, dots and hyphens are needed"
    )]
    BucketName(String),
}

/// Opens the store and makes its buckets. The server is to be started with connect info: the
/// client's address goes into the events.
///
/// # Errors
///
/// The folder can't be used, or a bucket can't have its name.
pub fn router(settings: &S3Settings, notifications: Notifications) -> Result<Router, OpenError> {
    let in_folder = |path: &PathBuf| {
        let path = path.clone();
        move |source| OpenError::Folder { path, source }
    };
    for bucket in &settings.buckets {
        if !s3s::path::check_bucket_name(bucket) {
            return Err(OpenError::BucketName(bucket.clone()));
        }
        let folder = settings.root.join(bucket);
        std::fs::create_dir_all(&folder).map_err(in_folder(&folder))?;
    }
    std::fs::create_dir_all(&settings.root).map_err(in_folder(&settings.root))?;
    let root = settings
        .root
        .canonicalize()
        .map_err(in_folder(&settings.root))?;
    let store = ConformingStore::open(&root).map_err(|error| OpenError::Store {
        path: root,
        reason: format!("{error:?}"),
    })?;

    let mut builder = S3ServiceBuilder::new(NotifyingStore::new(store, notifications));
    builder.set_auth(OneSecret::new(&settings.secret_access_key));
    builder.set_access(OpenAccess);
    Ok(Router::new().fallback(answer).with_state(builder.build()))
}

async fn answer(
    State(mut service): State<S3Service>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let start = Instant::now();
    let context = RequestContext::new(client.ip().to_string());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(context.clone());
    let mut response = match Service::call(&mut service, request).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(error) => {
            tracing::error!(?error, "the S3 service failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    for (name, id) in [
        ("x-amz-request-id", &context.request_id),
        ("x-amz-id-2", &context.extended_request_id),
    ] {
        if let Ok(value) = HeaderValue::from_str(id) {
            response.headers_mut().insert(name, value);
        }
    }
    tracing::info!(
        %method,
        path,
        status = response.status().as_u16(),
        duration_ms = start.elapsed().as_millis(),
        request_id = context.request_id,
        "s3 request"
    );
    response
}

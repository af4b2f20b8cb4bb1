//! Requests that this server makes of itself.

use s3s::S3Request;
use s3s::dto::HeadObjectInput;

/// Asks what there is of an object.
pub(super) fn head_request(bucket: &str, key: &str) -> S3Request<HeadObjectInput> {
    S3Request {
        input: HeadObjectInput {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..HeadObjectInput::default()
        },
        method: http::Method::HEAD,
        uri: http::Uri::default(),
        headers: http::HeaderMap::default(),
        extensions: http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

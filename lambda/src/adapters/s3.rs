//! Photos and results in S3.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{shortened, with_causes};
use crate::domain::{Deadline, ObjectAddress, SourceMark, Store, StoreError};

/// Where a result says what it was made from: `x-amz-meta-…` headers. The key
/// is percent-encoded, because headers are ASCII.
const SOURCE_KEY: &str = "source-key";
const SOURCE_ETAG: &str = "source-etag";
const SOURCE_SEQUENCER: &str = "source-sequencer";

const ATTEMPTS: u32 = 3;

/// S3, or what is behind `AWS_ENDPOINT_URL_S3`.
pub struct S3Store {
    client: Client,
}

impl S3Store {
    /// `path_style` addresses objects as `host/bucket/key`. Connects to nothing
    /// yet.
    pub fn new(config: &SdkConfig, path_style: bool) -> S3Store {
        let config = aws_sdk_s3::config::Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .force_path_style(path_style)
            .build();
        S3Store {
            client: Client::from_conf(config),
        }
    }
}

#[async_trait]
impl Store for S3Store {
    async fn read(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        let read = async {
            let object = self
                .client
                .get_object()
                .bucket(&address.bucket)
                .key(&address.key)
                .send()
                .await
                .map_err(|error| store_error(error, address, "s3:GetObject"))?;
            let bytes = object
                .content_length()
                .and_then(|length| u64::try_from(length).ok());
            if let Some(bytes) = bytes.filter(|bytes| *bytes > max_bytes) {
                let address = address.clone();
                return Err(StoreError::TooLarge {
                    address,
                    bytes,
                    max_bytes,
                });
            }
            object
                .body
                .collect()
                .await
                .map(|body| body.into_bytes())
                .map_err(|error| failed(address, &error.to_string()))
        };
        in_time(address, deadline, read).await
    }

    async fn source_of(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<SourceMark>, StoreError> {
        let head = async {
            let outcome = self
                .client
                .head_object()
                .bucket(&address.bucket)
                .key(&address.key)
                .send()
                .await
                .map_err(|error| store_error(error, address, "s3:GetObject"));
            let head = match outcome {
                Ok(head) => head,
                Err(StoreError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let entry = |name: &str| head.metadata().and_then(|all| all.get(name)).cloned();
            Ok(entry(SOURCE_KEY).map(|key| SourceMark {
                key: percent_decode_str(&key).decode_utf8_lossy().into_owned(),
                etag: entry(SOURCE_ETAG),
                sequencer: entry(SOURCE_SEQUENCER),
            }))
        };
        in_time(address, deadline, head).await
    }

    async fn write(
        &self,
        address: &ObjectAddress,
        json: Bytes,
        source: &SourceMark,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let key = utf8_percent_encode(&source.key, NON_ALPHANUMERIC).to_string();
        let mut put = self
            .client
            .put_object()
            .bucket(&address.bucket)
            .key(&address.key)
            .content_type("application/json")
            .metadata(SOURCE_KEY, key)
            .body(ByteStream::from(json));
        for (name, value) in [
            (SOURCE_ETAG, &source.etag),
            (SOURCE_SEQUENCER, &source.sequencer),
        ] {
            if let Some(value) = value {
                put = put.metadata(name, value);
            }
        }
        let write = async {
            put.send()
                .await
                .map_err(|error| store_error(error, address, "s3:PutObject"))?;
            Ok(())
        };
        in_time(address, deadline, write).await
    }
}

async fn in_time<T>(
    address: &ObjectAddress,
    deadline: Deadline,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || {
        Err(StoreError::TimedOut {
            address: address.clone(),
        })
    };
    deadline.bound(work).await.unwrap_or_else(late)
}

fn store_error<E>(
    error: SdkError<E>,
    address: &ObjectAddress,
    permission: &'static str,
) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let SdkError::ServiceError(context) = &error else {
        return failed(address, &with_causes(&error));
    };
    let address = address.clone();
    // A HEAD has no body and so no code: the status has to do.
    match (context.err().code(), context.raw().status().as_u16()) {
        (_, 404) => StoreError::NotFound { address },
        (Some("AccessDenied"), _) | (None, 403) => StoreError::AccessDenied {
            address,
            permission,
        },
        (code, status) => {
            let code = code.unwrap_or("unknown error");
            let message = context.err().message().unwrap_or("no message");
            failed(&address, &format!("{code} ({status}): {message}"))
        }
    }
}

fn failed(address: &ObjectAddress, reason: &str) -> StoreError {
    StoreError::Failed {
        address: address.clone(),
        reason: shortened(reason),
    }
}

//! Photos and results in S3.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::buckets::Buckets;
use super::retry::LEAST_TIME;
use super::{said, shortened, with_causes, with_request_id};
use crate::domain::{
    Condition, Deadline, ObjectAddress, ObjectState, SourceMark, Store, StoreError, Stored,
    Version, end_of_second_ms,
};

/// Where a result says what it was made from: `x-amz-meta-…` headers. The origin
/// is percent-encoded, because headers are ASCII.
const SOURCE_ORIGIN: &str = "source-origin";
const SOURCE_ETAG: &str = "source-etag";
const SOURCE_SEQUENCER: &str = "source-sequencer";
const SOURCE_AT_MS: &str = "source-at-ms";
const SOURCE_PHOTO: &str = "source-photo";
const SOURCE_SETTINGS: &str = "source-settings";

const ATTEMPTS: u32 = 3;

/// S3, or what is behind `AWS_ENDPOINT_URL_S3`. The SDK tries again; how the calls of each
/// bucket go as a whole is known here.
pub struct S3Store {
    client: Client,
    buckets: Buckets,
}

impl S3Store {
    /// `path_style` addresses objects as `host/bucket/key`. Connects to nothing
    /// yet.
    pub fn new(config: &SdkConfig, path_style: bool) -> S3Store {
        let config = aws_sdk_s3::config::Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .force_path_style(path_style)
            // No bucket that has sessions is taken, and each call would look whether it is one.
            .disable_s3_express_session_auth(true)
            .build();
        S3Store {
            client: Client::from_conf(config),
            buckets: Buckets::default(),
        }
    }
}

impl S3Store {
    async fn get(&self, address: &ObjectAddress) -> Result<GetObjectOutput, StoreError> {
        self.client
            .get_object()
            .bucket(&address.bucket)
            .key(&address.key)
            .send()
            .await
            .map_err(|error| store_error(error, address, "s3:GetObject"))
    }

    /// What is known of an object beside its content; nothing where there is none.
    async fn head(&self, address: &ObjectAddress) -> Result<Option<HeadObjectOutput>, StoreError> {
        let outcome = self
            .client
            .head_object()
            .bucket(&address.bucket)
            .key(&address.key)
            .send()
            .await
            .map_err(|error| store_error(error, address, "s3:GetObject"));
        match outcome {
            Ok(head) => Ok(Some(head)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a call, which is over by the deadline, unless S3 is left alone for now.
    async fn call<T>(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let dependency = self.buckets.of(&address.bucket);
        let Some(leave) = dependency.leave() else {
            return Err(unavailable(
                address,
                "it kept failing and is not asked for now",
            ));
        };
        let time = deadline.remaining();
        let outcome = deadline.bound(call).await;
        match &outcome {
            Some(Ok(_)) => dependency.succeeded(),
            Some(Err(StoreError::Unavailable { .. })) => dependency.failed(leave),
            Some(Err(_)) => dependency.answered(),
            None if time >= LEAST_TIME => dependency.failed(leave),
            None => {}
        }
        outcome.unwrap_or_else(|| {
            Err(StoreError::TimedOut {
                address: address.clone(),
            })
        })
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
        let read = async { content(address, self.get(address).await?, max_bytes).await };
        self.call(address, deadline, read).await
    }

    async fn read_state(
        &self,
        state: &ObjectState,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        let ObjectState { address, etag } = state;
        let read = async {
            let object = self
                .client
                .get_object()
                .bucket(&address.bucket)
                .key(&address.key)
                .if_match(format!("\"{etag}\""))
                .send()
                .await
                .map_err(|error| {
                    if is_changed(&error) {
                        return changed(address);
                    }
                    store_error(error, address, "s3:GetObject")
                })?;
            // Not every server that speaks S3's protocol knows the condition.
            let found = object.e_tag().map(|found| found.trim_matches('"'));
            if found.is_some_and(|found| found != etag) {
                return Err(changed(address));
            }
            content(address, object, max_bytes).await
        };
        self.call(address, deadline, read).await
    }

    async fn look(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<Stored>, StoreError> {
        let look = async {
            let head = self.head(address).await?;
            Ok(head.map(|head| stored(head.e_tag(), head.metadata())))
        };
        self.call(address, deadline, look).await
    }

    async fn find_state(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<(ObjectState, Option<u64>)>, StoreError> {
        let find = async {
            let head = self.head(address).await?;
            Ok(head.map(|head| {
                let state = version(head.e_tag()).state_of(address);
                let second = head.last_modified().map(|time| time.secs());
                let second = second.and_then(|second| u64::try_from(second).ok());
                (state, second.and_then(end_of_second_ms))
            }))
        };
        self.call(address, deadline, find).await
    }

    async fn load(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Option<(Stored, Bytes)>, StoreError> {
        let load = async {
            let object = match self.get(address).await {
                Ok(object) => object,
                Err(StoreError::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let found = stored(object.e_tag(), object.metadata());
            let bytes = content(address, object, max_bytes).await?;
            Ok(Some((found, bytes)))
        };
        self.call(address, deadline, load).await
    }

    async fn write(
        &self,
        address: &ObjectAddress,
        json: Bytes,
        source: Option<&SourceMark>,
        condition: &Condition,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&address.bucket)
            .key(&address.key)
            .content_type("application/json")
            .set_metadata(source.map(metadata))
            .body(ByteStream::from(json));
        let put = match condition {
            Condition::Absent => put.if_none_match("*"),
            Condition::Unchanged(Version(etag)) => put.if_match(etag),
        };
        let write = async {
            let output = put.send().await.map_err(|error| {
                // What was to be replaced is gone. A bucket that is not there is told by
                // its code.
                if is_changed(&error) || error.code() == Some("NoSuchKey") {
                    return changed(address);
                }
                store_error(error, address, "s3:PutObject")
            })?;
            Ok(version(output.e_tag()))
        };
        self.call(address, deadline, write).await
    }

    async fn remove(
        &self,
        address: &ObjectAddress,
        version: &Version,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let Version(etag) = version;
        let remove = async {
            let outcome = self
                .client
                .delete_object()
                .bucket(&address.bucket)
                .key(&address.key)
                .if_match(etag)
                .send()
                .await
                .map_err(|error| {
                    if is_changed(&error) {
                        return changed(address);
                    }
                    store_error(error, address, "s3:DeleteObject")
                });
            match outcome {
                Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        self.call(address, deadline, remove).await
    }
}

/// The content of an object that has been asked for.
async fn content(
    address: &ObjectAddress,
    object: GetObjectOutput,
    max_bytes: u64,
) -> Result<Bytes, StoreError> {
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
        .map_err(|error| unavailable(address, &error.to_string()))
}

fn stored(etag: Option<&str>, metadata: Option<&HashMap<String, String>>) -> Stored {
    let entry = |name: &str| metadata.and_then(|all| all.get(name)).cloned();
    Stored {
        version: version(etag),
        source: entry(SOURCE_ORIGIN).map(|origin| SourceMark {
            origin: percent_decode_str(&origin).decode_utf8_lossy().into_owned(),
            etag: entry(SOURCE_ETAG),
            sequencer: entry(SOURCE_SEQUENCER),
            at_ms: entry(SOURCE_AT_MS).and_then(|text| text.parse().ok()),
            photo: entry(SOURCE_PHOTO),
            settings: entry(SOURCE_SETTINGS),
        }),
    }
}

/// S3 has an entity tag for every object.
fn version(etag: Option<&str>) -> Version {
    Version(etag.unwrap_or_default().to_owned())
}

fn metadata(source: &SourceMark) -> HashMap<String, String> {
    let origin = utf8_percent_encode(&source.origin, NON_ALPHANUMERIC).to_string();
    let at_ms = source.at_ms.map(|at_ms| at_ms.to_string());
    let further = [
        (SOURCE_ETAG, &source.etag),
        (SOURCE_SEQUENCER, &source.sequencer),
        (SOURCE_AT_MS, &at_ms),
        (SOURCE_PHOTO, &source.photo),
        (SOURCE_SETTINGS, &source.settings),
    ];
    let further = further
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
    std::iter::once((SOURCE_ORIGIN.to_owned(), origin))
        .chain(further)
        .collect()
}

fn store_error<E>(
    error: SdkError<E>,
    address: &ObjectAddress,
    permission: &'static str,
) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let context = match &error {
        SdkError::ServiceError(context) => context,
        SdkError::ConstructionFailure(_) => return failed(address, &with_causes(&error)),
        _ => return unavailable(address, &with_causes(&error)),
    };
    let address = address.clone();
    let request_id = error.request_id();
    // A HEAD has no body and so no code: the status has to do.
    match (context.err().code(), context.raw().status().as_u16()) {
        (_, 404) => StoreError::NotFound { address },
        (Some("AccessDenied"), _) | (None, 403) => StoreError::AccessDenied {
            address,
            permission,
            said: with_request_id("AccessDenied", request_id),
        },
        (code, status) => {
            let code = code.unwrap_or("unknown error");
            let message = context.err().message().unwrap_or("no message");
            let what = with_request_id(&format!("{code} ({status})"), request_id);
            let reason = format!("{what}: {}", said(message));
            match status {
                // 503 is that there are too many calls.
                500..=502 | 504.. => StoreError::Unavailable { address, reason },
                _ => StoreError::Failed { address, reason },
            }
        }
    }
}

/// Whether S3 says that a condition does not hold: 412, or 409 where somebody else writes the
/// object or takes it away just then.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>
fn is_changed<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let SdkError::ServiceError(context) = error else {
        return false;
    };
    let is_conflict = context.err().code() == Some("ConditionalRequestConflict");
    context.raw().status().as_u16() == 412 || is_conflict
}

fn changed(address: &ObjectAddress) -> StoreError {
    StoreError::Changed {
        address: address.clone(),
    }
}

fn unavailable(address: &ObjectAddress, reason: &str) -> StoreError {
    StoreError::Unavailable {
        address: address.clone(),
        reason: shortened(reason),
    }
}

fn failed(address: &ObjectAddress, reason: &str) -> StoreError {
    StoreError::Failed {
        address: address.clone(),
        reason: shortened(reason),
    }
}

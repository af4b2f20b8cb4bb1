//! The catalogue bucket of the local cloud, over the S3 protocol.

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;

use crate::BUCKET;

/// A client for one bucket.
#[derive(Debug, Clone)]
pub struct CatalogueBucket {
    client: Client,
}

impl CatalogueBucket {
    /// A client for the S3 server at `url`; any credentials do there.
    pub fn at(url: &str) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .force_path_style(true)
            .http_client(http)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// Stores an object.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<()> {
        self.client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .with_context(|| format!("cannot store {key}"))?;
        Ok(())
    }

    /// An object's bytes, `None` where there is none.
    ///
    /// # Errors
    /// When the server fails otherwise.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
        {
            Ok(object) => Ok(Some(object.body.collect().await?.to_vec())),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {key}")),
        }
    }

    /// The keys under a prefix.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .send()
            .await?;
        Ok(page
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect())
    }
}

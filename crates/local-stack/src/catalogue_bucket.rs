//! The catalogue bucket of the local cloud, over the S3 protocol.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;

use crate::BUCKET;

/// An object as it lies in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its metadata, without `x-amz-meta-`.
    pub metadata: HashMap<String, String>,
}

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

    /// Stores an object and gives its entity tag, without quotes.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<String> {
        let stored = self
            .client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .with_context(|| format!("cannot store {key}"))?;
        let tag = stored.e_tag().unwrap_or_default();
        Ok(tag.trim_matches('"').to_owned())
    }

    /// An object's bytes, `None` where there is none.
    ///
    /// # Errors
    /// When the server fails otherwise.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.object(key).await?.map(|object| object.bytes))
    }

    /// An object with its metadata, `None` where there is none.
    ///
    /// # Errors
    /// When the server fails otherwise.
    pub async fn object(&self, key: &str) -> Result<Option<StoredObject>> {
        match self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
        {
            Ok(object) => Ok(Some(StoredObject {
                metadata: object.metadata().cloned().unwrap_or_default(),
                bytes: object.body.collect().await?.to_vec(),
            })),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {key}")),
        }
    }

    /// All keys under a prefix, in order.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.try_next().await? {
            let objects = page.contents().iter();
            keys.extend(objects.filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }
}

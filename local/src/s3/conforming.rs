//! The folder made to behave as S3 does.
//!
//! `s3s-fs` keeps an object as a file of its key's name, which shows in places. This layer
//! refuses keys that a folder cannot hold instead of folding them into others, answers
//! `NoSuchBucket` where the folder would create or overlook one, hides directories, and makes
//! writes atomic: a conditional write (`If-None-Match: *`) has one winner, and a reader gets
//! content, ETag and metadata of one and the same write; a conditional delete (`If-Match`)
//! takes nothing away but what was seen. What is listed is in [`listing`],
//! uploads in parts in [`uploads`].

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CopySource,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput,
    PutObjectOutput, StreamingBlob, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
    UploadPartOutput,
};
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;

use super::delegate::delegate;
use super::internal_request::head_request;
use super::key_locks::KeyLocks;
use super::upload_checksum::Promised;
use super::{listing, sidecars, uploads};

/// The largest body of a PutObject or of a part: it is held in memory until it is complete.
const MAX_PUT_BYTES: usize = 1 << 30;

/// The longest file name of the usual file systems.
const MAX_FILE_NAME_BYTES: usize = 255;

/// A store over a folder; see the module.
#[derive(Debug)]
pub struct ConformingStore {
    inner: FileSystem,
    root: PathBuf,
    locks: Arc<KeyLocks>,
}

impl ConformingStore {
    /// A store over an existing folder, whose sub-folders are the buckets.
    ///
    /// # Errors
    ///
    /// The folder can't be read.
    pub fn open(root: &Path) -> Result<Self, s3s_fs::Error> {
        Ok(Self {
            inner: FileSystem::new(root)?,
            root: root.to_owned(),
            locks: Arc::default(),
        })
    }

    fn bucket_exists(&self, bucket: &str) -> S3Result<()> {
        if self.root.join(bucket).is_dir() {
            return Ok(());
        }
        Err(s3_error!(
            NoSuchBucket,
            "The specified bucket does not exist"
        ))
    }

    /// The object must be a file: `s3s-fs` would open the directory `incoming` as a key.
    fn object_exists(&self, bucket: &str, key: &str) -> S3Result<()> {
        self.bucket_exists(bucket)?;
        let is_object = check_key(bucket, key).is_ok()
            && (key.ends_with('/') || self.root.join(bucket).join(key).is_file());
        if is_object {
            return Ok(());
        }
        Err(s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// Whether an object, whose lock is held, is as a request wants it to be.
    async fn check_unchanged(
        &self,
        bucket: &str,
        key: &str,
        condition: &ETagCondition,
    ) -> S3Result<()> {
        let head = self.inner.head_object(head_request(bucket, key)).await?;
        let is_unchanged = match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(expected) => {
                let found = head.output.e_tag;
                found.is_some_and(|found| found.strong_cmp(expected))
            }
        };
        if is_unchanged {
            return Ok(());
        }
        Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ))
    }
}

/// Refuses a key that would be another key's file, or whose metadata file has too long a name.
fn check_key(bucket: &str, key: &str) -> S3Result<()> {
    let plain = Path::new(key)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
        && !key.contains("//")
        && !key.split('/').any(|part| part == ".");
    if !plain {
        return Err(s3_error!(
            InvalidArgument,
            "the key {key:?} has an empty, '.' or '..' segment, which this server cannot keep"
        ));
    }
    let base64_bytes = |text: &str| (text.len() * 4).div_ceil(3);
    // The name that s3s-fs gives to the metadata of a multipart upload.
    let metadata_name = ".bucket-.object-.upload-.metadata.json".len()
        + base64_bytes(bucket)
        + base64_bytes(key)
        + uuid::fmt::Hyphenated::LENGTH;
    let segments_fit = key.split('/').all(|part| part.len() <= MAX_FILE_NAME_BYTES);
    if metadata_name > MAX_FILE_NAME_BYTES || !segments_fit {
        return Err(S3Error::with_message(
            S3ErrorCode::KeyTooLongError,
            format!("Your key is too long for this server: {} bytes", key.len()),
        ));
    }
    Ok(())
}

/// Receives a body to its end.
async fn receive(body: StreamingBlob) -> S3Result<Bytes> {
    let mut received = BytesMut::new();
    let mut body = body;
    while let Some(chunk) = body
        .try_next()
        .await
        .map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?
    {
        if received.len() + chunk.len() > MAX_PUT_BYTES {
            return Err(s3_error!(
                EntityTooLarge,
                "a body has at most {MAX_PUT_BYTES} bytes here: larger objects are uploaded in parts"
            ));
        }
        received.extend_from_slice(&chunk);
    }
    Ok(received.freeze())
}

/// Runs what reads and writes files, and may wait for a key, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(S3Error::internal_error)?
}

#[async_trait::async_trait]
impl S3 for ConformingStore {
    delegate! {
        create_bucket: CreateBucketInput => CreateBucketOutput,
        delete_bucket: DeleteBucketInput => DeleteBucketOutput,
        head_bucket: HeadBucketInput => HeadBucketOutput,
        list_buckets: ListBucketsInput => ListBucketsOutput,
        get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
        delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let marker = request.input.marker.clone();
        let response = self.list_objects_v2(request.map_input(Into::into)).await?;
        Ok(response.map_output(|page| ListObjectsOutput {
            marker,
            next_marker: page.next_continuation_token,
            contents: page.contents,
            common_prefixes: page.common_prefixes,
            delimiter: page.delimiter,
            encoding_type: page.encoding_type,
            name: page.name,
            prefix: page.prefix,
            max_keys: page.max_keys,
            is_truncated: page.is_truncated,
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.bucket_exists(&request.input.bucket)?;
        let (root, locks) = (self.root.clone(), Arc::clone(&self.locks));
        let page = blocking(move || listing::list(&root, &locks, request.input)).await?;
        Ok(S3Response::new(page))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.bucket_exists(&request.input.bucket)?;
        let root = self.root.clone();
        let page = blocking(move || uploads::list_uploads(&root, request.input)).await?;
        Ok(S3Response::new(page))
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _reading = lock.read().await;
        let root = self.root.clone();
        let page = blocking(move || uploads::list_parts(&root, request.input)).await?;
        Ok(S3Response::new(page))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        uploads::check(&self.root, &request.input.upload_id)?;
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _writing = lock.write().await;
        self.inner.abort_multipart_upload(request).await
    }

    /// As for whole objects, the body is received and looked at before anything is replaced.
    async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let id = uploads::check(&self.root, &request.input.upload_id)?;
        if let Some(body) = request.input.body.take() {
            let received = receive(body).await?;
            Promised::of_part(&request.input).verify(&received)?;
            request.input.body = Some(StreamingBlob::from(Body::from(received)));
        }
        let number = request.input.part_number;
        let sha256 = request.input.checksum_sha256.clone();
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _writing = lock.write().await;
        let mut response = self.inner.upload_part(request).await?;
        let record = uploads::PartRecord::new(response.output.e_tag.as_ref(), sha256.clone());
        uploads::keep_record(&self.root, id, number, &record).map_err(S3Error::internal_error)?;
        response.output.checksum_sha256 = sha256;
        Ok(response)
    }

    async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let id = uploads::check(&self.root, &request.input.upload_id)?;
        let number = request.input.part_number;
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _writing = lock.write().await;
        let response = self.inner.upload_part_copy(request).await?;
        let copied = response.output.copy_part_result.as_ref();
        let e_tag = copied.and_then(|part| part.e_tag.as_ref());
        let record = uploads::PartRecord::new(e_tag, None);
        uploads::keep_record(&self.root, id, number, &record).map_err(S3Error::internal_error)?;
        Ok(response)
    }

    /// The body is received before the key is locked: a slow client keeps nobody waiting.
    async fn put_object(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.bucket_exists(&bucket)?;
        check_key(&bucket, &key)?;
        if let Some(body) = request.input.body.take() {
            let received = receive(body).await?;
            Promised::of_object(&request.input).verify(&received)?;
            request.input.body = Some(StreamingBlob::from(Body::from(received)));
        }
        let lock = self.locks.of(&bucket, &key);
        let _writing = lock.write().await;
        self.inner.put_object(request).await
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.bucket_exists(&bucket)?;
        check_key(&bucket, &key)?;
        if let CopySource::Bucket { bucket, key, .. } = &request.input.copy_source {
            self.object_exists(bucket, key)?;
        }
        let lock = self.locks.of(&bucket, &key);
        let _writing = lock.write().await;
        self.inner.copy_object(request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.bucket_exists(&request.input.bucket)?;
        check_key(&request.input.bucket, &request.input.key)?;
        let algorithm = request.input.checksum_algorithm.clone();
        let response = self.inner.create_multipart_upload(request).await?;
        if let (Some(algorithm), Some(id)) = (algorithm, &response.output.upload_id) {
            let id = uploads::check(&self.root, id)?;
            uploads::keep_algorithm(&self.root, id, &algorithm).map_err(S3Error::internal_error)?;
        }
        Ok(response)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        self.bucket_exists(&bucket)?;
        check_key(&bucket, &key)?;
        let lock = self.locks.of(&bucket, &key);
        let _writing = lock.write().await;
        let id = uploads::check(&self.root, &request.input.upload_id)?;
        // Looked at before, since s3s-fs ends the upload first and then finds what is wrong.
        let stored = uploads::parts(&self.root, id).map_err(S3Error::internal_error)?;
        let parts = request.input.multipart_upload.as_ref();
        let parts = parts.and_then(|upload| upload.parts.as_deref());
        let size = request.input.mpu_object_size;
        let sha256 = uploads::check_completion(parts.unwrap_or_default(), &stored, size)?;
        let mut response = self.inner.complete_multipart_upload(request).await?;
        // The object is complete already; the future only carries the answer.
        if let Some(answer) = response.output.future.take() {
            response.output = answer.await?;
        }
        sidecars::set_checksum(&self.root, &bucket, &key, sha256.clone())
            .and_then(|()| uploads::forget(&self.root, id))
            .map_err(S3Error::internal_error)?;
        response.output.checksum_sha256 = sha256;
        Ok(response)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let (bucket, key) = (request.input.bucket.clone(), request.input.key.clone());
        let lock = self.locks.of(&bucket, &key);
        let _writing = lock.write().await;
        if self.object_exists(&bucket, &key).is_err() {
            self.bucket_exists(&bucket)?;
            return Ok(S3Response::new(DeleteObjectOutput::default()));
        }
        if let Some(condition) = &request.input.if_match {
            self.check_unchanged(&bucket, &key, condition).await?;
        }
        self.inner.delete_object(request).await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _reading = lock.read().await;
        self.object_exists(&request.input.bucket, &request.input.key)?;
        self.inner.get_object(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let lock = self.locks.of(&request.input.bucket, &request.input.key);
        let _reading = lock.read().await;
        self.object_exists(&request.input.bucket, &request.input.key)?;
        self.inner.head_object(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_a_folder_would_confuse_are_refused() {
        for key in ["a//b", "../a", "a/../b", "/a", "./a", "a/./b"] {
            let refused = check_key("bucket", key).unwrap_err();
            assert_eq!(refused.code(), &S3ErrorCode::InvalidArgument, "{key}");
        }
        for key in ["a", "incoming/a b+ü.jpg", "folder/", "a.b/..c"] {
            assert!(check_key("bucket", key).is_ok(), "{key}");
        }
    }

    #[test]
    fn a_key_whose_metadata_would_not_fit_is_too_long() {
        assert!(check_key("lookbook-catalogue", &"k".repeat(117)).is_ok());
        let refused = check_key("lookbook-catalogue", &"k".repeat(125)).unwrap_err();
        assert_eq!(refused.code(), &S3ErrorCode::KeyTooLongError);
    }
}

//! The layer that tells the function what arrived.

use std::sync::Arc;

use s3s::dto::{
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput,
    ETag, PutObjectInput, PutObjectOutput,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::delegate::delegate;
use super::internal_request::head_request;
use super::request_context::RequestContext;
use crate::notifications::{CreatedBy, Notifications, ObjectCreated};

/// A store that announces every object that has arrived completely.
///
/// A write and its announcement run in a task of their own: a client that hangs up after its
/// last byte leaves no object without an event.
pub struct NotifyingStore<S> {
    inner: Arc<S>,
    notifications: Notifications,
}

impl<S: S3> NotifyingStore<S> {
    /// Announces what arrives in `inner` to `notifications`.
    pub fn new(inner: S, notifications: Notifications) -> Self {
        Self {
            inner: Arc::new(inner),
            notifications,
        }
    }

    fn announcer(
        &self,
        by: CreatedBy,
        bucket: &str,
        key: &str,
        context: RequestContext,
    ) -> Announcer<S> {
        Announcer {
            inner: Arc::clone(&self.inner),
            notifications: self.notifications.clone(),
            by,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            context,
        }
    }
}

/// What is known of an object before it has arrived.
struct Announcer<S> {
    inner: Arc<S>,
    notifications: Notifications,
    by: CreatedBy,
    bucket: String,
    key: String,
    context: RequestContext,
}

impl<S: S3> Announcer<S> {
    async fn announce(self, e_tag: Option<&ETag>) {
        let head = head_request(&self.bucket, &self.key);
        let size = match self.inner.head_object(head).await {
            Ok(response) => response.output.content_length.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(key = self.key, %error, "an object was gone before it was announced");
                return;
            }
        };
        self.notifications.object_created(&ObjectCreated {
            by: self.by,
            bucket: self.bucket,
            key: self.key,
            size: u64::try_from(size).unwrap_or_default(),
            e_tag: e_tag.map(|tag| tag.value().to_owned()).unwrap_or_default(),
            source_ip_address: self.context.source_ip_address,
            request_id: self.context.request_id,
            extended_request_id: self.context.extended_request_id,
        });
    }
}

fn context<T>(request: &S3Request<T>) -> RequestContext {
    request
        .extensions
        .get::<RequestContext>()
        .cloned()
        .unwrap_or_default()
}

/// Runs to its end whether or not somebody waits for it.
async fn detached<T: Send + 'static>(
    work: impl Future<Output = S3Result<T>> + Send + 'static,
) -> S3Result<T> {
    tokio::spawn(work)
        .await
        .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, Box::new(error)))?
}

#[async_trait::async_trait]
impl<S: S3> S3 for NotifyingStore<S> {
    delegate! {
        create_bucket: CreateBucketInput => CreateBucketOutput,
        delete_bucket: DeleteBucketInput => DeleteBucketOutput,
        head_bucket: HeadBucketInput => HeadBucketOutput,
        list_buckets: ListBucketsInput => ListBucketsOutput,
        get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
        list_objects: ListObjectsInput => ListObjectsOutput,
        list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
        get_object: GetObjectInput => GetObjectOutput,
        head_object: HeadObjectInput => HeadObjectOutput,
        delete_object: DeleteObjectInput => DeleteObjectOutput,
        delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
        create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput,
        upload_part: UploadPartInput => UploadPartOutput,
        upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput,
        list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput,
        list_parts: ListPartsInput => ListPartsOutput,
        abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        let announcer = self.announcer(CreatedBy::Put, bucket, key, context(&request));
        detached(async move {
            let response = announcer.inner.put_object(request).await?;
            announcer.announce(response.output.e_tag.as_ref()).await;
            Ok(response)
        })
        .await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (bucket, key, by) = (
            &request.input.bucket,
            &request.input.key,
            CreatedBy::CompleteMultipartUpload,
        );
        let announcer = self.announcer(by, bucket, key, context(&request));
        detached(async move {
            let response = announcer.inner.complete_multipart_upload(request).await?;
            announcer.announce(response.output.e_tag.as_ref()).await;
            Ok(response)
        })
        .await
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        let announcer = self.announcer(CreatedBy::Copy, bucket, key, context(&request));
        detached(async move {
            let response = announcer.inner.copy_object(request).await?;
            let result = response.output.copy_object_result.as_ref();
            announcer
                .announce(result.and_then(|result| result.e_tag.as_ref()))
                .await;
            Ok(response)
        })
        .await
    }
}

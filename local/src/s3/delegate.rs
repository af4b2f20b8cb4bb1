//! Delegation of S3 operations from a layer to the store below it.

/// Writes methods of [`s3s::S3`] that pass a request on to `self.inner` unchanged. The form is
/// what `async_trait` makes of an `async fn`, since that attribute does not see into macros.
macro_rules! delegate {
    ($($method:ident: $input:ident => $output:ident),* $(,)?) => {$(
        fn $method<'life0, 'async_trait>(
            &'life0 self,
            request: s3s::S3Request<s3s::dto::$input>,
        ) -> futures::future::BoxFuture<
            'async_trait,
            s3s::S3Result<s3s::S3Response<s3s::dto::$output>>,
        >
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            self.inner.$method(request)
        }
    )*};
}

pub(super) use delegate;

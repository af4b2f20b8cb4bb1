//! The trace of a call, in its headers.

use aws_sdk_sagemakerruntime::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sagemakerruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sagemakerruntime::error::BoxError;

use crate::telemetry::Trace;

/// Gives every call of a client the headers of the trace that it is made for. They come after
/// the signature, which does not cover them: whatever stands between here and AWS may change
/// them, as is their purpose, without spoiling the call. AWS wants no more to be signed than
/// the host and its own `x-amz-` headers.
#[derive(Debug)]
pub struct TraceHeaders;

impl Intercept for TraceHeaders {
    fn name(&self) -> &'static str {
        "TraceHeaders"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _runtime_components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        for (name, value) in Trace::current().headers() {
            headers.try_insert(name, value.to_owned())?;
        }
        Ok(())
    }
}

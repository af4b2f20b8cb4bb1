//! `GET /execution-parameters`: how SageMaker's Batch Transform is to ask, where
//! a job does not say.
//!
//! `MaxConcurrentTransforms` times `MaxPayloadInMB` must not be over 100, and a
//! payload must have room for a record; see `CreateTransformJob` in SageMaker's
//! API reference.

use serde::Serialize;

use super::HttpLimits;

/// The most of payloads under way that SageMaker allows.
const MAX_MB: u64 = 100;

/// So that the model works on while a payload ends and the next one begins. A
/// payload itself is many lines, so more would not make batches larger.
const CONCURRENT_TRANSFORMS: u64 = 4;

/// The answer, by SageMaker's names.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExecutionParameters {
    max_concurrent_transforms: u64,
    batch_strategy: &'static str,
    #[serde(rename = "MaxPayloadInMB")]
    max_payload_in_mb: u64,
}

impl ExecutionParameters {
    pub(super) fn new(limits: &HttpLimits) -> ExecutionParameters {
        let max_body_mb = limits.max_body_bytes >> 20;
        ExecutionParameters {
            max_concurrent_transforms: CONCURRENT_TRANSFORMS,
            batch_strategy: "MULTI_RECORD",
            // Any record that comes whole within a payload is under the limit
            // of a line.
            max_payload_in_mb: max_body_mb.clamp(1, MAX_MB / CONCURRENT_TRANSFORMS),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(max_body_bytes: u64) -> ExecutionParameters {
        ExecutionParameters::new(&HttpLimits {
            max_body_bytes,
            ..HttpLimits::default()
        })
    }

    #[test]
    fn they_have_the_names_that_sagemaker_reads() {
        assert_eq!(
            json!(of(64 << 20)),
            json!({"MaxConcurrentTransforms": 4, "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": 25})
        );
    }

    #[test]
    fn they_are_legal_whatever_the_limit_of_a_body() {
        for max_body_bytes in [0, 1, 1 << 20, 6 << 20, 100 << 20, 4096 << 20] {
            let parameters = of(max_body_bytes);
            let payload = parameters.max_payload_in_mb;
            assert!(payload >= 1 && parameters.max_concurrent_transforms * payload <= 100);
            assert!(payload << 20 <= max_body_bytes.max(1 << 20));
        }
    }
}

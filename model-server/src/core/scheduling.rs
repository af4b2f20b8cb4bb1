//! How the work of many requests is put together.

use std::time::Duration;

/// Settings of the queue and of the image-feature cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduling {
    /// Tokens of the questions that are answered in one batch, padding, image
    /// features and the longest answers that they may get included: what a
    /// batch's memory grows with. A question above it is a batch of its own.
    pub max_batch_tokens: usize,
    /// How long a question that could be answered is held back at most when
    /// others are on their way that could share its batch.
    pub max_wait: Duration,
    /// Bytes of image features that are kept; 0 keeps none.
    pub image_cache_bytes: u64,
}

impl Default for Scheduling {
    fn default() -> Self {
        Scheduling {
            // Some fifty ordinary questions (a prompt of 20 tokens behind 32
            // of the image, an answer of up to 20): beyond that a step of the
            // decoder is no longer bound by reading its weights, and larger
            // batches only take memory.
            max_batch_tokens: 4_096,
            // Longer than the requests of one client that asks its questions
            // one by one are apart, shorter than anybody notices.
            max_wait: Duration::from_millis(5),
            image_cache_bytes: 256 << 20,
        }
    }
}

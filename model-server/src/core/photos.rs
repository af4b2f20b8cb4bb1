//! From the bytes of a photograph to what the vision encoder takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use candle_core::Tensor;
use tokio::sync::Semaphore;

use super::CoreError;
use super::error::panic_message;
use super::metrics::{Metrics, Stage};
use crate::backend::Backend;

/// Decodes and preprocesses beside the inference thread, as many photographs at
/// a time as there are processors: a decoded photograph takes three bytes a
/// pixel, what waits in the queue afterwards is small.
#[derive(Clone)]
pub(super) struct PhotoPreparation {
    backend: Arc<dyn Backend>,
    metrics: Arc<Metrics>,
    slots: Arc<Semaphore>,
    max_pixels: u64,
}

/// A photograph ready for the vision encoder.
#[derive(Clone, Debug)]
pub(super) struct PreparedPhoto {
    /// (3, height, width) of the encoder's input.
    pub(super) pixel_values: Tensor,
    pub(super) size: PhotoSize,
}

/// Size of a photograph as it was sent, after its EXIF orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhotoSize {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl PhotoPreparation {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        metrics: Arc<Metrics>,
        max_pixels: u64,
    ) -> PhotoPreparation {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        PhotoPreparation {
            backend,
            metrics,
            slots: Arc::new(Semaphore::new(processors)),
            max_pixels,
        }
    }

    pub(super) async fn prepare(&self, image: Bytes) -> Result<PreparedPhoto, CoreError> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| CoreError::Stopped)?;
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            prepare(&*this.backend, &image, this.max_pixels, &this.metrics)
        });
        task.await
            .unwrap_or_else(|error| Err(CoreError::Panicked(error.to_string())))
    }
}

/// Decodes one photograph and brings it into the form of the encoder.
pub(super) fn prepare(
    backend: &dyn Backend,
    image: &[u8],
    max_pixels: u64,
    metrics: &Metrics,
) -> Result<PreparedPhoto, CoreError> {
    let started = Instant::now();
    // Decoders meet hostile files; one that panics is as good as one that says
    // the file is damaged.
    let photo = catch_unwind(AssertUnwindSafe(|| blip2::photo::decode(image, max_pixels)))
        .map_err(|panic| {
            let reason = panic_message(&*panic);
            CoreError::Photo(format!(
                "the image is damaged, its decoder gave up: {reason}"
            ))
        })?
        .map_err(|error| CoreError::Photo(error.to_string()))?;
    metrics.observe_stage(Stage::Decode, started.elapsed());
    let size = PhotoSize {
        width: photo.width(),
        height: photo.height(),
    };
    let started = Instant::now();
    let pixel_values = backend.preprocess(&photo).map_err(CoreError::backend)?;
    metrics.observe_stage(Stage::Preprocess, started.elapsed());
    Ok(PreparedPhoto { pixel_values, size })
}

//! Photographs for a model that learns to see.

use std::collections::HashMap;

use blip2::training::Trainee;
use candle_core::Tensor;
use image::RgbImage;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::augment::Change;
use crate::progress::Progress;
use crate::train::feature_store::Key;
use crate::train::interrupt::Interrupt;
use crate::train::photos::Photos;

/// Photographs that are decoded together.
const DECODED_TOGETHER: usize = 64;

/// What resized photographs may take in memory, in bytes.
const MEMORY_BYTES: usize = 512 << 20;

/// Resized photographs by number, as many as there is room for.
#[derive(Debug)]
pub struct Pixels {
    augment: bool,
    memory: HashMap<usize, RgbImage>,
    memory_bytes: usize,
}

impl Pixels {
    /// None yet; with `augment` they are changed at random in training.
    #[must_use]
    pub fn new(augment: bool) -> Self {
        Self {
            augment,
            memory: HashMap::new(),
            memory_bytes: 0,
        }
    }

    pub(super) fn prepare(
        &mut self,
        photos: &mut Photos,
        trainee: &Trainee,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        let mut progress = Progress::new("photographs", photos.len());
        for first in (0..photos.len()).step_by(DECODED_TOGETHER) {
            if interrupt.is_set() {
                return Ok(());
            }
            let end = photos.len().min(first + DECODED_TOGETHER);
            let found: Vec<anyhow::Result<(Key, RgbImage)>> = (first..end)
                .into_par_iter()
                .map(|number| {
                    let bytes = photos.bytes(number)?;
                    let photo = resized(number, &bytes, photos, trainee)?;
                    Ok((Key::of(&bytes), photo))
                })
                .collect();
            for (number, found) in (first..).zip(found) {
                match found {
                    Ok((key, photo)) => {
                        photos.mark_good(number, key);
                        if self.memory_bytes + photo.len() <= MEMORY_BYTES {
                            self.memory_bytes += photo.len();
                            self.memory.insert(number, photo);
                        }
                    }
                    Err(reason) => photos.mark_bad(number, &reason),
                }
            }
            progress.show(end);
        }
        progress.finish();
        Ok(())
    }

    pub(super) fn of(
        &self,
        numbers: &[usize],
        photos: &Photos,
        trainee: &Trainee,
        drawn: Option<u64>,
    ) -> anyhow::Result<Vec<Tensor>> {
        numbers
            .into_par_iter()
            .map(|&number| {
                let decoded;
                let photo = match self.memory.get(&number) {
                    Some(photo) => photo,
                    None => {
                        decoded = resized(number, &photos.bytes(number)?, photos, trainee)?;
                        &decoded
                    }
                };
                let changed = drawn
                    .filter(|_| self.augment)
                    .map(|seed| Change::draw(seed, number, photo).apply(photo));
                Ok(trainee
                    .blip2()
                    .preprocess(changed.as_ref().unwrap_or(photo))?)
            })
            .collect()
    }
}

fn resized(
    number: usize,
    bytes: &[u8],
    photos: &Photos,
    trainee: &Trainee,
) -> anyhow::Result<RgbImage> {
    let photo = photos.decode(number, bytes)?;
    Ok(trainee.blip2().image_processor().resize(&photo)?)
}

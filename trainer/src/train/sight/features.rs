//! Image features that are computed once and kept.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use blip2::training::Trainee;
use candle_core::{DType, Device, Tensor};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::progress::Progress;
use crate::train::feature_store::{FeatureStore, Key};
use crate::train::interrupt::Interrupt;
use crate::train::photos::Photos;

/// Photographs that are encoded together.
pub const ENCODED_TOGETHER: usize = 8;

/// Photographs that are read and decoded together; between them the job can be
/// told to stop.
const READ_TOGETHER: usize = 2 * ENCODED_TOGETHER;

/// What is kept in memory besides, in bytes.
const MEMORY_BYTES: usize = 256 << 20;

/// What there is of a photograph.
enum Found {
    /// Its features, by an earlier run.
    Kept(Vec<f32>),
    /// Its pixels, to be encoded.
    Pixels(Tensor),
}

/// Image features of photographs by number.
#[derive(Debug)]
pub struct Features {
    store: FeatureStore,
    /// `(queries, d_model)`.
    shape: (usize, usize),
    memory: HashMap<usize, Tensor>,
    memory_bytes: usize,
    counts: FeatureCounts,
}

/// Where features came from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FeatureCounts {
    /// Photographs whose features an earlier run had kept.
    pub from_store: usize,
    /// Photographs that were encoded.
    pub encoded: usize,
    /// How long that took.
    pub encoding: Duration,
    /// How often features were asked for.
    pub used: usize,
}

impl Features {
    /// Those of `store`, of `shape` `(queries, d_model)`.
    #[must_use]
    pub fn new(store: FeatureStore, shape: (usize, usize)) -> Self {
        Self {
            store,
            shape,
            memory: HashMap::new(),
            memory_bytes: 0,
            counts: FeatureCounts::default(),
        }
    }

    /// Where features came from so far.
    #[must_use]
    pub fn counts(&self) -> FeatureCounts {
        self.counts
    }

    /// How long encoding a photograph takes, if it is known.
    #[must_use]
    pub fn seconds_per_photo(&self) -> Option<f64> {
        match self.counts.encoded {
            0 => self.store.seconds_per_photo(),
            encoded => Some(self.counts.encoding.as_secs_f64() / encoded as f64),
        }
    }

    pub(super) fn prepare(
        &mut self,
        photos: &mut Photos,
        trainee: &Trainee,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        let mut progress = Progress::new("photographs", photos.len());
        let mut waiting = Vec::new();
        for first in (0..photos.len()).step_by(READ_TOGETHER) {
            if interrupt.is_set() {
                return Ok(());
            }
            let end = photos.len().min(first + READ_TOGETHER);
            let found: Vec<anyhow::Result<(Key, Found)>> = (first..end)
                .into_par_iter()
                .map(|number| self.find(number, photos, trainee))
                .collect();
            for (number, found) in (first..).zip(found) {
                match found {
                    Ok((key, Found::Kept(features))) => {
                        self.counts.from_store += 1;
                        photos.mark_good(number, key);
                        self.remember(number, features)?;
                    }
                    Ok((key, Found::Pixels(pixels))) => {
                        photos.mark_good(number, key);
                        waiting.push((number, pixels));
                    }
                    Err(reason) => photos.mark_bad(number, &reason),
                }
                if waiting.len() == ENCODED_TOGETHER {
                    self.encode(std::mem::take(&mut waiting), photos, trainee)?;
                }
                progress.show(number + 1);
            }
        }
        self.encode(waiting, photos, trainee)?;
        progress.finish();
        if let Some(seconds) = self.seconds_per_photo() {
            self.store.note_seconds_per_photo(seconds);
        }
        Ok(())
    }

    /// What the store has of a photograph, or else its pixels.
    fn find(
        &self,
        number: usize,
        photos: &Photos,
        trainee: &Trainee,
    ) -> anyhow::Result<(Key, Found)> {
        let bytes = photos.bytes(number)?;
        let key = Key::of(&bytes);
        let found = match self.store.get(&key) {
            Some(features) => Found::Kept(features),
            None => {
                let photo = photos.decode(number, &bytes)?;
                Found::Pixels(trainee.blip2().preprocess(&photo)?)
            }
        };
        Ok((key, found))
    }

    fn encode(
        &mut self,
        waiting: Vec<(usize, Tensor)>,
        photos: &Photos,
        trainee: &Trainee,
    ) -> anyhow::Result<()> {
        if waiting.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let (numbers, pixels): (Vec<usize>, Vec<Tensor>) = waiting.into_iter().unzip();
        let features = trainee
            .blip2()
            .encode_images(&pixels)?
            .to_dtype(DType::F32)?;
        for (index, number) in numbers.into_iter().enumerate() {
            let features: Vec<f32> = features.get(index)?.flatten_all()?.to_vec1()?;
            if let Some(key) = photos.key(number) {
                self.store.put(key, &features);
            }
            self.counts.encoded += 1;
            self.remember(number, features)?;
        }
        self.counts.encoding += started.elapsed();
        Ok(())
    }

    fn remember(&mut self, number: usize, features: Vec<f32>) -> anyhow::Result<()> {
        let bytes = features.len() * 4;
        if self.memory_bytes + bytes <= MEMORY_BYTES {
            let features = Tensor::from_vec(features, self.shape, &Device::Cpu)?;
            self.memory.insert(number, features);
            self.memory_bytes += bytes;
        }
        Ok(())
    }

    pub(super) fn of(
        &mut self,
        numbers: &[usize],
        photos: &Photos,
        trainee: &Trainee,
    ) -> anyhow::Result<Vec<Tensor>> {
        self.counts.used += numbers.len();
        numbers
            .iter()
            .map(|&number| {
                if let Some(features) = self.memory.get(&number) {
                    return Ok(features.clone());
                }
                let kept = photos.key(number).and_then(|key| self.store.get(key));
                if let Some(features) = kept {
                    return Ok(Tensor::from_vec(features, self.shape, &Device::Cpu)?);
                }
                // There was no room for it, or another job needed that.
                let started = Instant::now();
                let pixels = pixel_values(number, photos, trainee)?;
                let features = trainee.blip2().encode_images(&[pixels])?;
                self.counts.encoded += 1;
                self.counts.encoding += started.elapsed();
                let features = features
                    .get(0)?
                    .to_dtype(DType::F32)?
                    .to_device(&Device::Cpu)?;
                // By now there may be room, and it is asked for every epoch.
                if let Some(key) = photos.key(number) {
                    self.store
                        .put(key, &features.flatten_all()?.to_vec1::<f32>()?);
                }
                Ok(features)
            })
            .collect()
    }
}

fn pixel_values(number: usize, photos: &Photos, trainee: &Trainee) -> anyhow::Result<Tensor> {
    let photo = photos.decode(number, &photos.bytes(number)?)?;
    Ok(trainee.blip2().preprocess(&photo)?)
}

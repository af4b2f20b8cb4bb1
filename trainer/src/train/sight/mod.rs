//! What a batch is given of its photographs.

mod augment;
mod features;
mod pixels;

use blip2::training::{Images, Trainee};
use candle_core::Tensor;

pub use features::{ENCODED_TOGETHER, FeatureCounts, Features};
pub use pixels::Pixels;

use super::interrupt::Interrupt;
use super::photos::Photos;

/// Where a batch's photographs come from.
#[derive(Debug)]
pub enum Sight {
    /// What is computed of a photograph stays as it is, and is kept.
    Kept(Features),
    /// The model learns to see: every step encodes its photographs.
    Learnt(Pixels),
}

/// Photographs of one batch.
#[derive(Debug)]
pub struct Seen {
    tensors: Vec<Tensor>,
    are_pixels: bool,
}

impl Seen {
    /// The photographs as a batch takes them.
    #[must_use]
    pub fn images(&self) -> Images<'_> {
        let tensors = self.tensors.iter().collect();
        match self.are_pixels {
            true => Images::Pixels(tensors),
            false => Images::Features(tensors),
        }
    }

    /// What the language model is given of each, `(queries, d_model)`.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn features(self, trainee: &Trainee) -> anyhow::Result<Vec<Tensor>> {
        if !self.are_pixels {
            let kept = self.tensors.iter();
            return Ok(kept
                .map(|features| trainee.blip2().kept_features(features))
                .collect::<Result<_, _>>()?);
        }
        let features = trainee.blip2().encode_images(&self.tensors)?;
        (0..self.tensors.len())
            .map(|index| Ok(features.get(index)?))
            .collect()
    }
}

impl Sight {
    /// Looks at all photographs once: what can be kept is computed, and those
    /// that cannot be used are marked. Ends early where the job is told to
    /// stop.
    ///
    /// # Errors
    /// When a computation fails.
    pub fn prepare(
        &mut self,
        photos: &mut Photos,
        trainee: &Trainee,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        match self {
            Self::Kept(features) => features.prepare(photos, trainee, interrupt),
            Self::Learnt(pixels) => pixels.prepare(photos, trainee, interrupt),
        }
    }

    /// The photographs of a batch. In training, `drawn` is what changes made to
    /// them at random are drawn from.
    ///
    /// # Errors
    /// When one cannot be read any more or a computation fails.
    pub fn look(
        &mut self,
        numbers: &[usize],
        photos: &Photos,
        trainee: &Trainee,
        drawn: Option<u64>,
    ) -> anyhow::Result<Seen> {
        let (tensors, are_pixels) = match self {
            Self::Kept(features) => (features.of(numbers, photos, trainee)?, false),
            Self::Learnt(pixels) => (pixels.of(numbers, photos, trainee, drawn)?, true),
        };
        Ok(Seen {
            tensors,
            are_pixels,
        })
    }
}

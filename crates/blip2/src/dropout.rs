//! LoRA's dropout, drawn from a counter: what is dropped follows from the seed,
//! the step and the layer alone, so that nothing of it has to be kept.

use std::cell::Cell;

use candle_core::{DType, Device, Result, Tensor};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

thread_local! {
    static NEXT_KEY: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Elements that one thread is given at a time.
const PIECE: usize = 1 << 15;

/// Elements that one drawing decides about, with 16 bits each.
const DRAWN: usize = 4;

/// Runs `forward` with dropout, drawn from `seed`.
pub(crate) fn dropping<T>(seed: u64, forward: impl FnOnce() -> T) -> T {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            NEXT_KEY.set(None);
        }
    }
    let _guard = Guard;
    NEXT_KEY.set(Some(mix(seed)));
    forward()
}

/// What one layer drops in one pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout {
    key: u64,
    /// Drawings below it drop.
    threshold: u64,
    scale: f32,
}

impl Dropout {
    /// That of the next layer, if there is any in this pass.
    pub(crate) fn next(probability: f64) -> Option<Self> {
        let key = NEXT_KEY.get()?;
        NEXT_KEY.set(Some(mix(key)));
        (probability > 0.0).then(|| Self {
            key,
            threshold: (probability * 65536.0).round() as u64,
            scale: (1.0 / (1.0 - probability)) as f32,
        })
    }

    /// Writes `x` to `y`, elements dropped and the rest scaled.
    pub(crate) fn apply(self, x: &[f32], y: &mut [f32]) {
        self.pieces(x, y, |y, x, factor| *y = x * factor);
    }

    /// Adds to `dx` the gradient of the input, given that of the result.
    pub(crate) fn add_gradient(self, dy: &[f32], dx: &mut [f32]) {
        self.pieces(dy, dx, |dx, dy, factor| *dx += dy * factor);
    }

    /// The factors of all elements, as a tensor for candle.
    pub(crate) fn mask(self, like: &Tensor) -> Result<Tensor> {
        let ones = vec![1f32; like.elem_count()];
        let mut mask = vec![0f32; ones.len()];
        self.apply(&ones, &mut mask);
        Tensor::from_vec(mask, like.shape(), &Device::Cpu)?
            .to_device(like.device())?
            .to_dtype(DType::F32)
    }

    fn pieces(self, x: &[f32], y: &mut [f32], one: impl Fn(&mut f32, f32, f32) + Sync) {
        let pieces = y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE));
        pieces.enumerate().for_each(|(piece, (y, x))| {
            let first = (piece * PIECE / DRAWN) as u64;
            let groups = y.chunks_mut(DRAWN).zip(x.chunks(DRAWN));
            for (drawing, (y, x)) in (first..).zip(groups) {
                let mut drawn = mix(self.key.wrapping_add(drawing));
                for (y, x) in y.iter_mut().zip(x) {
                    let keeps = drawn & 0xffff >= self.threshold;
                    one(y, *x, if keeps { self.scale } else { 0.0 });
                    drawn >>= 16;
                }
            }
        });
    }
}

/// The step of SplitMix64 (Steele, Lea and Flood, 2014): neighbouring numbers
/// to unrelated ones.
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_dropped_as_the_probability_says_and_the_mean_stays() {
        assert!(Dropout::next(0.5).is_none());
        let ones = vec![1f32; 200_000];
        let [first, again, other, second] = dropping(3, || {
            let first = Dropout::next(0.05).unwrap();
            let second = Dropout::next(0.05).unwrap();
            let other = dropping(4, || Dropout::next(0.05).unwrap());
            [first, first, other, second]
        })
        .map(|dropout| {
            let mut dropped = vec![0f32; ones.len()];
            dropout.apply(&ones, &mut dropped);
            dropped
        });
        assert_eq!(first, again);
        assert!(first != other && first != second);
        let zeros = first.iter().filter(|&&x| x == 0.0).count() as f64;
        assert!((zeros / 200_000.0 - 0.05).abs() < 0.002, "{zeros}");
        let mean = first.iter().map(|&x| f64::from(x)).sum::<f64>() / 200_000.0;
        assert!((mean - 1.0).abs() < 0.002, "{mean}");
    }
}

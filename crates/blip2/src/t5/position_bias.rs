//! T5's relative position bias: a learned number a head for each bucket of
//! distances, added to the attention scores.

use candle_core::{DType, Result, Tensor};

use crate::config::T5Config;
use crate::tape::{self, Gradients};
use crate::weights::Weights;

/// The bias of one stack; its first block holds the weight, all blocks use it.
#[derive(Debug, Clone)]
pub(super) struct PositionBias {
    /// `(buckets, heads)`, in f32.
    weight: Tensor,
    bidirectional: bool,
    max_distance: usize,
}

impl PositionBias {
    pub(super) fn new(config: &T5Config, bidirectional: bool, vb: Weights) -> Result<Self> {
        let shape = (config.relative_attention_num_buckets, config.num_heads);
        let weight = vb.pp("relative_attention_bias").get(shape, "weight")?;
        Ok(Self {
            weight: weight.to_dtype(DType::F32)?,
            bidirectional,
            max_distance: config.relative_attention_max_distance,
        })
    }

    /// The bias `(1, heads, queries, keys)` in f32 for queries at positions
    /// `offset..offset + queries` and keys at `0..keys`.
    pub(super) fn forward(&self, offset: usize, queries: usize, keys: usize) -> Result<Tensor> {
        let (buckets, heads) = self.weight.dims2()?;
        let indices: Vec<u32> = (offset..offset + queries)
            .flat_map(|query| (0..keys).map(move |key| key as i64 - query as i64))
            .map(|relative| bucket(relative, self.bidirectional, buckets, self.max_distance))
            .collect();
        let index = Tensor::from_slice(&indices, queries * keys, self.weight.device())?;
        let bias = self
            .weight
            .index_select(&index, 0)?
            .reshape((queries, keys, heads))?
            .permute((2, 0, 1))?
            .unsqueeze(0)?
            .contiguous()?;
        Ok(tape::record(&[&self.weight], bias, || {
            let weight = self.weight.clone();
            move |dy: Vec<f32>, gradients: &mut Gradients| {
                gradients.with(&weight, |sums| {
                    for (head, dy) in dy.chunks_exact(indices.len()).enumerate() {
                        for (&bucket, dy) in indices.iter().zip(dy) {
                            sums[bucket as usize * heads + head] += dy;
                        }
                    }
                    Ok(())
                })
            }
        }))
    }

    /// The bias `(rows, heads, queries, keys)` in f32 for keys that lie so far
    /// before the queries; where there is none, it may be anything.
    pub(super) fn of_distances(
        &self,
        distances: &[Option<usize>],
        (rows, queries, keys): (usize, usize, usize),
    ) -> Result<Tensor> {
        let (buckets, heads) = self.weight.dims2()?;
        let farthest = distances.iter().flatten().max().copied().unwrap_or(0);
        let of_distance: Vec<u32> = (0..=farthest as i64)
            .map(|distance| bucket(-distance, self.bidirectional, buckets, self.max_distance))
            .collect();
        let indices: Vec<u32> = distances
            .iter()
            .map(|distance| of_distance[distance.unwrap_or(0)])
            .collect();
        let indices = Tensor::from_vec(indices, distances.len(), self.weight.device())?;
        self.weight
            .index_select(&indices, 0)?
            .reshape((rows, queries, keys, heads))?
            .permute((0, 3, 1, 2))?
            .contiguous()
    }
}

/// The bucket of a distance `key - query`: exact for near ones, logarithmic
/// up to `max_distance`, one for all beyond
/// (`T5Attention._relative_position_bucket` of `transformers`, in f32 as there).
fn bucket(relative: i64, bidirectional: bool, num_buckets: usize, max_distance: usize) -> u32 {
    let (mut num_buckets, mut first) = (num_buckets, 0);
    let distance = if bidirectional {
        num_buckets /= 2;
        if relative > 0 {
            first = num_buckets;
        }
        relative.unsigned_abs() as usize
    } else {
        (-relative).max(0) as usize
    };
    let max_exact = num_buckets / 2;
    let within = if distance < max_exact {
        distance
    } else {
        let scale = (max_distance as f64 / max_exact as f64).ln() as f32;
        let log = (distance as f32 / max_exact as f32).ln() / scale;
        let large = max_exact + (log * (num_buckets - max_exact) as f32) as usize;
        large.min(num_buckets - 1)
    };
    (first + within) as u32
}

#[cfg(test)]
mod tests {
    use super::bucket;

    /// Values of `T5Attention._relative_position_bucket`, transformers 5.23.
    #[test]
    fn buckets_are_those_of_transformers() {
        let both: Vec<u32> = [
            -200, -128, -64, -20, -9, -8, -7, -1, 0, 1, 7, 8, 9, 20, 64, 128, 200,
        ]
        .map(|relative| bucket(relative, true, 32, 128))
        .to_vec();
        assert_eq!(
            both,
            [
                15, 15, 14, 10, 8, 8, 7, 1, 0, 17, 23, 24, 24, 26, 30, 31, 31
            ]
        );
        let past: Vec<u32> = [3, 0, -1, -15, -16, -17, -31, -32, -64, -127, -500]
            .map(|relative| bucket(relative, false, 32, 128))
            .to_vec();
        assert_eq!(past, [0, 0, 1, 15, 16, 16, 21, 21, 26, 31, 31]);
    }
}

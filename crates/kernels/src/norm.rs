//! Layer norms over the last dimension.

use std::mem::MaybeUninit;

use crate::cpu::Avx512;
use crate::parallel::for_ranges;
use crate::unwritten::Unwritten;
use crate::vector;

/// What one element costs, in the multiply-adds of a product.
const COST: usize = 8;

/// What `norm` writes for every row of `x`, given its place.
///
/// # Safety
/// `norm` writes every number of a row.
unsafe fn for_rows(
    x: &[f32],
    width: usize,
    norm: impl Fn(&[f32], &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    assert!(
        width > 0 && x.len().is_multiple_of(width),
        "x is no whole number of rows"
    );
    let mut y = Unwritten::new(x.len());
    let place = y.place();
    for_ranges(x.len() / width, x.len() * COST, |range| {
        for row in range {
            let first = place.get().wrapping_add(row * width);
            // SAFETY: ranges of rows are disjoint, and there is room for all.
            let y = unsafe { std::slice::from_raw_parts_mut(first.cast(), width) };
            norm(&x[row * width..][..width], y);
        }
    });
    // SAFETY: the caller promises that all rows were written.
    unsafe { y.written() }
}

/// `(x - mean) / √(variance + eps) · weight + bias`, row by row.
///
/// # Panics
/// When a length does not fit.
#[must_use]
pub fn layer_norm(_proof: Avx512, x: &[f32], weight: &[f32], bias: &[f32], eps: f32) -> Vec<f32> {
    assert_eq!(
        weight.len(),
        bias.len(),
        "weight and bias have different lengths"
    );
    // SAFETY: the proof says that the processor has AVX-512; each number of a row
    // is written, all of which have as many as there are weights and biases.
    unsafe {
        for_rows(x, weight.len(), |x, y| {
            layer_norm_of(x, weight, bias, eps, y);
        })
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn layer_norm_of(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [MaybeUninit<f32>],
) {
    let width = x.len() as f32;
    let mean = vector::sum2(x, x, |x, _| x) / width;
    let variance = vector::sum2(x, x, |x, _| (x - mean) * (x - mean)) / width;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((y, x), weight), bias) in y.iter_mut().zip(x).zip(weight).zip(bias) {
        y.write(((x - mean) * scale).mul_add(*weight, *bias));
    }
}

/// `x / √(mean square + eps) · weight`, row by row.
///
/// # Panics
/// When a length does not fit.
#[must_use]
pub fn rms_norm(_proof: Avx512, x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
    // SAFETY: as in `layer_norm`.
    unsafe { for_rows(x, weight.len(), |x, y| rms_norm_of(x, weight, eps, y)) }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn rms_norm_of(x: &[f32], weight: &[f32], eps: f32, y: &mut [MaybeUninit<f32>]) {
    let square = vector::dot(x, x) / x.len() as f32;
    let scale = 1.0 / (square + eps).sqrt();
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        y.write(x * scale * weight);
    }
}

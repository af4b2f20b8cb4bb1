//! Layer norms over the last dimension.

use crate::cpu::Avx512;
use crate::parallel::{SharedMut, for_ranges};
use crate::vector;

/// What one element costs, in the multiply-adds of a product.
const COST: usize = 8;

/// Calls `norm` with every row of `x` and its place in `y`.
fn for_rows(x: &[f32], y: &mut [f32], width: usize, norm: impl Fn(&[f32], &mut [f32]) + Sync) {
    assert_eq!(x.len(), y.len(), "x and y have different lengths");
    assert!(
        width > 0 && x.len().is_multiple_of(width),
        "x is no whole number of rows"
    );
    let shared = SharedMut::new(y);
    for_ranges(x.len() / width, x.len() * COST, |range| {
        for row in range {
            // SAFETY: ranges of rows are disjoint and within `y`.
            let y = unsafe { std::slice::from_raw_parts_mut(shared.get().add(row * width), width) };
            norm(&x[row * width..][..width], y);
        }
    });
}

/// `(x - mean) / √(variance + eps) · weight + bias`, row by row.
///
/// # Panics
/// When a length does not fit.
pub fn layer_norm(
    _proof: Avx512,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    y: &mut [f32],
) {
    assert_eq!(
        weight.len(),
        bias.len(),
        "weight and bias have different lengths"
    );
    for_rows(x, y, weight.len(), |x, y| {
        // SAFETY: the proof says that the processor has AVX-512.
        unsafe { layer_norm_of(x, weight, bias, eps, y) }
    });
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn layer_norm_of(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    let width = x.len() as f32;
    let mean = vector::sum2(x, x, |x, _| x) / width;
    let variance = vector::sum2(x, x, |x, _| (x - mean) * (x - mean)) / width;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((y, x), weight), bias) in y.iter_mut().zip(x).zip(weight).zip(bias) {
        *y = ((x - mean) * scale).mul_add(*weight, *bias);
    }
}

/// `x / √(mean square + eps) · weight`, row by row.
///
/// # Panics
/// When a length does not fit.
pub fn rms_norm(_proof: Avx512, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    for_rows(x, y, weight.len(), |x, y| {
        // SAFETY: the proof says that the processor has AVX-512.
        unsafe { rms_norm_of(x, weight, eps, y) }
    });
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn rms_norm_of(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    let square = vector::dot(x, x) / x.len() as f32;
    let scale = 1.0 / (square + eps).sqrt();
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        *y = x * scale * weight;
    }
}

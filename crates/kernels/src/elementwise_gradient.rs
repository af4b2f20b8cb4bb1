//! The backward passes of the activation functions, and sums of slices.

use crate::cpu::Avx512;
use crate::math;
use crate::parallel::{SharedMut, for_ranges};

/// What one element costs, in the multiply-adds of a product.
const COST: usize = 60;

/// `dy ← dy · f'(x)` for every element.
macro_rules! derivative {
    ($(#[$attribute:meta])* $name:ident, $inner:ident, $function:path) => {
        $(#[$attribute])*
        ///
        /// # Panics
        /// When the lengths differ.
        pub fn $name(_proof: Avx512, x: &[f32], dy: &mut [f32]) {
            assert_eq!(x.len(), dy.len(), "x and dy have different lengths");
            let shared = SharedMut::new(dy);
            for_ranges(x.len(), x.len() * COST, |range| {
                // SAFETY: ranges are disjoint and within `dy`; the proof says
                // that the processor has AVX-512.
                unsafe {
                    let first = shared.get().add(range.start);
                    $inner(&x[range.clone()], std::slice::from_raw_parts_mut(first, range.len()));
                }
            });
        }

        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
        unsafe fn $inner(x: &[f32], dy: &mut [f32]) {
            for (dy, x) in dy.iter_mut().zip(x) {
                *dy *= $function(*x);
            }
        }
    };
}

derivative!(
    /// The gradient of [`crate::gelu_erf`]: `dy` times its derivative at `x`.
    gelu_erf_backward,
    gelu_erf_backward_of,
    math::gelu_erf_derivative
);

derivative!(
    /// The gradient of [`crate::gelu_tanh`]: `dy` times its derivative at `x`.
    gelu_tanh_backward,
    gelu_tanh_backward_of,
    math::gelu_tanh_derivative
);

/// The gradient of [`crate::gelu_tanh_times`]: given that of the result in
/// `dy`, `dy` becomes that of the gate and `dup` that of what is gated.
///
/// # Panics
/// When the lengths differ.
pub fn gelu_tanh_times_backward(
    _proof: Avx512,
    gate: &[f32],
    up: &[f32],
    dy: &mut [f32],
    dup: &mut [f32],
) {
    let count = gate.len();
    assert!(up.len() == count && dy.len() == count && dup.len() == count);
    let (dy, dup) = (SharedMut::new(dy), SharedMut::new(dup));
    for_ranges(count, count * COST, |range| {
        // SAFETY: ranges are disjoint and within both outputs; the proof says
        // that the processor has AVX-512.
        unsafe {
            let dy = std::slice::from_raw_parts_mut(dy.get().add(range.start), range.len());
            let dup = std::slice::from_raw_parts_mut(dup.get().add(range.start), range.len());
            gelu_tanh_times_backward_of(&gate[range.clone()], &up[range], dy, dup);
        }
    });
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn gelu_tanh_times_backward_of(gate: &[f32], up: &[f32], dy: &mut [f32], dup: &mut [f32]) {
    for (((dy, dup), gate), up) in dy.iter_mut().zip(dup).zip(gate).zip(up) {
        *dup = *dy * math::gelu_tanh(*gate);
        *dy *= up * math::gelu_tanh_derivative(*gate);
    }
}

/// `y ← y + factor · x`.
///
/// # Panics
/// When the lengths differ.
pub fn add_scaled(_proof: Avx512, y: &mut [f32], factor: f32, x: &[f32]) {
    assert_eq!(x.len(), y.len(), "x and y have different lengths");
    let shared = SharedMut::new(y);
    for_ranges(x.len(), x.len() * 8, |range| {
        // SAFETY: ranges are disjoint and within `y`; the proof says that the
        // processor has AVX-512.
        unsafe {
            let y = std::slice::from_raw_parts_mut(shared.get().add(range.start), range.len());
            add_scaled_of(y, factor, &x[range]);
        }
    });
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn add_scaled_of(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = factor.mul_add(*x, *y);
    }
}

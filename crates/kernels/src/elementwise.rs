//! Activation functions over slices.

use crate::cpu::Avx512;
use crate::math;
use crate::parallel::{SharedMut, for_ranges};

/// What one element costs, in the multiply-adds of a product.
const COST: usize = 40;

macro_rules! in_avx512 {
    ($(#[$attribute:meta])* $name:ident, $inner:ident, $function:path) => {
        $(#[$attribute])*
        pub fn $name(_proof: Avx512, values: &mut [f32]) {
            let shared = SharedMut::new(values);
            for_ranges(values.len(), values.len() * COST, |range| {
                // SAFETY: ranges are disjoint and within `values`; the proof
                // says that the processor has AVX-512.
                unsafe {
                    let first = shared.get().add(range.start);
                    $inner(std::slice::from_raw_parts_mut(first, range.len()));
                }
            });
        }

        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
        unsafe fn $inner(values: &mut [f32]) {
            for value in values {
                *value = $function(*value);
            }
        }
    };
}

in_avx512!(
    /// The Gaussian error linear unit in place, absolute error below 6e-7.
    gelu_erf,
    gelu_erf_of,
    math::gelu_erf
);

in_avx512!(
    /// Its approximation by tanh (`gelu_new`) in place, error below 3e-7 of
    /// the larger of the input and 1.
    gelu_tanh,
    gelu_tanh_of,
    math::gelu_tanh
);

/// `gate ← gelu_tanh(gate) · up`: T5's gated feed-forward layer.
///
/// # Panics
/// When the lengths differ.
pub fn gelu_tanh_times(_proof: Avx512, gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "gate and up have different lengths");
    let shared = SharedMut::new(gate);
    for_ranges(up.len(), up.len() * COST, |range| {
        // SAFETY: ranges are disjoint and within `gate`; the proof says that
        // the processor has AVX-512.
        unsafe {
            let first = shared.get().add(range.start);
            let gate = std::slice::from_raw_parts_mut(first, range.len());
            gelu_tanh_times_of(gate, &up[range]);
        }
    });
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn gelu_tanh_times_of(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = math::gelu_tanh(*gate) * up;
    }
}

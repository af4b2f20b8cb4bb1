//! The backward passes of the layer norms, and sums over rows.

use crate::cpu::Avx512;
use crate::parallel::{SharedMut, for_ranges};
use crate::vector;

/// What one element costs, in the multiply-adds of a product.
const COST: usize = 12;

/// Columns that one piece of work sums up.
const COLUMNS: usize = 64;

/// What a norm is computed from, and its gradient.
#[derive(Clone, Copy)]
pub struct NormRows<'a> {
    /// The input, `(rows, width)`.
    pub x: &'a [f32],
    /// The weight, `width` numbers.
    pub weight: &'a [f32],
    /// What is added to the mean square or the variance.
    pub eps: f32,
    /// The gradient of the norm's result, as `x`.
    pub dy: &'a [f32],
}

impl NormRows<'_> {
    fn width(&self) -> usize {
        let width = self.weight.len();
        assert!(
            width > 0 && self.x.len().is_multiple_of(width) && self.dy.len() == self.x.len(),
            "x and dy are no equal numbers of whole rows"
        );
        width
    }

    /// Calls `of_row` with every row of `x`, `dy` and `dx`, and stores what it
    /// gives.
    fn rows<T: Send + Default + Copy>(
        &self,
        dx: &mut [f32],
        of_row: impl Fn(&[f32], &[f32], &mut [f32]) -> T + Sync,
    ) -> Vec<T> {
        let width = self.width();
        assert_eq!(dx.len(), self.x.len(), "dx has another length than x");
        let count = self.x.len() / width;
        let mut stored = vec![T::default(); count];
        let (places, dx) = (SharedMut::new(&mut stored), SharedMut::new(dx));
        for_ranges(count, self.x.len() * COST, |range| {
            for row in range {
                let at = row * width;
                // SAFETY: ranges of rows are disjoint and within `dx` and
                // `stored`.
                unsafe {
                    let dx = std::slice::from_raw_parts_mut(dx.get().add(at), width);
                    let value = of_row(&self.x[at..][..width], &self.dy[at..][..width], dx);
                    *places.get().add(row) = value;
                }
            }
        });
        stored
    }

    /// Adds to every element of `sums` that of its column over all rows, as
    /// `of` gives it for the row's index, `x` and `dy`.
    fn sum_columns(&self, sums: &mut [f32], of: impl Fn(usize, f32, f32) -> f32 + Sync) {
        let width = self.width();
        assert_eq!(sums.len(), width, "the sums have another length than a row");
        let places = SharedMut::new(sums);
        for_ranges(width.div_ceil(COLUMNS), self.x.len() * COST, |range| {
            let (first, end) = (range.start * COLUMNS, width.min(range.end * COLUMNS));
            // SAFETY: ranges of columns are disjoint and within `sums`.
            let sums =
                unsafe { std::slice::from_raw_parts_mut(places.get().add(first), end - first) };
            let rows = self.x.chunks_exact(width).zip(self.dy.chunks_exact(width));
            for (row, (x, dy)) in rows.enumerate() {
                for ((sum, x), dy) in sums.iter_mut().zip(&x[first..end]).zip(&dy[first..end]) {
                    *sum += of(row, *x, *dy);
                }
            }
        });
    }
}

/// The gradient of [`crate::rms_norm`]: added to `dx`, and to `dweight` where
/// that is wanted.
///
/// # Panics
/// When a length does not fit.
pub fn rms_norm_backward(
    _proof: Avx512,
    rows: NormRows,
    dx: &mut [f32],
    dweight: Option<&mut [f32]>,
) {
    let NormRows { weight, eps, .. } = rows;
    let scales = rows.rows(dx, |x, dy, dx| {
        // SAFETY: the proof says that the processor has AVX-512.
        unsafe { rms_row(x, weight, eps, dy, dx) }
    });
    if let Some(dweight) = dweight {
        rows.sum_columns(dweight, |row, x, dy| dy * (x * scales[row]));
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn rms_row(x: &[f32], weight: &[f32], eps: f32, dy: &[f32], dx: &mut [f32]) -> f32 {
    let width = x.len() as f32;
    let scale = 1.0 / (vector::dot(x, x) / width + eps).sqrt();
    let along = vector::sum3(x, weight, dy, |x, weight, dy| x * weight * dy);
    let back = along * scale * scale * scale / width;
    for (((dx, x), weight), dy) in dx.iter_mut().zip(x).zip(weight).zip(dy) {
        *dx += scale * weight * dy - back * x;
    }
    scale
}

/// The gradient of [`crate::layer_norm`]: added to `dx`, and to those of the
/// weight and the bias where they are wanted.
///
/// # Panics
/// When a length does not fit.
pub fn layer_norm_backward(
    _proof: Avx512,
    rows: NormRows,
    dx: &mut [f32],
    dweight: Option<&mut [f32]>,
    dbias: Option<&mut [f32]>,
) {
    let NormRows { weight, eps, .. } = rows;
    let moments = rows.rows(dx, |x, dy, dx| {
        // SAFETY: the proof says that the processor has AVX-512.
        unsafe { layer_row(x, weight, eps, dy, dx) }
    });
    if let Some(dweight) = dweight {
        rows.sum_columns(dweight, |row, x, dy| {
            let (mean, scale) = moments[row];
            dy * ((x - mean) * scale)
        });
    }
    if let Some(dbias) = dbias {
        rows.sum_columns(dbias, |_, _, dy| dy);
    }
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
unsafe fn layer_row(x: &[f32], weight: &[f32], eps: f32, dy: &[f32], dx: &mut [f32]) -> (f32, f32) {
    let width = x.len() as f32;
    let mean = vector::sum2(x, x, |x, _| x) / width;
    let variance = vector::sum2(x, x, |x, _| (x - mean) * (x - mean)) / width;
    let scale = 1.0 / (variance + eps).sqrt();
    let of_mean = vector::sum2(weight, dy, |weight, dy| weight * dy) / width;
    let along = vector::sum3(x, weight, dy, |x, weight, dy| (x - mean) * weight * dy);
    let back = along * scale * scale / width;
    for (((dx, x), weight), dy) in dx.iter_mut().zip(x).zip(weight).zip(dy) {
        *dx += scale * (weight * dy - of_mean - (x - mean) * back);
    }
    (mean, scale)
}

/// Adds the sums over the rows of `dy` `(rows, sums.len())` to `sums`: the
/// gradient of a linear layer's bias.
///
/// # Panics
/// When `dy` is no whole number of rows.
pub fn add_column_sums(_proof: Avx512, dy: &[f32], sums: &mut [f32]) {
    let weight = vec![0.0; sums.len()];
    let rows = NormRows {
        x: dy,
        weight: &weight,
        eps: 0.0,
        dy,
    };
    rows.sum_columns(sums, |_, _, dy| dy);
}

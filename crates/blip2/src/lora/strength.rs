//! How strongly an adapter may change what a layer gives.

use candle_core::{Result, Tensor};

use crate::cpu;

/// The strongest change: what an input of 1 may be changed by. Norms square what layers
/// give and attention multiplies the results of two; f32 holds numbers up to 3.4e38, and
/// what is read is above 1 and is summed up over a model's width. Adapters that have learnt
/// something are far below it: the one that ships has 49.
pub(super) const STRONGEST: f64 = 1e15;

/// The most that one of two matrices, `A` `(r, in)` and `B` `(out, r)` in f32 on the CPU,
/// whose product is multiplied by `scale`, may make of inputs between -1 and 1: as `A x`,
/// which is computed first, or as `scale · B A x`. For the second it is a bound, which takes
/// no product of the matrices: the largest sum of `|B| · Σ|A|` over a row of `B`.
pub(super) fn strength(a: &Tensor, b: &Tensor, scale: f64) -> Result<f64> {
    let (inputs, rank) = (a.dim(1)?.max(1), b.dim(1)?.max(1));
    let narrow: Vec<f64> = cpu::read(&a.contiguous()?, |numbers| {
        numbers.chunks(inputs).map(sum_of_sizes).collect()
    })?;
    let wide = cpu::read(&b.contiguous()?, |numbers| {
        let of_row = |row: &[f32]| -> f64 {
            let products = row.iter().zip(&narrow);
            products.map(|(&b, a)| f64::from(b).abs() * a).sum()
        };
        numbers.chunks(rank).map(of_row).fold(0.0, f64::max)
    })?;
    let narrow = narrow.iter().copied().fold(0.0, f64::max);
    Ok(narrow.max(wide * scale.abs()))
}

fn sum_of_sizes(row: &[f32]) -> f64 {
    row.iter().map(|&number| f64::from(number).abs()).sum()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn matrix<const ROWS: usize>(rows: &[[f32; 2]; ROWS]) -> Tensor {
        Tensor::new(rows, &Device::Cpu).unwrap()
    }

    #[test]
    fn it_is_what_inputs_of_one_may_become() {
        let (a, b) = (
            matrix(&[[1.0, -2.0], [0.5, 0.0]]),
            matrix(&[[1.0, 4.0], [-2.0, 0.0]]),
        );
        // Rows of B: 1 · 3 + 4 · 0.5 and 2 · 3.
        assert_eq!(strength(&a, &b, 4.0).unwrap(), 24.0);
        assert_eq!(strength(&a, &b, -4.0).unwrap(), 24.0);
        // The second matrix takes back what the first one makes, but too late.
        assert_eq!(strength(&a, &b, 0.25).unwrap(), 3.0);
    }

    #[test]
    fn what_no_f32_holds_is_told_too() {
        let large = matrix(&[[1e25, 0.0], [0.0, 1e25]]);
        let strength = strength(&large, &large, 1e10).unwrap();
        assert!((strength / 1e60 - 1.0).abs() < 1e-6, "{strength}");
    }
}

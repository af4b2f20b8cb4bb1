//! What the engines have in common that multiply slices of numbers.

use candle_core::{DType, Device, Result, Tensor};
use half::bf16;
use kernels::PackedWeights;

use crate::cpu;

/// A weight `(outputs, inputs)` and a bias, as an engine holds them.
pub(crate) trait Product: std::fmt::Debug + Send + Sync {
    /// Length of an input row.
    fn inputs(&self) -> usize;

    /// Length of an output row.
    fn outputs(&self) -> usize;

    /// The weight, where its rows can be read back as they were given.
    fn readable_rows(&self) -> Option<&PackedWeights> {
        None
    }

    /// `y = x Wᵀ + b` for whole rows.
    fn multiply(&self, x: &[f32], y: &mut [f32]) -> Result<()>;

    /// `y ← y + x Wᵀ + b` for whole rows.
    fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<()>;
}

impl dyn Product {
    /// `(…, in)` to `(…, out)`; `finish` works on the result before it becomes
    /// a tensor.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        finish: impl FnOnce(&mut [f32]) -> Result<()>,
    ) -> Result<Tensor> {
        let (xs, dims) = self.operand(xs)?;
        let mut ys = vec![0f32; dims.iter().product()];
        cpu::read(&xs, |xs| self.multiply(xs, &mut ys))??;
        finish(&mut ys)?;
        Tensor::from_vec(ys, dims, &Device::Cpu)
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        refuse_gradient(residual)?;
        let (xs, dims) = self.operand(xs)?;
        if residual.dims() != dims {
            candle_core::bail!("{dims:?} is added to {:?}", residual.dims());
        }
        let mut ys = cpu::read(&residual.contiguous()?, <[f32]>::to_vec)?;
        cpu::read(&xs, |xs| self.multiply_add(xs, &mut ys))??;
        Tensor::from_vec(ys, dims, &Device::Cpu)
    }

    /// An input as a slice, and the dimensions of its product.
    fn operand(&self, xs: &Tensor) -> Result<(Tensor, Vec<usize>)> {
        refuse_gradient(xs)?;
        let mut dims = xs.dims().to_vec();
        if dims.pop() != Some(self.inputs()) {
            candle_core::bail!("{:?} into a layer of {}", xs.dims(), self.inputs());
        }
        dims.push(self.outputs());
        Ok((xs.contiguous()?, dims))
    }
}

/// What records no gradient must not stand in the way of one: the loss would
/// fall and everything below stay as it was.
fn refuse_gradient(xs: &Tensor) -> Result<()> {
    if xs.track_op() {
        candle_core::bail!("this engine computes no gradients: train with the engine `candle`");
    }
    Ok(())
}

/// Calls `with` with a weight as a slice, in bf16 if it is that, else in f32.
pub(crate) fn with_weight<T>(
    weight: &Tensor,
    with: impl FnOnce(WeightSlice<'_>) -> T,
) -> Result<T> {
    if weight.dtype() == DType::BF16 {
        let values = weight.flatten_all()?.to_vec1::<bf16>()?;
        return Ok(with(WeightSlice::Bf16(&values)));
    }
    let weight = weight.to_dtype(DType::F32)?.contiguous()?;
    cpu::read(&weight, |values| with(WeightSlice::F32(values)))
}

/// The numbers of a weight, row by row.
pub(crate) enum WeightSlice<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// A bias as the engines take it.
pub(crate) fn bias_numbers(bias: Option<&Tensor>) -> Result<Option<Vec<f32>>> {
    bias.map(|bias| bias.to_dtype(DType::F32)?.to_vec1::<f32>())
        .transpose()
}

//! What the engines have in common that multiply slices of numbers.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use half::bf16;
use kernels::{Biased, PackedWeights};

use crate::lora::Lora;
use crate::tape::Gradients;
use crate::{cpu, tape};

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

    /// The weight and the bias as the kernels take them, where they are theirs: layers
    /// of one input are then multiplied together.
    fn packed(&self) -> Option<Biased<'_>> {
        None
    }

    /// `x Wᵀ + b` for whole rows.
    fn multiply(&self, x: &[f32]) -> Result<Vec<f32>>;

    /// `y ← y + x Wᵀ + b` for whole rows.
    fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<()>;

    /// The gradient of `x`, `dx = dy W`, or `dx ← dx + dy W` where it `adds`.
    ///
    /// # Errors
    /// Where the engine computes no gradients.
    fn multiply_transposed(&self, _dy: &[f32], _adds: bool, _dx: &mut [f32]) -> Result<()> {
        candle_core::bail!(
            "this engine computes no gradients with these weights: train with the engine \
             `packed` or `candle`, in f32 or bf16"
        )
    }

    /// Whether the weight itself is trained.
    fn is_trained(&self) -> bool {
        false
    }

    /// Adds the gradients of the weight and the bias, where those are trained.
    fn add_weight_gradients(&self, _x: &[f32], _dy: &[f32], _to: &mut Gradients) -> Result<()> {
        Ok(())
    }

    /// What of the layer is trained.
    fn trained(&self) -> Vec<&Tensor> {
        Vec::new()
    }
}

/// `(…, in)` to `(…, out)`, with the part of an adapter that is trained and
/// added to a residual where there are such; `add` adds to the result, given the
/// input, what no gradient goes through.
pub(crate) fn forward(
    layer: &Arc<dyn Product>,
    lora: Option<&Arc<Lora>>,
    xs: &Tensor,
    residual: Option<&Tensor>,
    add: impl FnOnce(&[f32], &mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let (xs, dims) = layer.operand(xs)?;
    let added_to = match residual {
        Some(residual) => {
            refuse_gradient(residual)?;
            if residual.dims() != dims {
                candle_core::bail!("{dims:?} is added to {:?}", residual.dims());
            }
            Some(cpu::read(&tape::dense(residual)?, <[f32]>::to_vec)?)
        }
        None => None,
    };
    let (ys, kept) = cpu::read(&xs, |xs| {
        let mut ys = match added_to {
            Some(mut ys) => {
                layer.multiply_add(xs, &mut ys)?;
                ys
            }
            None => layer.multiply(xs)?,
        };
        add(xs, &mut ys)?;
        let kept = lora.map(|lora| lora.add(xs, &mut ys)).transpose()?;
        Ok::<_, candle_core::Error>((ys, kept))
    })??;
    let ys = Tensor::from_vec(ys, dims, &Device::Cpu)?;
    let mut operands = vec![&xs];
    operands.extend(residual);
    operands.extend(layer.trained());
    if let Some(lora) = lora {
        operands.extend([lora.a.tensor(), lora.b.tensor()]);
    }
    let ys = tape::record(&operands, ys, || {
        let (xs, residual) = (xs.clone(), residual.cloned());
        let (layer, lora) = (Arc::clone(layer), lora.cloned());
        move |dy: Vec<f32>, gradients: &mut Gradients| {
            gradients.product(&xs, |adds, dx| layer.multiply_transposed(&dy, adds, dx))?;
            if layer.is_trained() {
                cpu::read(&xs, |xs| layer.add_weight_gradients(xs, &dy, gradients))??;
            }
            if let (Some(lora), Some(kept)) = (lora, kept) {
                lora.backward(&kept, &xs, &dy, gradients)?;
            }
            match residual {
                Some(residual) => gradients.add(&residual, dy),
                None => Ok(()),
            }
        }
    });
    Ok(ys)
}

/// What a layer makes of an input, not a tensor yet.
pub(crate) struct Numbers {
    pub(crate) ys: Vec<f32>,
    dims: Vec<usize>,
}

impl Numbers {
    pub(crate) fn into_tensor(self) -> Result<Tensor> {
        Tensor::from_vec(self.ys, self.dims, &Device::Cpu)
    }
}

/// What each of some layers makes of one input `(…, in)`, in their order: bit for bit
/// what it makes of it alone. `finish` is given the input and these.
pub(crate) fn forward_each<T>(
    layers: &[&Arc<dyn Product>],
    xs: &Tensor,
    finish: impl FnOnce(&[f32], Vec<Numbers>) -> Result<T>,
) -> Result<T> {
    let xs = tape::dense(xs)?;
    let dims = layers.iter().map(|layer| Ok(layer.operand(&xs)?.1));
    let dims: Vec<Vec<usize>> = dims.collect::<Result<_>>()?;
    cpu::read(&xs, |x| {
        let packed: Option<Vec<Biased>> = layers.iter().map(|layer| layer.packed()).collect();
        let ys = match packed {
            Some(packed) => kernels::multiply_each(x, &packed),
            None => {
                let each = layers.iter().map(|layer| layer.multiply(x));
                each.collect::<Result<_>>()?
            }
        };
        let each = ys.into_iter().zip(dims);
        finish(x, each.map(|(ys, dims)| Numbers { ys, dims }).collect())
    })?
}

impl dyn Product {
    /// `(…, in)` to `(…, out)`; `finish` works on the result, given the input,
    /// before it becomes a tensor.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        finish: impl FnOnce(&[f32], &mut [f32]) -> Result<()>,
    ) -> Result<Tensor> {
        let (xs, dims) = self.operand(xs)?;
        let ys = cpu::read(&xs, |xs| {
            let mut ys = self.multiply(xs)?;
            finish(xs, &mut ys)?;
            Ok::<_, candle_core::Error>(ys)
        })??;
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
        Ok((tape::dense(xs)?, dims))
    }
}

/// Gradients of these engines are recorded on a tape. What candle records must
/// not end here: the loss would fall and everything below stay as it was.
fn refuse_gradient(xs: &Tensor) -> Result<()> {
    if xs.track_op() {
        candle_core::bail!("candle's gradients do not go through this engine");
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

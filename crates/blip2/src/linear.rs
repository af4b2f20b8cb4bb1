//! The one linear layer that every part of the model uses.

use candle_core::{DType, Result, Tensor};
use candle_nn::{Module, VarBuilder};

/// `y = x Wᵀ + b`, with the weight stored `(out, in)` as in the checkpoint.
///
/// Every projection of the model goes through this type, so that another way
/// of holding or multiplying a weight has one place to live.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    dense: candle_nn::Linear,
    dtype: DType,
}

impl Linear {
    /// Loads `weight` and, if asked for, `bias`.
    pub(crate) fn new(inputs: usize, outputs: usize, bias: bool, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get((outputs, inputs), "weight")?;
        let bias = if bias {
            Some(vb.get(outputs, "bias")?)
        } else {
            None
        };
        Ok(Self::from_tensors(weight, bias))
    }

    /// A layer over tensors that are loaded already.
    pub(crate) fn from_tensors(weight: Tensor, bias: Option<Tensor>) -> Self {
        let dtype = weight.dtype();
        Self {
            dense: candle_nn::Linear::new(weight, bias),
            dtype,
        }
    }

    /// `(…, in)` to `(…, out)`, in the number type of the input.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        if xs.dtype() == self.dtype {
            return self.dense.forward(&xs.contiguous()?);
        }
        // T5's `wo` stays in f32 in an f16 model.
        let ys = self
            .dense
            .forward(&xs.to_dtype(self.dtype)?.contiguous()?)?;
        ys.to_dtype(xs.dtype())
    }
}

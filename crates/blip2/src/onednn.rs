//! The engine `onednn`.

use std::sync::Arc;

use ::onednn::Linear;
use candle_core::{DType, Error, Result, Tensor};
use half::bf16;

use crate::engine::WeightType;
use crate::product::{Product, WeightSlice, bias_numbers, with_weight};

/// Why oneDNN cannot multiply such weights on this machine, if so.
pub(crate) fn obstacle(weights: WeightType) -> Option<&'static str> {
    match weights {
        WeightType::Plain(DType::F32) => None,
        // oneDNN alone knows which processors it has bf16 for.
        WeightType::Plain(DType::BF16) => Linear::new_bf16(&[bf16::ONE; 64 * 64], None, 64, 64)
            .is_err()
            .then_some("it has no bf16 for this processor"),
        _ => Some("it has f32 and bf16 only"),
    }
}

/// A layer over a weight `(out, in)`.
pub(crate) fn from_tensors(weight: &Tensor, bias: Option<&Tensor>) -> Result<Arc<dyn Product>> {
    let (outputs, inputs) = weight.dims2()?;
    let bias = bias_numbers(bias)?;
    let layer = with_weight(weight, |weight| match weight {
        WeightSlice::F32(values) => Linear::new_f32(values, bias.as_deref(), outputs, inputs),
        WeightSlice::Bf16(values) => Linear::new_bf16(values, bias.as_deref(), outputs, inputs),
    })?;
    Ok(Arc::new(layer.map_err(Error::wrap)?))
}

impl Product for Linear {
    fn inputs(&self) -> usize {
        self.inputs()
    }

    fn outputs(&self) -> usize {
        self.outputs()
    }

    fn multiply(&self, x: &[f32]) -> Result<Vec<f32>> {
        let mut y = vec![0f32; x.len() / self.inputs() * self.outputs()];
        self.multiply(x, &mut y).map_err(Error::wrap)?;
        Ok(y)
    }

    fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.multiply_add(x, y).map_err(Error::wrap)
    }
}

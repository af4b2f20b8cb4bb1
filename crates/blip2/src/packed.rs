//! The engine `packed`: this project's kernels for AVX-512.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{Error, Result, Tensor};
use kernels::{Avx512, Biased, PackedWeights, WeightFormat};

use crate::cpu;
use crate::parameters::PackedParameter;
use crate::product::{Product, WeightSlice, bias_numbers, with_weight};
use crate::tape::Gradients;

/// A layer over a weight `(out, in)`.
pub(crate) fn from_tensors(weight: &Tensor, bias: Option<&Tensor>) -> Result<Arc<dyn Product>> {
    let (outputs, inputs) = weight.dims2()?;
    let proof = processor()?;
    let packed = with_weight(weight, |weight| match weight {
        WeightSlice::F32(values) => PackedWeights::from_f32(proof, values, outputs, inputs),
        WeightSlice::Bf16(values) => PackedWeights::from_bf16(proof, values, outputs, inputs),
    })?;
    layer(packed.map_err(Error::wrap)?, bias)
}

/// A layer over blocks, whose rows of `inputs` may be padded.
pub(crate) fn from_blocks(
    blocks: &QTensor,
    format: WeightFormat,
    (outputs, inputs): (usize, usize),
    bias: Option<&Tensor>,
) -> Result<Arc<dyn Product>> {
    let data = blocks.data()?;
    let packed = PackedWeights::from_blocks(processor()?, format, &data, outputs, inputs);
    layer(packed.map_err(Error::wrap)?, bias)
}

fn layer(weight: PackedWeights, bias: Option<&Tensor>) -> Result<Arc<dyn Product>> {
    let bias = bias_numbers(bias)?;
    Ok(Arc::new(Packed { weight, bias }))
}

fn processor() -> Result<Avx512> {
    Avx512::detect().ok_or_else(|| Error::Msg("no AVX-512".to_owned()))
}

#[derive(Debug)]
struct Packed {
    weight: PackedWeights,
    bias: Option<Vec<f32>>,
}

impl Product for Packed {
    fn inputs(&self) -> usize {
        self.weight.inputs()
    }

    fn outputs(&self) -> usize {
        self.weight.outputs()
    }

    fn readable_rows(&self) -> Option<&PackedWeights> {
        self.weight.keeps_rows().then_some(&self.weight)
    }

    fn packed(&self) -> Option<Biased<'_>> {
        Some(Biased {
            weights: &self.weight,
            bias: self.bias.as_deref(),
        })
    }

    fn multiply(&self, x: &[f32]) -> Result<Vec<f32>> {
        Ok(self.weight.product(x, self.bias.as_deref()))
    }

    fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.weight.multiply_add(x, self.bias.as_deref(), y);
        Ok(())
    }

    fn multiply_transposed(&self, dy: &[f32], adds: bool, dx: &mut [f32]) -> Result<()> {
        if !matches!(self.weight.format(), WeightFormat::F32 | WeightFormat::Bf16) {
            candle_core::bail!("quantised weights give no gradients: train in f32 or bf16");
        }
        self.weight.multiply_transposed(dy, adds, dx);
        Ok(())
    }
}

/// A layer whose weight and bias are trained.
pub(crate) fn trained(weight: PackedParameter, bias: Option<Tensor>) -> Arc<dyn Product> {
    Arc::new(Trained { weight, bias })
}

#[derive(Debug)]
struct Trained {
    weight: PackedParameter,
    bias: Option<Tensor>,
}

impl Trained {
    /// Calls `with` with the weight and the bias as they are now.
    fn with<T>(&self, with: impl FnOnce(&PackedWeights, Option<&[f32]>) -> T) -> Result<T> {
        let weight = self.weight.packed()?;
        match &self.bias {
            Some(bias) => cpu::read(bias, |bias| with(&weight, Some(bias))),
            None => Ok(with(&weight, None)),
        }
    }
}

impl Product for Trained {
    fn inputs(&self) -> usize {
        self.weight.inputs()
    }

    fn outputs(&self) -> usize {
        self.weight.outputs()
    }

    fn multiply(&self, x: &[f32]) -> Result<Vec<f32>> {
        self.with(|weight, bias| weight.product(x, bias))
    }

    fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.with(|weight, bias| weight.multiply_add(x, bias, y))
    }

    fn multiply_transposed(&self, dy: &[f32], adds: bool, dx: &mut [f32]) -> Result<()> {
        self.with(|weight, _| weight.multiply_transposed(dy, adds, dx))
    }

    fn is_trained(&self) -> bool {
        true
    }

    fn add_weight_gradients(&self, x: &[f32], dy: &[f32], to: &mut Gradients) -> Result<()> {
        let (proof, inputs) = (processor()?, self.inputs());
        to.with(self.weight.tensor(), |dw| {
            kernels::add_weight_gradient(proof, x, dy, inputs, dw);
            Ok(())
        })?;
        match &self.bias {
            Some(bias) => to.with(bias, |db| {
                kernels::add_column_sums(proof, dy, db);
                Ok(())
            }),
            None => Ok(()),
        }
    }

    fn trained(&self) -> Vec<&Tensor> {
        let weight = std::iter::once(self.weight.tensor());
        weight.chain(&self.bias).collect()
    }
}

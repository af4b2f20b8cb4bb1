//! The one linear layer that every part of the model uses.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{D, DType, Result, Tensor};
use candle_nn::Module;
use kernels::Avx512;

use crate::config::Activation;
use crate::embedding::Embedding;
use crate::engine::{Engine, Plan, WeightType};
use crate::product::Product;
use crate::quantize::quantize_rows;
use crate::weights::Weights;
use crate::{cpu, ops, packed};

/// `y = x Wᵀ + b`, with the weight stored `(out, in)` as in the checkpoint.
///
/// Every projection of the model goes through this type, so that another way
/// of holding or multiplying a weight has one place to live.
#[derive(Debug, Clone)]
pub(crate) enum Linear {
    /// By candle, in the weight's number type.
    Dense(candle_nn::Linear),
    /// By candle, in blocks. Inputs are padded with zeros to the blocks' rows.
    Quantised {
        weight: QMatMul,
        padding: usize,
        bias: Option<Tensor>,
    },
    /// By an engine over slices of f32: this project's kernels, or oneDNN.
    Product(Arc<dyn Product>),
}

impl Linear {
    /// Loads `weight` and, if asked for, `bias`.
    pub(crate) fn new(inputs: usize, outputs: usize, bias: bool, vb: Weights) -> Result<Self> {
        let bias = if bias {
            Some(vb.get(outputs, "bias")?)
        } else {
            None
        };
        vb.linear((outputs, inputs), "weight", bias)
    }

    /// A layer over a weight `(out, in)` that is loaded already.
    pub(crate) fn from_tensors(weight: Tensor, bias: Option<Tensor>, plan: Plan) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        match (plan.engine, plan.weights) {
            (_, WeightType::Quantised(quantization)) => {
                let blocks = quantize_rows(&weight, quantization)?;
                Self::from_blocks(blocks, (outputs, inputs), bias, plan)
            }
            (Engine::Candle, WeightType::Plain(_)) => {
                Ok(Self::Dense(candle_nn::Linear::new(weight, bias)))
            }
            (Engine::Packed, WeightType::Plain(_)) => {
                Ok(Self::Product(packed::from_tensors(&weight, bias.as_ref())?))
            }
            #[cfg(feature = "onednn")]
            (Engine::OneDnn, WeightType::Plain(_)) => Ok(Self::Product(
                crate::onednn::from_tensors(&weight, bias.as_ref())?,
            )),
            #[cfg(not(feature = "onednn"))]
            (Engine::OneDnn, WeightType::Plain(_)) => {
                candle_core::bail!("built without the feature `onednn`")
            }
        }
    }

    /// A layer over blocks, whose rows of `inputs` may be padded.
    pub(crate) fn from_blocks(
        blocks: QTensor,
        (outputs, inputs): (usize, usize),
        bias: Option<Tensor>,
        plan: Plan,
    ) -> Result<Self> {
        let format = match plan.weights {
            WeightType::Quantised(quantization) if quantization.ggml() == blocks.dtype() => {
                quantization.format()
            }
            _ => candle_core::bail!("blocks of {:?} in a plan for others", blocks.dtype()),
        };
        if plan.engine == Engine::Packed {
            let layer = packed::from_blocks(&blocks, format, (outputs, inputs), bias.as_ref())?;
            return Ok(Self::Product(layer));
        }
        Ok(Self::Quantised {
            padding: blocks.shape().dims()[1] - inputs,
            weight: QMatMul::from_qtensor(blocks)?,
            bias,
        })
    }

    /// The weight as a table of rows, where it need not be held twice for it:
    /// what it holds is what the table would.
    pub(crate) fn as_table(&self) -> Option<Embedding> {
        match self {
            Self::Dense(layer) => Embedding::dense(layer.weight().clone()).ok(),
            Self::Product(layer) if layer.readable_rows().is_some() => {
                Some(Embedding::OfLayer(Arc::clone(layer)))
            }
            Self::Quantised { .. } | Self::Product(_) => None,
        }
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match self {
            Self::Product(layer) if residual.dtype() == DType::F32 => {
                layer.forward_added(xs, residual)
            }
            _ => residual + self.forward(xs)?,
        }
    }

    /// The same with an activation function after it.
    pub(crate) fn forward_activated(&self, xs: &Tensor, activation: Activation) -> Result<Tensor> {
        let by_kernels: fn(Avx512, &mut [f32]) = match activation {
            Activation::Gelu => kernels::gelu_erf,
            Activation::GeluNew => kernels::gelu_tanh,
            _ => return ops::activate(activation, &self.forward(xs)?),
        };
        match (self, Avx512::detect()) {
            (Self::Product(layer), Some(proof)) => layer.forward(xs, |ys| {
                by_kernels(proof, ys);
                Ok(())
            }),
            _ => ops::activate(activation, &self.forward(xs)?),
        }
    }

    /// The same, activated, times `up`.
    pub(crate) fn forward_gating(
        &self,
        xs: &Tensor,
        activation: Activation,
        up: &Tensor,
    ) -> Result<Tensor> {
        match (self, Avx512::detect()) {
            (Self::Product(layer), Some(proof)) if activation == Activation::GeluNew => {
                let up = up.contiguous()?;
                layer.forward(xs, |gate| {
                    cpu::read(&up, |up| kernels::gelu_tanh_times(proof, gate, up))
                })
            }
            _ => self.forward_activated(xs, activation)? * up,
        }
    }

    /// `(…, in)` to `(…, out)`, in the number type of the input.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(layer) => {
                let dtype = layer.weight().dtype();
                if xs.dtype() == dtype {
                    return layer.forward(&xs.contiguous()?);
                }
                // T5's `wo` stays in f32 in an f16 model.
                let ys = layer.forward(&xs.to_dtype(dtype)?.contiguous()?)?;
                ys.to_dtype(xs.dtype())
            }
            Self::Quantised {
                weight,
                padding,
                bias,
            } => {
                let padded = xs.pad_with_zeros(D::Minus1, 0, *padding)?.contiguous()?;
                let ys = weight.forward(&padded)?;
                match bias {
                    Some(bias) => ys.broadcast_add(bias),
                    None => Ok(ys),
                }
            }
            Self::Product(layer) => layer.forward(xs, |_| Ok(())),
        }
    }
}

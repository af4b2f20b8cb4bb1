//! The one linear layer that every part of the model uses.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{D, DType, Result, Tensor};
use candle_nn::Module;
use kernels::Avx512;

use crate::config::Activation;
use crate::embedding::Embedding;
use crate::engine::{Engine, Plan, WeightType};
use crate::lora::Lora;
use crate::parameters::{PackedParameter, Parameter};
use crate::product::{self, Product};
use crate::quantize::quantize_rows;
use crate::weights::Weights;
use crate::{cpu, ops, packed, tape};

/// `y = x Wᵀ + b`, with the weight stored `(out, in)` as in the checkpoint.
///
/// Every projection of the model goes through this type, so that another way
/// of holding or multiplying a weight has one place to live.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    layer: Layer,
    /// What is added to it by an adapter.
    lora: Option<Arc<Lora>>,
}

/// How the weight is held and multiplied.
#[derive(Debug, Clone)]
enum Layer {
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

impl From<Layer> for Linear {
    fn from(layer: Layer) -> Self {
        Self { layer, lora: None }
    }
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
                Ok(Layer::Dense(candle_nn::Linear::new(weight, bias)).into())
            }
            (Engine::Packed, WeightType::Plain(_)) => {
                Ok(Layer::Product(packed::from_tensors(&weight, bias.as_ref())?).into())
            }
            #[cfg(feature = "onednn")]
            (Engine::OneDnn, WeightType::Plain(_)) => {
                Ok(Layer::Product(crate::onednn::from_tensors(&weight, bias.as_ref())?).into())
            }
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
            return Ok(Layer::Product(layer).into());
        }
        Ok(Layer::Quantised {
            padding: blocks.shape().dims()[1] - inputs,
            weight: QMatMul::from_qtensor(blocks)?,
            bias,
        }
        .into())
    }

    /// A layer whose weight and bias are trained.
    pub(crate) fn trained(
        weight: &Parameter,
        bias: Option<Tensor>,
        (outputs, inputs): (usize, usize),
        plan: Plan,
    ) -> Result<Self> {
        Ok(match plan.engine {
            Engine::Candle => {
                let weight = weight.leaf().reshape((outputs, inputs))?;
                Layer::Dense(candle_nn::Linear::new(weight, bias)).into()
            }
            _ => Layer::Product(packed::trained(PackedParameter::new(weight)?, bias)).into(),
        })
    }

    /// The same layer with an adapter's part added to it.
    pub(crate) fn with_lora(self, lora: Arc<Lora>) -> Self {
        Self {
            lora: Some(lora),
            ..self
        }
    }

    /// The weight as a table of rows, where it need not be held twice for it:
    /// what it holds is what the table would.
    pub(crate) fn as_table(&self) -> Option<Embedding> {
        match &self.layer {
            Layer::Dense(layer) => Embedding::dense(layer.weight().clone()).ok(),
            Layer::Product(layer) if layer.readable_rows().is_some() => {
                Some(Embedding::OfLayer(Arc::clone(layer)))
            }
            Layer::Quantised { .. } | Layer::Product(_) => None,
        }
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.layer {
            Layer::Product(layer) if residual.dtype() == DType::F32 => {
                product::forward(layer, self.lora.as_ref(), xs, Some(residual))
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
        match (self.fused(xs), Avx512::detect()) {
            (Some(layer), Some(proof)) => layer.forward(xs, |ys| {
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
        match (self.fused(xs), Avx512::detect()) {
            (Some(layer), Some(proof)) if activation == Activation::GeluNew => {
                let up = up.contiguous()?;
                layer.forward(xs, |gate| {
                    cpu::read(&up, |up| kernels::gelu_tanh_times(proof, gate, up))
                })
            }
            _ => ops::gate(activation, &self.forward(xs)?, up),
        }
    }

    /// The engine's layer, if what comes after it can be computed in its place:
    /// nothing is added to it, and no gradient goes through it.
    fn fused(&self, xs: &Tensor) -> Option<&Arc<dyn Product>> {
        match &self.layer {
            Layer::Product(layer)
                if self.lora.is_none() && !layer.is_trained() && !tape::is_watched(xs) =>
            {
                Some(layer)
            }
            _ => None,
        }
    }

    /// `(…, in)` to `(…, out)`, in the number type of the input.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let ys = match &self.layer {
            Layer::Dense(layer) => dense(layer, xs),
            Layer::Quantised {
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
            Layer::Product(layer) => {
                return product::forward(layer, self.lora.as_ref(), xs, None);
            }
        }?;
        match &self.lora {
            Some(lora) => ys + lora.composed(xs)?,
            None => Ok(ys),
        }
    }
}

fn dense(layer: &candle_nn::Linear, xs: &Tensor) -> Result<Tensor> {
    let dtype = layer.weight().dtype();
    if xs.dtype() == dtype {
        return layer.forward(&xs.contiguous()?);
    }
    // T5's `wo` stays in f32 in an f16 model.
    let ys = layer.forward(&xs.to_dtype(dtype)?.contiguous()?)?;
    ys.to_dtype(xs.dtype())
}

//! The one linear layer that every part of the model uses.

mod forward;
mod together;

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{Result, Tensor};

use crate::config::Activation;
use crate::embedding::Embedding;
use crate::engine::{Engine, Plan, WeightType};
use crate::lora::{LayerNumber, Lora, NO_ADAPTERS};
use crate::packed;
use crate::parameters::{PackedParameter, Parameter};
use crate::product::Product;
use crate::quantize::quantize_rows;
use crate::weights::Weights;

pub(crate) use together::{forward_all, forward_each, forward_gated};

/// `y = x Wᵀ + b`, with the weight stored `(out, in)` as in the checkpoint.
///
/// Every projection of the model goes through this type, so that another way
/// of holding or multiplying a weight has one place to live.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    layer: Layer,
    /// What is added to it by an adapter that is trained.
    lora: Option<Arc<Lora>>,
    /// By which the adapters of a batch's rows know it.
    number: Option<LayerNumber>,
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
        Self {
            layer,
            lora: None,
            number: None,
        }
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

    /// The same layer, known to adapters by its number.
    pub(crate) fn numbered(self, number: LayerNumber) -> Self {
        Self {
            number: Some(number),
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

    /// `(…, in)` to `(…, out)`, in the number type of the input.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        self.for_rows(&NO_ADAPTERS).forward(xs)
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        self.for_rows(&NO_ADAPTERS).forward_added(xs, residual)
    }

    /// The same with an activation function after it.
    pub(crate) fn forward_activated(&self, xs: &Tensor, activation: Activation) -> Result<Tensor> {
        self.for_rows(&NO_ADAPTERS)
            .forward_activated(xs, activation)
    }
}

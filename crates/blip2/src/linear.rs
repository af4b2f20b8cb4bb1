//! The one linear layer that every part of the model uses.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::Module;
use half::bf16;
use kernels::{Avx512, PackedWeights};

use crate::config::Activation;
use crate::engine::{Engine, Plan, WeightType};
use crate::quantize::quantize_rows;
use crate::weights::Weights;
use crate::{cpu, ops};

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
    /// By this project's kernels.
    Packed {
        weight: Arc<PackedWeights>,
        bias: Option<Arc<[f32]>>,
    },
    /// By oneDNN.
    #[cfg(feature = "onednn")]
    OneDnn(crate::onednn::Layer),
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
                let proof = processor()?;
                let packed = if weight.dtype() == DType::BF16 {
                    let values = weight.flatten_all()?.to_vec1::<bf16>()?;
                    PackedWeights::from_bf16(proof, &values, outputs, inputs)
                } else {
                    let weight = weight.to_dtype(DType::F32)?.contiguous()?;
                    cpu::read(&weight, |values| {
                        PackedWeights::from_f32(proof, values, outputs, inputs)
                    })?
                };
                Self::packed(packed.map_err(candle_core::Error::wrap)?, bias)
            }
            #[cfg(feature = "onednn")]
            (Engine::OneDnn, WeightType::Plain(_)) => Ok(Self::OneDnn(crate::onednn::Layer::new(
                &weight,
                bias.as_ref(),
            )?)),
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
            let data = blocks.data()?;
            let packed = PackedWeights::from_blocks(processor()?, format, &data, outputs, inputs);
            return Self::packed(packed.map_err(candle_core::Error::wrap)?, bias);
        }
        Ok(Self::Quantised {
            padding: blocks.shape().dims()[1] - inputs,
            weight: QMatMul::from_qtensor(blocks)?,
            bias,
        })
    }

    fn packed(weight: PackedWeights, bias: Option<Tensor>) -> Result<Self> {
        let bias = bias
            .map(|bias| bias.to_dtype(DType::F32)?.to_vec1::<f32>())
            .transpose()?;
        Ok(Self::Packed {
            weight: Arc::new(weight),
            bias: bias.map(Arc::from),
        })
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match self {
            Self::Packed { weight, bias } if residual.dtype() == DType::F32 => {
                refuse_gradient(residual)?;
                let (xs, dims) = operand(weight, xs)?;
                if residual.dims() != dims {
                    candle_core::bail!("{dims:?} is added to {:?}", residual.dims());
                }
                let mut ys = cpu::read(&residual.contiguous()?, <[f32]>::to_vec)?;
                cpu::read(&xs, |xs| weight.multiply_add(xs, bias.as_deref(), &mut ys))?;
                Tensor::from_vec(ys, dims, &Device::Cpu)
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
        match self {
            Self::Packed { weight, bias } => packed(weight, bias.as_deref(), xs, |ys| {
                by_kernels(processor()?, ys);
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
        match self {
            Self::Packed { weight, bias } if activation == Activation::GeluNew => {
                let up = up.contiguous()?;
                packed(weight, bias.as_deref(), xs, |gate| {
                    let proof = processor()?;
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
            Self::Packed { weight, bias } => packed(weight, bias.as_deref(), xs, |_| Ok(())),
            #[cfg(feature = "onednn")]
            Self::OneDnn(layer) => {
                refuse_gradient(xs)?;
                layer.forward(&xs.contiguous()?)
            }
        }
    }
}

/// By the kernels; `finish` works on the result before it becomes a tensor.
fn packed(
    weight: &PackedWeights,
    bias: Option<&[f32]>,
    xs: &Tensor,
    finish: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let (xs, dims) = operand(weight, xs)?;
    let mut ys = vec![0f32; dims.iter().product()];
    cpu::read(&xs, |xs| weight.multiply(xs, bias, &mut ys))?;
    finish(&mut ys)?;
    Tensor::from_vec(ys, dims, &Device::Cpu)
}

/// An input as the kernels take it, and the dimensions of its product.
fn operand(weight: &PackedWeights, xs: &Tensor) -> Result<(Tensor, Vec<usize>)> {
    refuse_gradient(xs)?;
    let mut dims = xs.dims().to_vec();
    if dims.pop() != Some(weight.inputs()) {
        candle_core::bail!("{:?} into a layer of {}", xs.dims(), weight.inputs());
    }
    dims.push(weight.outputs());
    Ok((xs.contiguous()?, dims))
}

/// What records no gradient must not stand in the way of one: the loss would
/// fall and everything below stay as it was.
fn refuse_gradient(xs: &Tensor) -> Result<()> {
    if xs.track_op() {
        candle_core::bail!("this engine computes no gradients: train with the engine `candle`");
    }
    Ok(())
}

fn processor() -> Result<Avx512> {
    Avx512::detect().ok_or_else(|| candle_core::Error::Msg("no AVX-512".to_owned()))
}

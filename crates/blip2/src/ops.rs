//! The few operations that exist twice in candle: fused, which is fast but
//! records nothing for the backward pass, and composed.
//!
//! What is derived from a variable is computed by the composed form, all
//! else by the fused one, so that a caller cannot choose wrongly.

use candle_core::{D, DType, Result, Tensor};
use kernels::Avx512;

use crate::config::Activation;
use crate::cpu;
use crate::weights::Weights;

/// Softmax over the last dimension.
pub(crate) fn softmax(xs: &Tensor) -> Result<Tensor> {
    if xs.track_op() {
        candle_nn::ops::softmax(xs, D::Minus1)
    } else {
        candle_nn::ops::softmax_last_dim(&xs.contiguous()?)
    }
}

/// Applies an activation function.
pub(crate) fn activate(activation: Activation, xs: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Gelu => xs.gelu_erf(),
        Activation::GeluNew => xs.gelu(),
        Activation::Relu => xs.relu(),
        Activation::Silu => xs.silu(),
    }
}

/// A layer norm over the last dimension: mean and variance, weight and bias.
#[derive(Debug, Clone)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
    kernels: Option<Avx512>,
}

impl LayerNorm {
    pub(crate) fn new(size: usize, eps: f64, vb: Weights) -> Result<Self> {
        Ok(Self {
            weight: vb.get(size, "weight")?,
            bias: vb.get(size, "bias")?,
            eps: eps as f32,
            kernels: vb.plan().kernels(),
        })
    }

    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let Self {
            weight,
            bias,
            eps,
            kernels,
        } = self;
        if [xs, weight, bias].iter().any(|tensor| tensor.track_op()) {
            return candle_nn::ops::layer_norm_slow(xs, weight, bias, *eps);
        }
        let xs = xs.contiguous()?;
        match kernels {
            Some(proof) if xs.dtype() == DType::F32 => cpu::write_like(&xs, |ys| {
                cpu::read(&xs, |xs| {
                    cpu::read(weight, |weight| {
                        cpu::read(bias, |bias| {
                            kernels::layer_norm(*proof, xs, weight, bias, *eps, ys);
                        })
                    })
                })??
            }),
            _ => candle_nn::ops::layer_norm(&xs, weight, bias, *eps),
        }
    }
}

/// T5's layer norm: by the root of the mean square, no mean, no bias.
#[derive(Debug, Clone)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    eps: f32,
    kernels: Option<Avx512>,
}

impl RmsNorm {
    pub(crate) fn new(size: usize, eps: f64, vb: Weights) -> Result<Self> {
        Ok(Self {
            weight: vb.get(size, "weight")?,
            eps: eps as f32,
            kernels: vb.plan().kernels(),
        })
    }

    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let Self {
            weight,
            eps,
            kernels,
        } = self;
        if xs.track_op() || weight.track_op() {
            return candle_nn::ops::rms_norm_slow(xs, weight, *eps);
        }
        let xs = xs.contiguous()?;
        match kernels {
            Some(proof) if xs.dtype() == DType::F32 => cpu::write_like(&xs, |ys| {
                cpu::read(&xs, |xs| {
                    cpu::read(weight, |weight| {
                        kernels::rms_norm(*proof, xs, weight, *eps, ys)
                    })
                })?
            }),
            _ => candle_nn::ops::rms_norm(&xs, weight, *eps),
        }
    }
}

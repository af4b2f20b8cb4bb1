//! Operations between the linear layers, with their backward passes.
//!
//! Some exist twice in candle: fused, which is fast but records nothing for
//! candle's backward pass, and composed. What is derived from one of candle's
//! variables is computed by the composed form, all else by the fused one or by
//! the kernels, which record on the tape.

use candle_core::{D, DType, Result, Tensor};
use kernels::{Avx512, NormRows};

use crate::config::Activation;
use crate::tape::Gradients;
use crate::weights::Weights;
use crate::{cpu, tape};

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
    let by_kernels: Option<fn(Avx512, &mut [f32])> = match activation {
        Activation::Gelu => Some(kernels::gelu_erf),
        Activation::GeluNew => Some(kernels::gelu_tanh),
        Activation::Relu | Activation::Silu => None,
    };
    let ys = match (Avx512::detect(), by_kernels, activation) {
        (Some(proof), Some(by_kernels), _) if tape::is_watched(xs) => {
            let mut ys = cpu::read(xs, <[f32]>::to_vec)?;
            by_kernels(proof, &mut ys);
            Tensor::from_vec(ys, xs.shape(), xs.device())
        }
        (_, _, Activation::Gelu) => xs.gelu_erf(),
        (_, _, Activation::GeluNew) => xs.gelu(),
        (_, _, Activation::Relu) => xs.relu(),
        (_, _, Activation::Silu) => xs.silu(),
    }?;
    Ok(tape::record(&[xs], ys, || {
        let xs = xs.clone();
        move |mut dy: Vec<f32>, gradients: &mut Gradients| {
            let proof = tape::processor()?;
            cpu::read(&xs, |x| match activation {
                Activation::Gelu => kernels::gelu_erf_backward(proof, x, &mut dy),
                Activation::GeluNew => kernels::gelu_tanh_backward(proof, x, &mut dy),
                Activation::Relu => multiply_by(&mut dy, x, |x| if x > 0.0 { 1.0 } else { 0.0 }),
                Activation::Silu => multiply_by(&mut dy, x, |x| {
                    let sigmoid = 1.0 / (1.0 + (-x).exp());
                    sigmoid * (1.0 + x * (1.0 - sigmoid))
                }),
            })?;
            gradients.add(&xs, dy)
        }
    }))
}

fn multiply_by(dy: &mut [f32], x: &[f32], derivative: impl Fn(f32) -> f32) {
    dy.iter_mut()
        .zip(x)
        .for_each(|(dy, x)| *dy *= derivative(*x));
}

/// Applies an activation function to `gate` and multiplies by `up`.
pub(crate) fn gate(activation: Activation, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    let is_watched = tape::is_watched(gate) || tape::is_watched(up);
    match Avx512::detect() {
        Some(proof) if is_watched && activation == Activation::GeluNew => {
            let mut ys = cpu::read(gate, <[f32]>::to_vec)?;
            cpu::read(up, |up| kernels::gelu_tanh_times(proof, &mut ys, up))?;
            let ys = Tensor::from_vec(ys, gate.shape(), gate.device())?;
            Ok(tape::record(&[gate, up], ys, || {
                let (gate, up) = (gate.clone(), up.clone());
                move |mut dy: Vec<f32>, gradients: &mut Gradients| {
                    let mut dup = vec![0f32; dy.len()];
                    cpu::read(&gate, |gate| {
                        cpu::read(&up, |up| {
                            kernels::gelu_tanh_times_backward(proof, gate, up, &mut dy, &mut dup);
                        })
                    })??;
                    gradients.add(&gate, dy)?;
                    gradients.add(&up, dup)
                }
            }))
        }
        _ => multiply(&activate(activation, gate)?, up),
    }
}

/// The products of the elements of two tensors of one shape.
fn multiply(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(tape::record(&[a, b], (a * b)?, || {
        let (a, b) = (a.clone(), b.clone());
        move |dy: Vec<f32>, gradients: &mut Gradients| {
            let mut of_b = dy.clone();
            cpu::read(&a, |a| multiply_by(&mut of_b, a, |a| a))?;
            let mut of_a = dy;
            cpu::read(&b, |b| multiply_by(&mut of_a, b, |b| b))?;
            gradients.add(&a, of_a)?;
            gradients.add(&b, of_b)
        }
    }))
}

/// Every element times `factor`.
pub(crate) fn scale(xs: &Tensor, factor: f64) -> Result<Tensor> {
    Ok(tape::record(&[xs], (xs * factor)?, || {
        let xs = xs.clone();
        move |mut dy: Vec<f32>, gradients: &mut Gradients| {
            dy.iter_mut().for_each(|dy| *dy *= factor as f32);
            gradients.add(&xs, dy)
        }
    }))
}

/// The rows of `xs` `(rows, …)` at `indices`, in their order; a row may be
/// taken several times.
pub(crate) fn gather_rows(xs: &Tensor, indices: &[u32]) -> Result<Tensor> {
    let index = Tensor::from_slice(indices, indices.len(), xs.device())?;
    let ys = tape::dense(xs)?.index_select(&index, 0)?;
    Ok(tape::record(&[xs], ys, || {
        let (xs, indices) = (xs.clone(), indices.to_vec());
        move |dy: Vec<f32>, gradients: &mut Gradients| {
            let width = dy.len() / indices.len().max(1);
            gradients.with(&xs, |dx| {
                for (&row, dy) in indices.iter().zip(dy.chunks_exact(width.max(1))) {
                    let dx = &mut dx[row as usize * width..][..width];
                    dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy);
                }
                Ok(())
            })
        }
    }))
}

/// One tensor `(rows, tokens, width)` after the other, along the tokens.
pub(crate) fn join_tokens(first: &Tensor, second: &Tensor) -> Result<Tensor> {
    let joined = Tensor::cat(&[first, second], 1)?;
    Ok(tape::record(&[first, second], joined, || {
        let parts = [first.clone(), second.clone()];
        move |dy: Vec<f32>, gradients: &mut Gradients| {
            let lengths = parts.each_ref().map(|part| part.dims()[1] * part.dims()[2]);
            let mut begin = 0;
            for (part, length) in parts.iter().zip(lengths) {
                let row = lengths[0] + lengths[1];
                let of_part = dy
                    .chunks_exact(row)
                    .flat_map(|dy| &dy[begin..begin + length]);
                gradients.add(part, of_part.copied().collect())?;
                begin += length;
            }
            Ok(())
        }
    }))
}

/// `xs` `(1, …)` repeated `count` times along its first dimension.
pub(crate) fn repeat(xs: &Tensor, count: usize) -> Result<Tensor> {
    let mut dims = xs.dims().to_vec();
    dims[0] = count;
    let ys = xs.broadcast_as(dims)?.contiguous()?;
    Ok(tape::record(&[xs], ys, || {
        let xs = xs.clone();
        move |dy: Vec<f32>, gradients: &mut Gradients| gradients.with(&xs, |dx| add_each(dx, &dy))
    }))
}

/// Adds every piece of `dy` that is as long as `dx`.
pub(crate) fn add_each(dx: &mut [f32], dy: &[f32]) -> Result<()> {
    for dy in dy.chunks_exact(dx.len().max(1)) {
        dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += dy);
    }
    Ok(())
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
        let xs = tape::dense(xs)?;
        match kernels {
            Some(proof) if xs.dtype() == DType::F32 => {
                let ys = cpu::read(&xs, |xs| {
                    cpu::read(weight, |weight| {
                        cpu::read(bias, |bias| {
                            kernels::layer_norm(*proof, xs, weight, bias, *eps)
                        })
                    })
                })???;
                let ys = Tensor::from_vec(ys, xs.shape(), xs.device())?;
                Ok(self.recorded(*proof, xs, ys))
            }
            _ => candle_nn::ops::layer_norm(&xs, weight, bias, *eps),
        }
    }

    fn recorded(&self, proof: Avx512, xs: Tensor, ys: Tensor) -> Tensor {
        tape::record(&[&xs, &self.weight, &self.bias], ys, || {
            let (norm, xs) = (self.clone(), xs.clone());
            move |dy: Vec<f32>, gradients: &mut Gradients| {
                let (mut dx, mut dweight, mut dbias) = (
                    gradients.detach(&xs),
                    gradients.detach(&norm.weight),
                    gradients.detach(&norm.bias),
                );
                cpu::read(&xs, |x| {
                    cpu::read(&norm.weight, |weight| {
                        let (eps, dy) = (norm.eps, dy.as_slice());
                        let rows = NormRows { x, weight, eps, dy };
                        kernels::layer_norm_backward(
                            proof,
                            rows,
                            dx.get_or_insert_with(|| vec![0.0; x.len()]),
                            dweight.as_deref_mut(),
                            dbias.as_deref_mut(),
                        );
                    })
                })??;
                gradients.attach(&norm.bias, dbias);
                gradients.attach(&norm.weight, dweight);
                gradients.attach(&xs, dx);
                Ok(())
            }
        })
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
        let xs = tape::dense(xs)?;
        match kernels {
            Some(proof) if xs.dtype() == DType::F32 => {
                let ys = cpu::read(&xs, |xs| {
                    cpu::read(weight, |weight| kernels::rms_norm(*proof, xs, weight, *eps))
                })??;
                let ys = Tensor::from_vec(ys, xs.shape(), xs.device())?;
                Ok(self.recorded(*proof, xs, ys))
            }
            _ => candle_nn::ops::rms_norm(&xs, weight, *eps),
        }
    }

    fn recorded(&self, proof: Avx512, xs: Tensor, ys: Tensor) -> Tensor {
        tape::record(&[&xs, &self.weight], ys, || {
            let (norm, xs) = (self.clone(), xs.clone());
            move |dy: Vec<f32>, gradients: &mut Gradients| {
                let mut dx = gradients.detach(&xs);
                let mut dweight = gradients.detach(&norm.weight);
                cpu::read(&xs, |x| {
                    cpu::read(&norm.weight, |weight| {
                        let (eps, dy) = (norm.eps, dy.as_slice());
                        let rows = NormRows { x, weight, eps, dy };
                        let dx = dx.get_or_insert_with(|| vec![0.0; x.len()]);
                        kernels::rms_norm_backward(proof, rows, dx, dweight.as_deref_mut());
                    })
                })??;
                gradients.attach(&norm.weight, dweight);
                gradients.attach(&xs, dx);
                Ok(())
            }
        })
    }
}

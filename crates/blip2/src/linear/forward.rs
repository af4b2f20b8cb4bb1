//! How a linear layer is computed, for rows each of which may have an adapter of
//! its own: the frozen product once for all of them, then what the adapters add.

use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor};
use candle_nn::Module;
use kernels::Avx512;

use super::{Layer, Linear};
use crate::config::Activation;
use crate::lora::{RowAdapters, RowParts};
use crate::product::{self, Product};
use crate::{cpu, ops, tape};

/// A layer as it is for the rows of a batch. The rows are the first dimension
/// of what goes in.
pub(crate) struct ForRows<'a> {
    linear: &'a Linear,
    /// What the rows' adapters add to its results; `None` where they add
    /// nothing.
    parts: Option<RowParts<'a>>,
}

impl Linear {
    /// The layer for rows with these adapters.
    pub(crate) fn for_rows<'a>(&'a self, adapters: &'a RowAdapters) -> ForRows<'a> {
        ForRows {
            linear: self,
            parts: self.number.and_then(|number| adapters.parts(number)),
        }
    }
}

impl ForRows<'_> {
    /// `(…, in)` to `(…, out)`, in the number type of the input.
    pub(crate) fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let ys = match &self.linear.layer {
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
            Layer::Product(layer) => return self.product(layer, xs, None),
        }?;
        let ys = match &self.linear.lora {
            Some(lora) => (ys + lora.composed(xs)?)?,
            None => ys,
        };
        match &self.parts {
            Some(parts) => parts.added(xs, ys),
            None => Ok(ys),
        }
    }

    /// The same, added to `residual`.
    pub(crate) fn forward_added(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match &self.linear.layer {
            Layer::Product(layer) if residual.dtype() == DType::F32 => {
                self.product(layer, xs, Some(residual))
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
            (Some(layer), Some(proof)) => layer.forward(xs, |xs, ys| {
                self.add(xs, ys)?;
                by_kernels(proof, ys);
                Ok(())
            }),
            _ => ops::activate(activation, &self.forward(xs)?),
        }
    }

    /// The same, activated, times `up`.
    pub(super) fn forward_gating(
        &self,
        xs: &Tensor,
        activation: Activation,
        up: &Tensor,
    ) -> Result<Tensor> {
        // `up` may be trained where `xs` is not.
        let fused = self.fused(xs).filter(|_| !tape::is_watched(up));
        match (fused, Avx512::detect()) {
            (Some(layer), Some(proof)) if activation == Activation::GeluNew => {
                let up = up.contiguous()?;
                layer.forward(xs, |xs, gate| {
                    self.add(xs, gate)?;
                    cpu::read(&up, |up| kernels::gelu_tanh_times(proof, gate, up))
                })
            }
            _ => ops::gate(activation, &self.forward(xs)?, up),
        }
    }

    fn product(
        &self,
        layer: &Arc<dyn Product>,
        xs: &Tensor,
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let lora = self.linear.lora.as_ref();
        product::forward(layer, lora, xs, residual, |xs, ys| self.add(xs, ys))
    }

    /// Adds what the rows' adapters add to the results `ys` of `xs`.
    pub(super) fn add(&self, xs: &[f32], ys: &mut [f32]) -> Result<()> {
        match &self.parts {
            Some(parts) => parts.add(xs, ys),
            None => Ok(()),
        }
    }

    /// The engine's layer, if what comes after it can be computed in its place:
    /// nothing that is trained is added to it, and no gradient goes through it.
    pub(super) fn fused(&self, xs: &Tensor) -> Option<&Arc<dyn Product>> {
        match &self.linear.layer {
            Layer::Product(layer)
                if self.linear.lora.is_none() && !layer.is_trained() && !tape::is_watched(xs) =>
            {
                Some(layer)
            }
            _ => None,
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

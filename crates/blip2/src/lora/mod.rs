//! LoRA: a frozen linear layer plus a product of two narrow matrices that
//! learns (Hu et al., 2021), as `peft` has it.
//!
//! [`Lora`] learns, and is a part of its layer. [`LoadedAdapter`] has learnt, and
//! goes with the rows of a batch ([`RowAdapters`]).

mod adapter;
mod config;
mod layers;
mod loaded;
mod rows;
mod strength;
mod target_modules;

use candle_core::{DType, Result, Tensor};

pub use adapter::Adapter;
pub use config::LoraConfig;
pub(crate) use layers::{LayerNumber, LayerTable};
pub use loaded::LoadedAdapter;
pub(crate) use rows::{NO_ADAPTERS, RowAdapters, RowParts};
pub use target_modules::TargetModules;

use crate::dropout::Dropout;
use crate::parameters::PackedParameter;
use crate::tape::Gradients;
use crate::{cpu, tape};

/// What the names of the matrices end with, after that of their layer.
pub(crate) const LORA_A: &str = "lora_A";
pub(crate) const LORA_B: &str = "lora_B";

/// What is added to one linear layer: `scale · B A dropout(x)`.
#[derive(Debug)]
pub(crate) struct Lora {
    /// `(r, in)`.
    pub(crate) a: PackedParameter,
    /// `(out, r)`.
    pub(crate) b: PackedParameter,
    pub(crate) scale: f64,
    pub(crate) dropout: f64,
}

/// What the forward pass of a layer keeps for its backward pass.
pub(crate) struct Kept {
    dropout: Option<Dropout>,
    /// `scale · A dropout(x)`, `(rows, r)`.
    narrow: Vec<f32>,
}

impl Lora {
    /// The layer's part of a result, composed of candle's operations.
    pub(crate) fn composed(&self, xs: &Tensor) -> Result<Tensor> {
        let mut wide = xs.to_dtype(DType::F32)?;
        if let Some(dropout) = Dropout::next(self.dropout) {
            wide = (&wide * dropout.mask(&wide)?)?;
        }
        let narrow = wide.broadcast_matmul(&self.a.tensor().t()?)?;
        let delta = narrow.broadcast_matmul(&self.b.tensor().t()?)?;
        (delta * self.scale)?.to_dtype(xs.dtype())
    }

    /// Adds the layer's part to `y`, `(rows, out)`.
    pub(crate) fn add(&self, x: &[f32], y: &mut [f32]) -> Result<Kept> {
        let (a, b) = (self.a.packed()?, self.b.packed()?);
        let dropout = Dropout::next(self.dropout);
        let rows = x.len() / a.inputs();
        let mut narrow = vec![0f32; rows * a.outputs()];
        match dropout {
            Some(dropout) => a.multiply(&dropped(dropout, x), None, &mut narrow),
            None => a.multiply(x, None, &mut narrow),
        }
        narrow
            .iter_mut()
            .for_each(|value| *value *= self.scale as f32);
        b.multiply_add(&narrow, None, y);
        Ok(Kept { dropout, narrow })
    }

    /// Adds the gradients of the input and of both matrices, given that of the
    /// result.
    pub(crate) fn backward(
        &self,
        kept: &Kept,
        xs: &Tensor,
        dy: &[f32],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let proof = tape::processor()?;
        let (a, b) = (self.a.packed()?, self.b.packed()?);
        let (rank, rows) = (a.outputs(), kept.narrow.len() / a.outputs().max(1));
        gradients.with(self.b.tensor(), |db| {
            kernels::add_weight_gradient(proof, &kept.narrow, dy, rank, db);
            Ok(())
        })?;
        let mut of_narrow = vec![0f32; rows * rank];
        b.multiply_transposed(dy, false, &mut of_narrow);
        of_narrow
            .iter_mut()
            .for_each(|value| *value *= self.scale as f32);
        cpu::read(xs, |x| {
            gradients.with(self.a.tensor(), |da| {
                let dropped = kept.dropout.map(|dropout| dropped(dropout, x));
                let x = dropped.as_deref().unwrap_or(x);
                kernels::add_weight_gradient(proof, x, &of_narrow, a.inputs(), da);
                Ok(())
            })
        })??;
        gradients.product(xs, |adds, dx| {
            match kept.dropout {
                None => a.multiply_transposed(&of_narrow, adds, dx),
                Some(dropout) => {
                    let mut of_dropped = vec![0f32; dx.len()];
                    a.multiply_transposed(&of_narrow, false, &mut of_dropped);
                    dropout.add_gradient(&of_dropped, dx);
                }
            }
            Ok(())
        })
    }
}

fn dropped(dropout: Dropout, x: &[f32]) -> Vec<f32> {
    let mut dropped = vec![0f32; x.len()];
    dropout.apply(x, &mut dropped);
    dropped
}

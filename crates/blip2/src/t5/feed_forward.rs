//! T5's feed-forward layer, plain or gated.

use candle_core::{DType, Result, Tensor};

use crate::config::{Activation, T5Config};
use crate::linear::{self, Linear};
use crate::lora::RowAdapters;
use crate::weights::Weights;

/// `DenseReluDense`, named after its first form.
#[derive(Debug, Clone)]
pub(super) struct FeedForward {
    wi: Inner,
    wo: Linear,
    activation: Activation,
}

#[derive(Debug, Clone)]
enum Inner {
    Plain { wi: Linear },
    Gated { wi_0: Linear, wi_1: Linear },
}

impl FeedForward {
    pub(super) fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        let (model, inner) = (config.d_model, config.d_ff);
        let first = |name| Linear::new(model, inner, false, vb.pp(name));
        let wi = if config.feed_forward_proj.gated {
            Inner::Gated {
                wi_0: first("wi_0")?,
                wi_1: first("wi_1")?,
            }
        } else {
            Inner::Plain { wi: first("wi")? }
        };
        // What `wo` sums up leaves the range of f16: transformers keeps it
        // in f32 (`_keep_in_fp32_modules`).
        let wo = match vb.dtype() {
            DType::F16 => vb.pp("wo").to_dtype(DType::F32),
            _ => vb.pp("wo"),
        };
        Ok(Self {
            wi,
            wo: Linear::new(inner, model, false, wo)?,
            activation: config.feed_forward_proj.activation,
        })
    }

    /// The layer's output added to `residual`.
    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        residual: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        let inner = match &self.wi {
            Inner::Plain { wi } => wi
                .for_rows(adapters)
                .forward_activated(hidden, self.activation)?,
            Inner::Gated { wi_0, wi_1 } => {
                linear::forward_gated([wi_0, wi_1], hidden, self.activation, adapters)?
            }
        };
        self.wo.for_rows(adapters).forward_added(&inner, residual)
    }
}

//! Multi-head attention as T5 has it: no bias, no scaling, a position bias.

use candle_core::{Result, Tensor};
use kernels::Avx512;

use crate::attention::attention;
use crate::config::T5Config;
use crate::linear::Linear;
use crate::lora::RowAdapters;
use crate::tape;
use crate::weights::Weights;

/// `SelfAttention` or `EncDecAttention`.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    num_heads: usize,
    d_kv: usize,
    kernels: Option<Avx512>,
}

/// Keys and values, `(rows, heads, tokens, d_kv)` each.
#[derive(Debug, Clone)]
pub(super) struct KeyValues {
    pub(super) key: Tensor,
    pub(super) value: Tensor,
}

impl Attention {
    pub(super) fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        let (model, inner) = (config.d_model, config.inner_dim());
        Ok(Self {
            q: Linear::new(model, inner, false, vb.pp("q"))?,
            k: Linear::new(model, inner, false, vb.pp("k"))?,
            v: Linear::new(model, inner, false, vb.pp("v"))?,
            o: Linear::new(inner, model, false, vb.pp("o"))?,
            num_heads: config.num_heads,
            d_kv: config.d_kv,
            kernels: vb.plan().kernels(),
        })
    }

    /// The keys and values of what is attended, `(batch, tokens, d_model)`.
    pub(super) fn key_values(
        &self,
        attended: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<KeyValues> {
        #[cfg(test)]
        super::counted::key_values(attended);
        let (k, v) = (self.k.for_rows(adapters), self.v.for_rows(adapters));
        Ok(KeyValues {
            key: self.split_heads(k.forward(attended)?)?,
            value: self.split_heads(v.forward(attended)?)?,
        })
    }

    /// Hidden states `(batch, queries, d_model)` over keys and values; `biases`
    /// are added to the scores `(batch, heads, queries, keys)`, in f32, and the
    /// result to `residual`.
    pub(super) fn forward(
        &self,
        hidden: &Tensor,
        attended: &KeyValues,
        biases: &[&Tensor],
        residual: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        let query = self.split_heads(self.q.for_rows(adapters).forward(hidden)?)?;
        let operands = [&query, &attended.key, &attended.value];
        let context = attention(self.kernels, operands, 1.0, biases)?;
        self.o.for_rows(adapters).forward_added(&context, residual)
    }

    fn split_heads(&self, xs: Tensor) -> Result<Tensor> {
        let (batch, tokens, _) = xs.dims3()?;
        let heads = xs
            .reshape((batch, tokens, self.num_heads, self.d_kv))?
            .transpose(1, 2)?;
        Ok(tape::alias(heads, &xs))
    }
}

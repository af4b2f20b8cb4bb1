//! Multi-head attention as T5 has it: no bias, no scaling, a position bias.

use candle_core::{Result, Tensor};
use kernels::Avx512;

use crate::attention::attention;
use crate::config::T5Config;
use crate::linear::{self, Linear};
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

    /// The queries of hidden states `(batch, tokens, d_model)`, and the keys and
    /// values that they see in each other.
    pub(super) fn project(
        &self,
        hidden: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<(Tensor, KeyValues)> {
        #[cfg(test)]
        super::counted::key_values(hidden);
        // The order in which they are trained: dropout draws in it, and gradients
        // are summed up against it.
        let layers = [&self.k, &self.v, &self.q];
        let [key, value, query] = linear::forward_each(layers, hidden, adapters)?;
        Ok((self.split_heads(&query)?, self.split(&key, &value)?))
    }

    /// The queries alone, `(batch, heads, tokens, d_kv)`.
    pub(super) fn query(&self, hidden: &Tensor, adapters: &RowAdapters) -> Result<Tensor> {
        self.split_heads(&self.q.for_rows(adapters).forward(hidden)?)
    }

    /// The keys and values that each of some attentions sees in the same hidden
    /// states `(batch, tokens, d_model)`.
    pub(super) fn key_values_of_each(
        attentions: &[&Self],
        attended: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<Vec<KeyValues>> {
        let layers: Vec<&Linear> = attentions
            .iter()
            .flat_map(|attention| [&attention.k, &attention.v])
            .collect();
        let projected = linear::forward_all(&layers, attended, adapters)?;
        let (pairs, _) = projected.as_chunks::<2>();
        let each = attentions
            .iter()
            .zip(pairs)
            .map(|(attention, [key, value])| {
                #[cfg(test)]
                super::counted::key_values(attended);
                attention.split(key, value)
            });
        each.collect()
    }

    /// Queries over keys and values; `biases` are added to the scores
    /// `(batch, heads, queries, keys)`, in f32, and the result to `residual`.
    pub(super) fn attend(
        &self,
        query: &Tensor,
        attended: &KeyValues,
        biases: &[&Tensor],
        residual: &Tensor,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        let operands = [query, &attended.key, &attended.value];
        let context = attention(self.kernels, operands, 1.0, biases)?;
        self.o.for_rows(adapters).forward_added(&context, residual)
    }

    fn split(&self, key: &Tensor, value: &Tensor) -> Result<KeyValues> {
        Ok(KeyValues {
            key: self.split_heads(key)?,
            value: self.split_heads(value)?,
        })
    }

    fn split_heads(&self, xs: &Tensor) -> Result<Tensor> {
        let (batch, tokens, _) = xs.dims3()?;
        let heads = xs
            .reshape((batch, tokens, self.num_heads, self.d_kv))?
            .transpose(1, 2)?;
        Ok(tape::alias(heads, xs))
    }
}

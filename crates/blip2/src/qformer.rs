//! The Q-Former: `Blip2QFormerModel` of `transformers`, asked by the learned
//! queries alone (BLIP-2 gives it no text).

use candle_core::{Result, Tensor};
use kernels::Avx512;

use crate::attention::attention;
use crate::config::{Activation, QFormerConfig};
use crate::linear::{self, Linear};
use crate::lora::NO_ADAPTERS;
use crate::ops::LayerNorm;
use crate::tape;
use crate::weights::Weights;

/// Learned queries to what they found in a picture.
#[derive(Debug, Clone)]
pub struct QFormer {
    layernorm: LayerNorm,
    layers: Vec<Layer>,
}

impl QFormer {
    /// Loads the Q-Former from under `qformer`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn new(config: &QFormerConfig, vb: Weights) -> Result<Self> {
        let layers = vb.pp("encoder").pp("layer");
        Ok(Self {
            layernorm: LayerNorm::new(
                config.hidden_size,
                config.layer_norm_eps,
                vb.pp("layernorm"),
            )?,
            layers: (0..config.num_hidden_layers)
                .map(|index| Layer::new(config, index, layers.pp(index)))
                .collect::<Result<_>>()?,
        })
    }

    /// Queries `(batch, queries, hidden)` and the vision encoder's hidden
    /// states `(batch, tokens, encoder_hidden)` to `(batch, queries, hidden)`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, query_embeds: &Tensor, image_embeds: &Tensor) -> Result<Tensor> {
        let mut hidden = self.layernorm.forward(query_embeds)?;
        for layer in &self.layers {
            hidden = layer.forward(&hidden, image_embeds)?;
        }
        Ok(hidden)
    }
}

#[derive(Debug, Clone)]
struct Layer {
    attention: Attention,
    crossattention: Option<Attention>,
    intermediate_query: Linear,
    output_query: Output,
    activation: Activation,
}

impl Layer {
    fn new(config: &QFormerConfig, index: usize, vb: Weights) -> Result<Self> {
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        let looks = index.is_multiple_of(config.cross_attention_frequency);
        let crossattention = looks
            .then(|| Attention::new(config, config.encoder_hidden_size, vb.pp("crossattention")))
            .transpose()?;
        Ok(Self {
            attention: Attention::new(config, hidden, vb.pp("attention"))?,
            crossattention,
            intermediate_query: Linear::new(
                hidden,
                intermediate,
                true,
                vb.pp("intermediate_query").pp("dense"),
            )?,
            output_query: Output::new(config, intermediate, vb.pp("output_query"))?,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, hidden: &Tensor, image_embeds: &Tensor) -> Result<Tensor> {
        let mut hidden = self.attention.forward(hidden, None)?;
        if let Some(crossattention) = &self.crossattention {
            hidden = crossattention.forward(&hidden, Some(image_embeds))?;
        }
        let inner = self
            .intermediate_query
            .forward_activated(&hidden, self.activation)?;
        self.output_query.forward(&inner, &hidden)
    }
}

/// `attention` and `crossattention`: multi-head attention with its output
/// layer, residual and norm.
#[derive(Debug, Clone)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Output,
    num_heads: usize,
    kernels: Option<Avx512>,
}

impl Attention {
    fn new(config: &QFormerConfig, key_size: usize, vb: Weights) -> Result<Self> {
        let hidden = config.hidden_size;
        let inner = vb.pp("attention");
        Ok(Self {
            query: Linear::new(hidden, hidden, true, inner.pp("query"))?,
            key: Linear::new(key_size, hidden, true, inner.pp("key"))?,
            value: Linear::new(key_size, hidden, true, inner.pp("value"))?,
            output: Output::new(config, hidden, vb.pp("output"))?,
            num_heads: config.num_attention_heads,
            kernels: vb.plan().kernels(),
        })
    }

    /// Hidden states over `attended`, without it over each other.
    fn forward(&self, hidden: &Tensor, attended: Option<&Tensor>) -> Result<Tensor> {
        let (batch, _, width) = hidden.dims3()?;
        let head_dim = width / self.num_heads;
        let heads = |xs: Tensor| {
            let heads = xs
                .reshape((batch, (), self.num_heads, head_dim))?
                .transpose(1, 2)?;
            Ok::<_, candle_core::Error>(tape::alias(heads, &xs))
        };
        let (query, key, value) = (&self.query, &self.key, &self.value);
        let [query, key, value] = match attended {
            None => linear::forward_each([query, key, value], hidden, &NO_ADAPTERS)?,
            Some(attended) => {
                let query = query.forward(hidden)?;
                let [key, value] = linear::forward_each([key, value], attended, &NO_ADAPTERS)?;
                [query, key, value]
            }
        };
        let (query, key, value) = (heads(query)?, heads(key)?, heads(value)?);
        let scale = (head_dim as f64).powf(-0.5);
        let context = attention(self.kernels, [&query, &key, &value], scale, &[])?;
        self.output.forward(&context, hidden)
    }
}

/// A linear layer, the residual, then the norm.
#[derive(Debug, Clone)]
struct Output {
    dense: Linear,
    layer_norm: LayerNorm,
}

impl Output {
    fn new(config: &QFormerConfig, inputs: usize, vb: Weights) -> Result<Self> {
        let hidden = config.hidden_size;
        Ok(Self {
            dense: Linear::new(inputs, hidden, true, vb.pp("dense"))?,
            layer_norm: LayerNorm::new(hidden, config.layer_norm_eps, vb.pp("LayerNorm"))?,
        })
    }

    fn forward(&self, xs: &Tensor, residual: &Tensor) -> Result<Tensor> {
        self.layer_norm
            .forward(&self.dense.forward_added(xs, residual)?)
    }
}

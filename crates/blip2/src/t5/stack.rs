//! The two stacks of T5: encoder and decoder.

use candle_core::{DType, Result, Tensor};

use super::attention::{Attention, KeyValues};
use super::cache::{BlockCache, DecoderCache};
use super::feed_forward::FeedForward;
use super::position_bias::PositionBias;
use crate::config::T5Config;
use crate::lora::RowAdapters;
use crate::ops::RmsNorm;
use crate::tape;
use crate::weights::Weights;

/// The largest value that a hidden state keeps in f16; transformers clamps
/// there (the type's maximum less 1,000) so that no infinity arises.
const F16_CLAMP: f64 = 64504.0;

#[derive(Debug, Clone)]
pub(super) struct Encoder {
    block: Vec<EncoderBlock>,
    position_bias: PositionBias,
    final_layer_norm: RmsNorm,
}

impl Encoder {
    pub(super) fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        let blocks = vb.pp("block");
        Ok(Self {
            block: (0..config.num_layers)
                .map(|index| EncoderBlock::new(config, blocks.pp(index).pp("layer")))
                .collect::<Result<_>>()?,
            position_bias: PositionBias::new(config, true, first_attention(&blocks))?,
            final_layer_norm: norm(config, vb.pp("final_layer_norm"))?,
        })
    }

    pub(super) fn forward(
        &self,
        inputs_embeds: &Tensor,
        padding: Option<&Tensor>,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        let tokens = inputs_embeds.dim(1)?;
        let bias = self.position_bias.forward(0, tokens, tokens)?;
        let biases: Vec<&Tensor> = std::iter::once(&bias).chain(padding).collect();
        let mut hidden = inputs_embeds.clone();
        for block in &self.block {
            hidden = block.forward(&hidden, &biases, adapters)?;
        }
        self.final_layer_norm.forward(&hidden)
    }
}

#[derive(Debug, Clone)]
struct EncoderBlock {
    self_attention: SelfAttention,
    feed_forward: Residual<FeedForward>,
}

impl EncoderBlock {
    fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        Ok(Self {
            self_attention: SelfAttention::new(config, vb.pp(0))?,
            feed_forward: feed_forward(config, vb.pp(1))?,
        })
    }

    fn forward(
        &self,
        hidden: &Tensor,
        biases: &[&Tensor],
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        let hidden = self
            .self_attention
            .forward(hidden, biases, None, adapters)?;
        self.feed_forward
            .forward(&hidden, |inner, normed, residual| {
                inner.forward(normed, residual, adapters)
            })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Decoder {
    block: Vec<DecoderBlock>,
    position_bias: PositionBias,
    final_layer_norm: RmsNorm,
}

impl Decoder {
    pub(super) fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        let blocks = vb.pp("block");
        Ok(Self {
            block: (0..config.num_decoder_layers())
                .map(|index| DecoderBlock::new(config, blocks.pp(index).pp("layer")))
                .collect::<Result<_>>()?,
            position_bias: PositionBias::new(config, false, first_attention(&blocks))?,
            final_layer_norm: norm(config, vb.pp("final_layer_norm"))?,
        })
    }

    pub(super) fn start(
        &self,
        encoder_hidden: &Tensor,
        padding: Option<&Tensor>,
        adapters: RowAdapters,
    ) -> Result<DecoderCache> {
        let attentions = self.block.iter().map(|block| &block.cross_attention.inner);
        let attentions: Vec<&Attention> = attentions.collect();
        let cross_attention =
            Attention::key_values_of_each(&attentions, encoder_hidden, &adapters)?;
        DecoderCache::new(cross_attention, encoder_hidden, padding, adapters)
    }

    pub(super) fn forward(
        &self,
        inputs_embeds: &Tensor,
        cache: &mut DecoderCache,
    ) -> Result<Tensor> {
        let new = inputs_embeds.dim(1)?;
        let length = cache.length + new;
        let bias = self.position_bias.forward(cache.length, new, length)?;
        let bias = if new > 1 {
            let causal = causal_bias(cache.length, new, inputs_embeds)?;
            tape::alias(bias.broadcast_add(&causal)?, &bias)
        } else {
            bias
        };
        cache.length = length;
        self.forward_with_bias(inputs_embeds, &bias, cache)
    }

    /// Embeddings `(rows, new, d_model)` to hidden states of the same shape;
    /// `bias` `(rows or 1, heads, new, written + new)` says what each sees of
    /// what was written and of the new ones.
    pub(super) fn forward_with_bias(
        &self,
        inputs_embeds: &Tensor,
        bias: &Tensor,
        cache: &mut DecoderCache,
    ) -> Result<Tensor> {
        let rows = Rows {
            padding: cache.padding.as_ref(),
            adapters: &cache.adapters,
        };
        let mut hidden = inputs_embeds.clone();
        for (block, block_cache) in self.block.iter().zip(&mut cache.blocks) {
            hidden = block.forward(&hidden, bias, &rows, block_cache)?;
        }
        self.final_layer_norm.forward(&hidden)
    }

    /// The bias `(rows, heads, queries, keys)` of distances: how far each key
    /// lies before each query; `None` where the query does not see it.
    pub(super) fn bias_of_distances(
        &self,
        distances: &[Option<usize>],
        shape: (usize, usize, usize),
    ) -> Result<Tensor> {
        let bias = self.position_bias.of_distances(distances, shape)?;
        let hidden = distances
            .iter()
            .map(|distance| if distance.is_some() { 0.0 } else { f32::MIN })
            .collect();
        let (rows, queries, keys) = shape;
        let hidden = Tensor::from_vec(hidden, (rows, 1, queries, keys), bias.device())?;
        bias.broadcast_add(&hidden)
    }
}

/// What hides later tokens from `new` ones after `past`, `(1, 1, new, past + new)`.
fn causal_bias(past: usize, new: usize, like: &Tensor) -> Result<Tensor> {
    let keys = past + new;
    let hidden: Vec<f32> = (0..new)
        .flat_map(|query| (0..keys).map(move |key| if key > past + query { f32::MIN } else { 0.0 }))
        .collect();
    Tensor::from_vec(hidden, (1, 1, new, keys), like.device())
}

/// What all decoder blocks are told about the rows.
struct Rows<'a> {
    /// What hides padding from the cross-attention.
    padding: Option<&'a Tensor>,
    adapters: &'a RowAdapters,
}

#[derive(Debug, Clone)]
struct DecoderBlock {
    self_attention: SelfAttention,
    cross_attention: Residual<Attention>,
    feed_forward: Residual<FeedForward>,
}

impl DecoderBlock {
    fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        let cross = vb.pp(1);
        Ok(Self {
            self_attention: SelfAttention::new(config, vb.pp(0))?,
            cross_attention: Residual {
                inner: Attention::new(config, cross.pp("EncDecAttention"))?,
                layer_norm: norm(config, cross.pp("layer_norm"))?,
            },
            feed_forward: feed_forward(config, vb.pp(2))?,
        })
    }

    fn forward(
        &self,
        hidden: &Tensor,
        bias: &Tensor,
        rows: &Rows,
        cache: &mut BlockCache,
    ) -> Result<Tensor> {
        let adapters = rows.adapters;
        let written = Some(&mut cache.self_attention);
        let hidden = self
            .self_attention
            .forward(hidden, &[bias], written, adapters)?;
        let padding: Vec<&Tensor> = rows.padding.into_iter().collect();
        let attended = &cache.cross_attention;
        let hidden = self
            .cross_attention
            .forward(&hidden, |inner, normed, residual| {
                let query = inner.query(normed, adapters)?;
                inner.attend(&query, attended, &padding, residual, adapters)
            })?;
        self.feed_forward
            .forward(&hidden, |inner, normed, residual| {
                inner.forward(normed, residual, adapters)
            })
    }
}

#[derive(Debug, Clone)]
struct SelfAttention(Residual<Attention>);

impl SelfAttention {
    fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        Ok(Self(Residual {
            inner: Attention::new(config, vb.pp("SelfAttention"))?,
            layer_norm: norm(config, vb.pp("layer_norm"))?,
        }))
    }

    /// With `written`, the new tokens attend to what was written before as
    /// well, and are added to it.
    fn forward(
        &self,
        hidden: &Tensor,
        biases: &[&Tensor],
        written: Option<&mut Option<KeyValues>>,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        self.0.forward(hidden, |inner, normed, residual| {
            let (query, new) = inner.project(normed, adapters)?;
            let Some(written) = written else {
                return inner.attend(&query, &new, biases, residual, adapters);
            };
            let all = match written.take() {
                Some(past) => KeyValues {
                    key: Tensor::cat(&[&past.key, &new.key], 2)?,
                    value: Tensor::cat(&[&past.value, &new.value], 2)?,
                },
                None => new,
            };
            let attended = inner.attend(&query, &all, biases, residual, adapters);
            *written = Some(all);
            attended
        })
    }
}

/// `hidden + inner(norm(hidden))`; what is applied is given both and adds
/// them.
#[derive(Debug, Clone)]
struct Residual<T> {
    inner: T,
    layer_norm: RmsNorm,
}

impl<T> Residual<T> {
    fn forward(
        &self,
        hidden: &Tensor,
        apply: impl FnOnce(&T, &Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let sum = apply(&self.inner, &self.layer_norm.forward(hidden)?, hidden)?;
        if sum.dtype() == DType::F16 {
            sum.clamp(-F16_CLAMP, F16_CLAMP)
        } else {
            Ok(sum)
        }
    }
}

fn feed_forward(config: &T5Config, vb: Weights) -> Result<Residual<FeedForward>> {
    Ok(Residual {
        inner: FeedForward::new(config, vb.pp("DenseReluDense"))?,
        layer_norm: norm(config, vb.pp("layer_norm"))?,
    })
}

fn norm(config: &T5Config, vb: Weights) -> Result<RmsNorm> {
    RmsNorm::new(config.d_model, config.layer_norm_epsilon, vb)
}

/// Where the first block of a stack keeps what all its blocks share.
fn first_attention<'a>(blocks: &Weights<'a>) -> Weights<'a> {
    blocks.pp(0).pp("layer").pp(0).pp("SelfAttention")
}

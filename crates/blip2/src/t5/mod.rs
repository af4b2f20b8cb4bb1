//! The language model: `T5ForConditionalGeneration` of `transformers`.

mod attention;
mod cache;
#[cfg(test)]
pub(crate) mod counted;
mod feed_forward;
mod position_bias;
mod stack;
mod tree;

use candle_core::{DType, Result, Tensor};

pub use cache::DecoderCache;
pub(crate) use tree::{Ancestors, TreeNode, TreeRun};

use crate::config::T5Config;
use crate::embedding::Embedding;
use crate::linear::Linear;
use crate::lora::{NO_ADAPTERS, RowAdapters};
use crate::weights::Weights;
use crate::{ops, tape};
use stack::{Decoder, Encoder};

/// Encoder, decoder and head around one shared embedding.
#[derive(Debug, Clone)]
pub struct T5 {
    shared: Embedding,
    encoder: Encoder,
    decoder: Decoder,
    lm_head: Linear,
    output_scale: Option<f64>,
    dtype: DType,
}

impl T5 {
    /// Loads the model from under `language_model`.
    ///
    /// A stored `lm_head.weight` is the head, whatever
    /// `tie_word_embeddings` says; without one the embedding is.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn new(config: &T5Config, vb: Weights) -> Result<Self> {
        const LM_HEAD: &str = "lm_head.weight";
        const SHARED: &str = "shared.weight";
        let shape = (config.vocab_size, config.d_model);
        let table = || vb.pp("shared").embedding(shape, "weight");
        let (shared, lm_head, output_scale) = if vb.contains_tensor(LM_HEAD) {
            // One that is tied and stored as well stays tied in training.
            let ties = config.tie_word_embeddings && vb.trains_equal(shape, LM_HEAD, SHARED)?;
            let head = vb.pp(if ties { "shared" } else { "lm_head" });
            (table()?, head.linear(shape, "weight", None)?, None)
        } else {
            let lm_head = vb.pp("shared").tied_linear(shape, "weight", None)?;
            // A gradient needs to know which of the two it came from.
            let own = lm_head.as_table().filter(|_| !vb.is_training());
            let shared = own.map_or_else(table, Ok)?;
            let scale = (config.d_model as f64).powf(-0.5);
            (
                shared,
                lm_head,
                config.scales_tied_output().then_some(scale),
            )
        };
        Ok(Self {
            shared,
            encoder: Encoder::new(config, vb.pp("encoder"))?,
            decoder: Decoder::new(config, vb.pp("decoder"))?,
            lm_head,
            output_scale,
            dtype: vb.dtype(),
        })
    }

    /// Token ids `(batch, tokens)` to embeddings `(batch, tokens, d_model)`.
    ///
    /// # Errors
    /// When an id is outside the vocabulary.
    pub fn embed(&self, input_ids: &Tensor) -> Result<Tensor> {
        // The table may be kept in a narrower type.
        let embeds = match self.shared.table().filter(|table| tape::is_watched(table)) {
            Some(table) => {
                let (rows, tokens) = input_ids.dims2()?;
                let ids = input_ids.flatten_all()?.to_vec1::<u32>()?;
                let embeds = ops::gather_rows(table, &ids)?;
                tape::alias(embeds.reshape((rows, tokens, ()))?, &embeds)
            }
            None => self.shared.forward(input_ids)?,
        };
        embeds.to_dtype(self.dtype)
    }

    /// Embeddings `(batch, tokens, d_model)` to the encoder's last hidden
    /// state of the same shape. `padding` is what [`padding_bias`] makes of
    /// an attention mask; `None` where nothing is padding.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn encode(&self, inputs_embeds: &Tensor, padding: Option<&Tensor>) -> Result<Tensor> {
        self.encode_with(inputs_embeds, padding, &NO_ADAPTERS)
    }

    /// The same, each row with its adapter.
    pub(crate) fn encode_with(
        &self,
        inputs_embeds: &Tensor,
        padding: Option<&Tensor>,
        adapters: &RowAdapters,
    ) -> Result<Tensor> {
        self.encoder.forward(inputs_embeds, padding, adapters)
    }

    /// Prepares the decoder for the rows of an encoder's hidden state
    /// `(batch, tokens, d_model)`: the keys and values of every
    /// cross-attention, computed once.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn start_decoding(
        &self,
        encoder_hidden: &Tensor,
        padding: Option<&Tensor>,
    ) -> Result<DecoderCache> {
        self.start_decoding_with(encoder_hidden, padding, RowAdapters::default())
    }

    /// The same, each row with its adapter, which goes with the row from then
    /// on.
    pub(crate) fn start_decoding_with(
        &self,
        encoder_hidden: &Tensor,
        padding: Option<&Tensor>,
        adapters: RowAdapters,
    ) -> Result<DecoderCache> {
        self.decoder.start(encoder_hidden, padding, adapters)
    }

    /// The next decoder ids `(rows, new tokens)` to hidden states
    /// `(rows, new tokens, d_model)`; the cache grows by the new tokens.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn decode(&self, decoder_ids: &Tensor, cache: &mut DecoderCache) -> Result<Tensor> {
        self.decoder.forward(&self.embed(decoder_ids)?, cache)
    }

    /// Hidden states `(…, d_model)` to logits `(…, vocab_size)`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.logits_with(hidden, &NO_ADAPTERS)
    }

    /// The same for hidden states `(rows, …, d_model)`, each row with its
    /// adapter.
    pub(crate) fn logits_with(&self, hidden: &Tensor, adapters: &RowAdapters) -> Result<Tensor> {
        #[cfg(test)]
        counted::logits(hidden);
        let lm_head = self.lm_head.for_rows(adapters);
        match self.output_scale {
            Some(scale) => lm_head.forward(&ops::scale(hidden, scale)?),
            None => lm_head.forward(hidden),
        }
    }
}

/// An attention mask `(batch, tokens)` of 0 and 1 as what is added to the
/// attention scores, `(batch, 1, 1, tokens)` in f32: nothing, or enough that
/// the softmax gives exactly 0.
///
/// # Errors
/// When the mask has another rank.
pub fn padding_bias(attention_mask: &Tensor) -> Result<Tensor> {
    let mask = attention_mask
        .to_dtype(DType::F32)?
        .unsqueeze(1)?
        .unsqueeze(1)?;
    // (1 - mask) · f32::MIN, in this order so that no 0 · ∞ arises.
    (1.0 - mask)? * f64::from(f32::MIN)
}

//! The whole network: `Blip2ForConditionalGeneration` of `transformers`.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor};

use crate::config::Blip2Config;
use crate::error::Error;
use crate::linear::Linear;
use crate::lora::{LayerTable, LoadedAdapter, NO_ADAPTERS, RowAdapters};
use crate::ops;
use crate::qformer::QFormer;
use crate::t5::{DecoderCache, T5, padding_bias};
use crate::vision::VisionModel;
use crate::weights::Weights;

/// Vision encoder, Q-Former, projection and language model. It knows tensors
/// only: no text and no files.
#[derive(Debug, Clone)]
pub struct Blip2Model {
    /// The vision encoder.
    pub vision_model: VisionModel,
    /// The learned queries, `(1, queries, qformer_hidden)`.
    query_tokens: Tensor,
    /// The Q-Former.
    pub qformer: QFormer,
    language_projection: Linear,
    /// The language model.
    pub language_model: T5,
    dtype: DType,
    layers: Arc<LayerTable>,
}

impl Blip2Model {
    /// Loads all parts; the weights have the names of the published
    /// checkpoints, and the number type of `vb`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn new<'a>(config: &Blip2Config, weights: impl Into<Weights<'a>>) -> Result<Self> {
        let vb = weights.into();
        // The reference keeps the queries and the Q-Former in f32 in a
        // model of half precision (`_keep_in_fp32_modules`).
        let full = vb.to_dtype(match vb.dtype() {
            DType::F16 | DType::BF16 => DType::F32,
            other => other,
        });
        let queries = (
            1,
            config.num_query_tokens,
            config.qformer_config.hidden_size,
        );
        Ok(Self {
            vision_model: VisionModel::new(&config.vision_config, vb.pp("vision_model"))?,
            query_tokens: full.get(queries, "query_tokens")?,
            qformer: QFormer::new(&config.qformer_config, full.pp("qformer"))?,
            language_projection: Linear::new(
                config.qformer_config.hidden_size,
                config.text_config.d_model,
                true,
                vb.pp("language_projection"),
            )?,
            language_model: T5::new(&config.text_config, vb.pp("language_model"))?,
            dtype: vb.dtype(),
            layers: Arc::clone(vb.layers()),
        })
    }

    /// Its linear layers.
    pub(crate) fn layers(&self) -> &Arc<LayerTable> {
        &self.layers
    }

    /// The adapters of a batch's rows.
    ///
    /// # Errors
    /// [`Error::Adapter`] when one was made ready for another model.
    pub(crate) fn row_adapters(
        &self,
        rows: Vec<Option<Arc<LoadedAdapter>>>,
    ) -> std::result::Result<RowAdapters, Error> {
        let mut adapters = rows.iter().flatten();
        match adapters.find(|adapter| !adapter.is_for(&self.layers)) {
            Some(adapter) => Err(Error::Adapter(format!(
                "{} was loaded for another model",
                adapter.name()
            ))),
            None => Ok(RowAdapters::new(rows)),
        }
    }

    /// The number type of what is computed between the linear layers.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The vision encoder's hidden states `(images, tokens, hidden)` to the
    /// Q-Former's `(images, queries, qformer_hidden)`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn query(&self, image_embeds: &Tensor) -> Result<Tensor> {
        let images = image_embeds.dim(0)?;
        self.qformer.forward(
            &ops::repeat(&self.query_tokens, images)?,
            &image_embeds.to_dtype(self.query_tokens.dtype())?,
        )
    }

    /// The Q-Former's output to the language model's width,
    /// `(images, queries, d_model)`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn project(&self, query_output: &Tensor) -> Result<Tensor> {
        self.language_projection
            .forward(&query_output.to_dtype(self.dtype)?)
    }

    /// Pixel values `(images, 3, size, size)` to image features
    /// `(images, queries, d_model)`: everything that a picture contributes.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn encode_images(&self, pixel_values: &Tensor) -> Result<Tensor> {
        let pixel_values = pixel_values.to_dtype(self.dtype)?;
        self.project(&self.query(&self.vision_model.forward(&pixel_values)?)?)
    }

    /// Image features `(rows, queries, d_model)` followed by prompts of token
    /// ids `(rows, tokens)`, through the language model's encoder, ready to
    /// decode. `attention_mask` `(rows, tokens)` is 0 where a prompt is
    /// padding; `None` where none is.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn read_prompts(
        &self,
        image_features: &Tensor,
        input_ids: &Tensor,
        attention_mask: Option<&Tensor>,
    ) -> Result<DecoderCache> {
        let adapters = RowAdapters::default();
        self.read_prompts_with(image_features, input_ids, attention_mask, adapters)
    }

    /// The same, each row with its adapter.
    pub(crate) fn read_prompts_with(
        &self,
        image_features: &Tensor,
        input_ids: &Tensor,
        attention_mask: Option<&Tensor>,
        adapters: RowAdapters,
    ) -> Result<DecoderCache> {
        let (hidden, padding) =
            self.encode_prompts_with(image_features, input_ids, attention_mask, &adapters)?;
        self.language_model
            .start_decoding_with(&hidden, padding.as_ref(), adapters)
    }

    /// The encoder's last hidden state `(rows, queries + tokens, d_model)`
    /// for the same arguments, with what hides its padding.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn encode_prompts(
        &self,
        image_features: &Tensor,
        input_ids: &Tensor,
        attention_mask: Option<&Tensor>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        self.encode_prompts_with(image_features, input_ids, attention_mask, &NO_ADAPTERS)
    }

    fn encode_prompts_with(
        &self,
        image_features: &Tensor,
        input_ids: &Tensor,
        attention_mask: Option<&Tensor>,
        adapters: &RowAdapters,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let embeds = self.language_model.embed(input_ids)?;
        let embeds = ops::join_tokens(image_features, &embeds)?;
        let padding = attention_mask
            .map(|mask| {
                let (rows, queries) = (image_features.dim(0)?, image_features.dim(1)?);
                let seen = Tensor::ones((rows, queries), mask.dtype(), mask.device())?;
                padding_bias(&Tensor::cat(&[&seen, mask], 1)?)
            })
            .transpose()?;
        let hidden = self
            .language_model
            .encode_with(&embeds, padding.as_ref(), adapters)?;
        Ok((hidden, padding))
    }
}

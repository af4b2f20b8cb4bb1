//! The rows that are being written, one a running sequence.

use candle_core::{DType, Tensor};

use super::SpecialIds;
use crate::error::Error;
use crate::model::Blip2Model;
use crate::t5::DecoderCache;

/// Decoder rows and their cache.
pub(super) struct Rows<'a> {
    model: &'a Blip2Model,
    cache: DecoderCache,
    device: candle_core::Device,
    count: usize,
}

impl<'a> Rows<'a> {
    /// One row a prompt, the prompts padded to the longest and read at once.
    pub(super) fn start(
        model: &'a Blip2Model,
        image_features: &Tensor,
        prompts: &[Vec<u32>],
        special: &SpecialIds,
    ) -> Result<Self, Error> {
        let device = image_features.device().clone();
        let (count, longest) = (
            prompts.len(),
            prompts.iter().map(Vec::len).max().unwrap_or_default(),
        );
        let mut ids = Vec::with_capacity(count * longest);
        let mut mask = Vec::with_capacity(count * longest);
        for prompt in prompts {
            ids.extend_from_slice(prompt);
            ids.resize(ids.len() + longest - prompt.len(), special.pad);
            mask.resize(mask.len() + prompt.len(), 1u32);
            mask.resize(ids.len(), 0u32);
        }
        let padded = mask.contains(&0);
        let ids = Tensor::from_vec(ids, (count, longest), &device)?;
        let mask = Tensor::from_vec(mask, (count, longest), &device)?;
        let (_, queries, width) = image_features.dims3()?;
        let features = image_features
            .broadcast_as((count, queries, width))?
            .contiguous()?;
        let cache = model.read_prompts(&features, &ids, padded.then_some(&mask))?;
        Ok(Self {
            model,
            cache,
            device,
            count,
        })
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Appends one token to each row and returns each row's logits for the
    /// token after it.
    pub(super) fn advance(&mut self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let language_model = &self.model.language_model;
        let ids = Tensor::from_slice(tokens, (self.count, 1), &self.device)?;
        let hidden = language_model.decode(&ids, &mut self.cache)?;
        let logits = language_model
            .logits(&hidden)?
            .squeeze(1)?
            .to_dtype(DType::F32)?;
        let logits: Vec<Vec<f32>> = logits.to_vec2()?;
        if logits
            .iter()
            .any(|row| row.iter().any(|logit| logit.is_nan()))
        {
            return Err(Error::NotANumber);
        }
        Ok(logits)
    }

    /// Row `i` becomes what row `rows[i]` was.
    pub(super) fn select(&mut self, rows: &[u32]) -> Result<(), Error> {
        self.cache.select_rows(rows)?;
        self.count = rows.len();
        Ok(())
    }

    /// The same where each row keeps its prompt.
    pub(super) fn reorder(&mut self, rows: &[u32]) -> Result<(), Error> {
        Ok(self.cache.reorder(rows)?)
    }
}

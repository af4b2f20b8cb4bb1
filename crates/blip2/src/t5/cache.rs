//! What the decoder keeps from token to token.

use candle_core::{Device, Result, Tensor};

use super::attention::KeyValues;
use crate::lora::RowAdapters;

/// What the decoder keeps between tokens: one row for each sequence it writes.
#[derive(Debug, Clone)]
pub struct DecoderCache {
    pub(super) blocks: Vec<BlockCache>,
    /// What hides padding from the cross-attention, `(rows, 1, 1, tokens)`.
    pub(super) padding: Option<Tensor>,
    /// The adapter of each row.
    pub(super) adapters: RowAdapters,
    /// How many decoder tokens are in the cache.
    pub(super) length: usize,
    rows: usize,
    device: Device,
}

/// One block's part of it.
#[derive(Debug, Clone)]
pub(super) struct BlockCache {
    /// Of what was written; `None` before the first token.
    pub(super) self_attention: Option<KeyValues>,
    /// Of the encoder's hidden states.
    pub(super) cross_attention: KeyValues,
}

impl DecoderCache {
    /// Nothing written yet over the encoder's hidden state
    /// `(rows, tokens, d_model)`.
    pub(super) fn new(
        cross_attention: Vec<KeyValues>,
        encoder_hidden: &Tensor,
        padding: Option<&Tensor>,
        adapters: RowAdapters,
    ) -> Result<Self> {
        let block = |cross_attention| BlockCache {
            self_attention: None,
            cross_attention,
        };
        Ok(Self {
            blocks: cross_attention.into_iter().map(block).collect(),
            padding: padding.cloned(),
            adapters,
            length: 0,
            rows: encoder_hidden.dim(0)?,
            device: encoder_hidden.device().clone(),
        })
    }

    /// Makes row `i` a copy of what row `rows[i]` was: drops finished
    /// sequences, repeats or reorders others.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn select_rows(&mut self, rows: &[u32]) -> Result<()> {
        if self.is_as_it_is(rows) {
            return Ok(());
        }
        for block in &mut self.blocks {
            select(&mut block.cross_attention, rows)?;
        }
        if let Some(padding) = &mut self.padding {
            *padding = padding.index_select(&index(rows, padding)?, 0)?;
        }
        self.reorder(rows)?;
        self.adapters = self.adapters.select(rows);
        self.rows = rows.len();
        Ok(())
    }

    /// The same for what was written only: for rows that answer the same
    /// prompt, as the beams of one search do.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn reorder(&mut self, rows: &[u32]) -> Result<()> {
        if self.is_as_it_is(rows) {
            return Ok(());
        }
        for block in &mut self.blocks {
            if let Some(written) = &mut block.self_attention {
                select(written, rows)?;
            }
        }
        Ok(())
    }

    /// Some rows as a cache of their own.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn rows(&self, rows: &[u32]) -> Result<Self> {
        let mut selected = self.clone();
        selected.select_rows(rows)?;
        Ok(selected)
    }

    /// The adapter of each row.
    pub(crate) fn adapters(&self) -> &RowAdapters {
        &self.adapters
    }

    /// Where it lies.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Replaces what was written in each block.
    pub(super) fn write(&mut self, block: impl Fn(usize) -> Result<KeyValues>) -> Result<()> {
        for (index, cache) in self.blocks.iter_mut().enumerate() {
            cache.self_attention = Some(block(index)?);
        }
        Ok(())
    }

    /// What was written in a row, in each block.
    pub(super) fn written(&self, row: usize) -> Result<Vec<KeyValues>> {
        let written = self
            .blocks
            .iter()
            .filter_map(|block| block.self_attention.as_ref());
        written
            .map(|written| {
                Ok(KeyValues {
                    key: written.key.narrow(0, row, 1)?,
                    value: written.value.narrow(0, row, 1)?,
                })
            })
            .collect()
    }

    fn is_as_it_is(&self, rows: &[u32]) -> bool {
        rows.len() == self.rows && rows.iter().zip(0..).all(|(&row, index)| row == index)
    }
}

fn index(rows: &[u32], like: &Tensor) -> Result<Tensor> {
    Tensor::from_slice(rows, rows.len(), like.device())
}

fn select(key_values: &mut KeyValues, rows: &[u32]) -> Result<()> {
    let rows = index(rows, &key_values.key)?;
    key_values.key = key_values.key.contiguous()?.index_select(&rows, 0)?;
    key_values.value = key_values.value.contiguous()?.index_select(&rows, 0)?;
    Ok(())
}

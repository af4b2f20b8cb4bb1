//! The table of rows that token ids select.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result, Tensor};
use candle_nn::Module;
use half::f16;

use crate::engine::Quantization;
use crate::product::Product;
use crate::quantize::quantize_rows;

/// A table `(rows, width)` in the form that takes the least memory within what
/// the model's numbers are held in.
#[derive(Debug, Clone)]
pub(crate) enum Embedding {
    /// As numbers.
    Dense(candle_nn::Embedding),
    /// As ggml's Q8_0, of which a row is decoded when it is asked for.
    Blocks(Arc<Blocks>),
    /// The weight of a linear layer, whose rows can be read back.
    OfLayer(Arc<dyn Product>),
}

#[derive(Debug)]
pub(crate) struct Blocks {
    table: QTensor,
    width: usize,
}

/// Bytes of a Q8_0 block: an f16 scale and 32 values of 8 bits.
const BLOCK_BYTES: usize = 34;

impl Embedding {
    /// A table of numbers as it is.
    pub(crate) fn dense(table: Tensor) -> Result<Self> {
        let width = table.dim(1)?;
        Ok(Self::Dense(candle_nn::Embedding::new(table, width)))
    }

    /// A table of numbers in blocks of 8 bits, whatever the linear layers
    /// have: a row is looked up, not multiplied, so that fewer bits would
    /// change answers and save little.
    pub(crate) fn quantised(table: &Tensor) -> Result<Self> {
        let width = table.dim(1)?;
        let table = quantize_rows(table, Quantization::Q8_0)?;
        Ok(Self::Blocks(Arc::new(Blocks { table, width })))
    }

    /// The table where it is held as numbers of its own.
    pub(crate) fn table(&self) -> Option<&Tensor> {
        match self {
            Self::Dense(table) => Some(table.embeddings()),
            Self::Blocks(_) | Self::OfLayer(_) => None,
        }
    }

    /// Ids of any shape `(…)` to rows `(…, width)`.
    pub(crate) fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(table) => table.forward(ids),
            Self::Blocks(blocks) => {
                let (count, _) = blocks.table.shape().dims2()?;
                look_up(ids, (count, blocks.width), |id, row| {
                    blocks.read_row(id, row)
                })
            }
            Self::OfLayer(layer) => {
                let Some(weight) = layer.readable_rows() else {
                    candle_core::bail!("the layer's rows cannot be read back");
                };
                look_up(ids, (weight.outputs(), weight.inputs()), |id, row| {
                    weight.read_row(id, row);
                    Ok(())
                })
            }
        }
    }
}

/// Ids `(…)` to rows `(…, width)` of a table that `read` reads one row of.
fn look_up(
    ids: &Tensor,
    (count, width): (usize, usize),
    read: impl Fn(usize, &mut [f32]) -> Result<()>,
) -> Result<Tensor> {
    let mut dims = ids.dims().to_vec();
    dims.push(width);
    let ids = ids.flatten_all()?.to_vec1::<u32>()?;
    let mut rows = vec![0f32; ids.len() * width];
    for (id, row) in ids.iter().zip(rows.chunks_exact_mut(width)) {
        let id = *id as usize;
        if id >= count {
            candle_core::bail!("id {id} in a table of {count} rows");
        }
        read(id, row)?;
    }
    Tensor::from_vec(rows, dims, &Device::Cpu)
}

impl Blocks {
    fn read_row(&self, id: usize, row: &mut [f32]) -> Result<()> {
        let blocks = self.width.div_ceil(GgmlDType::Q8_0.block_size());
        let data = self.table.data()?;
        let stored = data[id * blocks * BLOCK_BYTES..].chunks_exact(BLOCK_BYTES);
        for (values, block) in row.chunks_mut(GgmlDType::Q8_0.block_size()).zip(stored) {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
            for (value, byte) in values.iter_mut().zip(&block[2..]) {
                *value = scale * f32::from(byte.cast_signed());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_candle_decodes_them() {
        let table = Tensor::randn(0f32, 1.0, (7, 40), &Device::Cpu).unwrap();
        let decoded = quantize_rows(&table, Quantization::Q8_0)
            .and_then(|blocks| blocks.dequantize(&Device::Cpu))
            .and_then(|decoded| decoded.narrow(1, 0, 40)?.contiguous())
            .unwrap();
        let ids = Tensor::new(&[[3u32, 0], [6, 3]], &Device::Cpu).unwrap();
        let rows = Embedding::quantised(&table)
            .and_then(|table| table.forward(&ids))
            .unwrap();
        assert_eq!(rows.dims(), [2, 2, 40]);
        let expected = decoded
            .index_select(&ids.flatten_all().unwrap(), 0)
            .unwrap();
        assert_eq!(
            rows.flatten_to(1).unwrap().to_vec2::<f32>().unwrap(),
            expected.to_vec2::<f32>().unwrap()
        );
        let outside = Tensor::new(&[7u32], &Device::Cpu).unwrap();
        let error = Embedding::quantised(&table)
            .and_then(|table| table.forward(&outside))
            .unwrap_err();
        assert!(error.to_string().contains("id 7"), "{error}");
    }
}

//! What one pass is computed from.

use candle_core::Tensor;

/// Some questions about some photographs, and their answers.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// The photographs.
    pub images: Images<'a>,
    /// The questions.
    pub rows: Vec<Row<'a>>,
}

/// Photographs, in one of two forms.
#[derive(Debug, Clone)]
pub enum Images<'a> {
    /// What the language model is given of each, `(queries, d_model)`.
    Features(Vec<&'a Tensor>),
    /// Pixel values, `(3, size, size)` each, to be encoded in the same pass.
    Pixels(Vec<&'a Tensor>),
}

/// A question about one of the photographs.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Which photograph.
    pub image: usize,
    /// Token ids of the prompt, `</s>` included.
    pub prompt: &'a [u32],
    /// Token ids of the answer, `</s>` included.
    pub answer: &'a [u32],
}

/// Rows of token ids padded to the longest.
pub(super) struct Padded {
    pub(super) ids: Vec<u32>,
    pub(super) mask: Vec<u32>,
    pub(super) longest: usize,
}

impl Padded {
    pub(super) fn new<'a>(rows: impl Iterator<Item = &'a [u32]> + Clone, pad: u32) -> Self {
        let longest = rows.clone().map(<[u32]>::len).max().unwrap_or(0).max(1);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for row in rows {
            ids.extend_from_slice(row);
            mask.resize(ids.len(), 1);
            ids.resize(ids.len() + longest - row.len(), pad);
            mask.resize(ids.len(), 0);
        }
        Self { ids, mask, longest }
    }
}

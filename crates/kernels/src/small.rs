//! Products of small matrices that are packed as they are multiplied, on the
//! calling thread: those of one attention head.

use crate::buffer::Buffer;
use crate::micro::{FLOAT_ROWS, FloatLane, Output, PANEL, Start, float_tile};
use crate::rows::row_blocks;

/// A matrix where it lies: element `(row, column)` is
/// `data[row · by_row + column · by_column]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) by_row: usize,
    pub(crate) by_column: usize,
}

impl Matrix<'_> {
    /// The same, rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            by_row: self.by_column,
            by_column: self.by_row,
            ..self
        }
    }
}

/// What products pack their operands into; kept, since memory that is new to a
/// process is slow.
#[derive(Default)]
pub(crate) struct Packed {
    rows: Vec<u32>,
    columns: Option<Buffer>,
}

impl Packed {
    /// `a b` for `a` `(m, k)` and `b` `(k, n)`, written to `(m, n)` from
    /// `first` on, rows `stride` apart.
    ///
    /// # Safety
    /// The processor has AVX-512 F and FMA. `first` is valid for `m` rows of
    /// `n` elements that are `stride` apart, which nobody else uses meanwhile.
    pub(crate) unsafe fn multiply(
        &mut self,
        a: Matrix,
        b: Matrix,
        (m, n, k): (usize, usize, usize),
        first: *mut f32,
        stride: usize,
    ) {
        if m == 0 || n == 0 || k == 0 {
            return;
        }
        let panels = n.div_ceil(PANEL);
        let bytes = panels * k * PANEL * 4;
        let columns = match &mut self.columns {
            Some(buffer) if buffer.len() >= bytes => buffer,
            other => other.insert(Buffer::zeroed(bytes)),
        };
        let columns = &mut columns.as_mut_slice::<u32>()[..panels * k * PANEL];
        for (index, panel) in columns.chunks_exact_mut(k * PANEL).enumerate() {
            // Columns that do not exist hold what was there before; they are
            // multiplied and never written.
            let count = PANEL.min(n - index * PANEL);
            pack(b, index * PANEL, count, k, panel, PANEL);
        }
        self.rows.resize(FLOAT_ROWS * k, 0);
        for block in row_blocks(m, FLOAT_ROWS) {
            let rows = &mut self.rows[..block.rows * k];
            pack(a.transposed(), block.start, block.rows, k, rows, block.rows);
            for (index, panel) in columns.chunks_exact(k * PANEL).enumerate() {
                let output = Output {
                    first: first.wrapping_add(block.start * stride + index * PANEL),
                    stride,
                    columns: PANEL.min(n - index * PANEL),
                };
                // SAFETY: the caller's promise.
                unsafe {
                    float_tile(FloatLane::F32, rows, panel, block.rows, Start::Zero, output);
                }
            }
        }
    }
}

/// Columns `first..first + count` of a `(k, …)` matrix to `[k][count]`, lanes
/// `stride` apart.
fn pack(matrix: Matrix, first: usize, count: usize, k: usize, packed: &mut [u32], stride: usize) {
    let data = &matrix.data[first * matrix.by_column..];
    if matrix.by_column == 1 {
        for (lane, places) in packed.chunks_exact_mut(stride).enumerate() {
            let values = &data[lane * matrix.by_row..][..count];
            places
                .iter_mut()
                .zip(values)
                .for_each(|(place, value)| *place = value.to_bits());
        }
    } else {
        for column in 0..count {
            let values = data[column * matrix.by_column..]
                .iter()
                .step_by(matrix.by_row);
            let places = packed[column..].iter_mut().step_by(stride);
            places
                .zip(values)
                .take(k)
                .for_each(|(place, value)| *place = value.to_bits());
        }
    }
}

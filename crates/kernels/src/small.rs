//! Products of small matrices, the second of which is packed as they are
//! multiplied, on the calling thread: those of one attention head.

use crate::buffer::Buffer;
use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, Order, Output, PANEL, Start, bits_of, float_tile,
    transpose_16,
};
use crate::rows::{RowBlock, row_blocks};

/// Side of the squares that are turned round at once.
const SQUARE: usize = 16;

/// A matrix where it lies: element `(row, column)` is
/// `data[row · by_row + column · by_column]`. One of the two is 1.
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

impl<'a> Matrix<'a> {
    /// A block of its rows.
    fn block(self, block: RowBlock) -> FloatBlock<'a> {
        FloatBlock {
            values: bits_of(&self.data[block.start * self.by_row..]),
            rows: block.rows,
            order: match self.by_column {
                1 => Order::ByRow(self.by_row),
                apart => Order::ByLane(apart),
            },
        }
    }
}

/// What products pack their columns into; kept, since memory that is new to a
/// process is slow.
#[derive(Default)]
pub(crate) struct Packed {
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
        assert!(
            [a, b]
                .iter()
                .all(|one| one.by_row == 1 || one.by_column == 1)
        );
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
            // SAFETY: the caller's promise.
            unsafe { pack(b, index * PANEL, count, panel) };
        }
        for block in row_blocks(m, FLOAT_ROWS) {
            let rows = a.block(block);
            for (index, panel) in columns.chunks_exact(k * PANEL).enumerate() {
                let output = Output {
                    first: first.wrapping_add(block.start * stride + index * PANEL),
                    stride,
                    columns: PANEL.min(n - index * PANEL),
                };
                // SAFETY: the caller's promise.
                unsafe { float_tile(FloatLane::F32, rows, panel, Start::Zero, output) };
            }
        }
    }
}

/// Columns `first..first + count` of a matrix to `[lane][PANEL]`, a lane for each of
/// its rows.
///
/// # Safety
/// The processor has AVX-512 F.
pub(crate) unsafe fn pack(matrix: Matrix, first: usize, count: usize, packed: &mut [u32]) {
    let data = bits_of(&matrix.data[first * matrix.by_column..]);
    if matrix.by_column == 1 {
        for (lane, places) in packed.chunks_exact_mut(PANEL).enumerate() {
            places[..count].copy_from_slice(&data[lane * matrix.by_row..][..count]);
        }
        return;
    }
    let (apart, lanes) = (matrix.by_column, packed.len() / PANEL);
    let (columns, whole_lanes) = (count / SQUARE * SQUARE, lanes / SQUARE * SQUARE);
    for column in (0..columns).step_by(SQUARE) {
        for lane in (0..whole_lanes).step_by(SQUARE) {
            let from = &data[column * apart + lane..];
            // SAFETY: the caller's promise.
            unsafe { transpose_16(from, &mut packed[lane * PANEL + column..], (apart, PANEL)) };
        }
    }
    // What is no whole square.
    for column in 0..count {
        let done = if column < columns { whole_lanes } else { 0 };
        for lane in done..lanes {
            packed[lane * PANEL + column] = data[column * apart + lane];
        }
    }
}

//! The backward pass of a product: the gradient of its weight, in f32.
//!
//! Both operands are read where they lie, but for 32 columns of the inputs at a time,
//! which are copied together.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::cpu::Avx512;
use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, Order, Output, PANEL, Start, bits_of, float_tile,
};
use crate::parallel::{SharedMut, for_ranges};
use crate::product::LANES_AT_A_TIME;
use crate::rows::{RowBlock, row_blocks};

/// Pieces of work that are made at least, where there are so many: a few for each
/// thread.
const PIECES: usize = 16;

/// `dw ← dw + dyᵀ x` for `x` `(rows, inputs)`, `dy` `(rows, outputs)` and `dw`
/// `(outputs, inputs)`: the gradient of a weight, given a product's input and the
/// gradient of its result.
///
/// # Panics
/// When a length does not fit.
pub fn add_weight_gradient(_proof: Avx512, x: &[f32], dy: &[f32], inputs: usize, dw: &mut [f32]) {
    assert!(inputs > 0, "there are no inputs");
    let (rows, outputs) = (x.len() / inputs, dw.len() / inputs);
    assert_eq!(x.len(), rows * inputs, "x is no whole number of rows");
    assert_eq!(dw.len(), outputs * inputs, "dw is no whole number of rows");
    assert_eq!(
        dy.len(),
        rows * outputs,
        "dy has another number of rows than x"
    );
    if dy.is_empty() {
        return;
    }
    let call = Call {
        x,
        dy,
        inputs,
        outputs,
        dw: SharedMut::new(dw),
    };
    let blocks: Vec<RowBlock> = row_blocks(outputs, FLOAT_ROWS).collect();
    let panels = inputs.div_ceil(PANEL);
    // Where there are few panels, several pieces share one.
    let parts = PIECES.div_ceil(panels).min(blocks.len());
    for_ranges(panels * parts, rows * inputs * outputs, |range| {
        call.pieces(range, parts, &blocks);
    });
}

struct Call<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    inputs: usize,
    outputs: usize,
    dw: SharedMut<f32>,
}

impl Call<'_> {
    /// Each piece is a part of the blocks of outputs, of so many, for a panel of
    /// inputs.
    fn pieces(&self, range: Range<usize>, parts: usize, blocks: &[RowBlock]) {
        let mut columns = Buffer::zeroed(LANES_AT_A_TIME * PANEL * 4);
        let columns = columns.as_mut_slice::<u32>();
        for piece in range {
            let (panel, part) = (piece / parts, piece % parts);
            let of_part = blocks.len() * part / parts..blocks.len() * (part + 1) / parts;
            self.piece(panel, &blocks[of_part], columns);
        }
    }

    fn piece(&self, panel: usize, blocks: &[RowBlock], columns: &mut [u32]) {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let first = panel * PANEL;
        let count = PANEL.min(inputs - first);
        let at_a_time = (
            self.x.chunks(LANES_AT_A_TIME * inputs),
            self.dy.chunks(LANES_AT_A_TIME * outputs),
        );
        for (x, dy) in at_a_time.0.zip(at_a_time.1) {
            let columns = &mut columns[..x.len() / inputs * PANEL];
            // Columns that do not exist hold what was there before; they are
            // multiplied and never written.
            for (places, x) in columns.chunks_exact_mut(PANEL).zip(x.chunks_exact(inputs)) {
                places[..count].copy_from_slice(&bits_of(x)[first..first + count]);
            }
            for block in blocks {
                let rows = FloatBlock {
                    values: &bits_of(dy)[block.start..],
                    rows: block.rows,
                    order: Order::ByLane(outputs),
                };
                let output = Output {
                    // In the gradient: the block is some of its rows, the panel
                    // begins within them.
                    first: self.dw.get().wrapping_add(block.start * inputs + first),
                    stride: inputs,
                    columns: count,
                };
                // SAFETY: the proof was given; pieces are disjoint, and with them
                // the elements of `dw` that a thread writes.
                unsafe { float_tile(FloatLane::F32, rows, columns, Start::Output, output) };
            }
        }
    }
}

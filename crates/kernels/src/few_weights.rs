//! Products of many rows with few weights, in f32.
//!
//! All the weights stay near a core, and rows are read where they lie, once: a block
//! of them is multiplied by every panel before the next block comes. Nothing is packed
//! and threads share no output row.

use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, Order, Output, PANEL, Start, bits_of, float_tile,
};
use crate::packed::PackedWeights;
use crate::parallel::{SharedMut, for_ranges};
use crate::product::LANES_AT_A_TIME;
use crate::rows::row_blocks;

/// A quarter of a second-level cache of one megabyte: the rest is for what streams
/// through it.
const MOST_BYTES: usize = 256 << 10;

/// Fewer rows hardly share the weights.
const FEWEST_ROWS: usize = 4 * FLOAT_ROWS;

/// Whether so many rows are multiplied by the weights in this order.
pub(crate) fn are_few(weights: &PackedWeights, rows: usize) -> bool {
    weights.bytes() <= MOST_BYTES
        && weights.inputs().max(weights.outputs()) <= LANES_AT_A_TIME
        && rows >= FEWEST_ROWS
}

/// Multiplies rows of `x`, each of so many lanes, by panels `[lane][32]` of all
/// `outputs`, each of which may have some lanes more; `start` is what the sums of a
/// panel begin with.
///
/// For weights that exist, so that the processor has AVX-512.
///
/// # Panics
/// When a length does not fit.
pub(crate) fn multiply<'a>(
    (x, lanes): (&[f32], usize),
    (panels, outputs): (&[u32], usize),
    start: impl Fn(usize) -> Start<'a> + Sync,
    y: SharedMut<f32>,
) {
    let rows = x.len() / lanes;
    let apart = panels.len() / outputs.div_ceil(PANEL);
    assert!(apart >= lanes * PANEL, "the panels have fewer lanes");
    let blocks: Vec<_> = row_blocks(rows, FLOAT_ROWS).collect();
    for_ranges(blocks.len(), rows * lanes * outputs, |range| {
        for &block in &blocks[range] {
            let of_block = FloatBlock {
                values: bits_of(&x[block.start * lanes..]),
                rows: block.rows,
                order: Order::ByRow(lanes),
            };
            for (panel, columns) in panels.chunks_exact(apart).enumerate() {
                let columns = &columns[..lanes * PANEL];
                let output = Output {
                    // In the output: the block is one of its rows, the panel
                    // begins within them.
                    first: y.get().wrapping_add(block.start * outputs + panel * PANEL),
                    stride: outputs,
                    columns: PANEL.min(outputs - panel * PANEL),
                };
                // SAFETY: the weights exist, so the processor has what their
                // format needs; ranges of blocks are disjoint, and with them the
                // rows of the output that a thread writes.
                unsafe { float_tile(FloatLane::F32, of_block, columns, start(panel), output) };
            }
        }
    });
}

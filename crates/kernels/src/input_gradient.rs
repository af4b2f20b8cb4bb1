//! The backward pass of a product: the gradient of its input.
//!
//! It reads the same panels as the product itself. A panel's part is turned
//! round in the nearest cache, once for all rows, so that no second copy of the
//! weights is kept.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::few_weights;
use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, Output, PANEL, Start, float_tile, transpose_16,
};
use crate::packed::{PackedWeights, WeightFormat};
use crate::parallel::{SharedMut, for_ranges};
use crate::product::LANES_AT_A_TIME;
use crate::row_operand::FloatRows;
use crate::rows::row_blocks;

/// Side of the squares that are turned round at once.
const SQUARE: usize = 16;

impl PackedWeights {
    /// `dx = dy W`, or `dx ← dx + dy W` where it `adds`, for rows of `dy`
    /// `(rows, outputs)` into `dx` `(rows, inputs)`: the gradient of the input
    /// of [`Self::multiply`]. With weights in bf16, `dy` is rounded to bf16.
    ///
    /// # Panics
    /// When a length does not fit, or the weights are quantised.
    pub fn multiply_transposed(&self, dy: &[f32], adds: bool, dx: &mut [f32]) {
        let lane = match self.format() {
            WeightFormat::F32 => FloatLane::F32,
            WeightFormat::Bf16 => FloatLane::Bf16,
            WeightFormat::Q8_0 | WeightFormat::Q4K => {
                assert!(dy.is_empty(), "quantised weights give no gradients");
                return;
            }
        };
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let rows = dy.len() / outputs;
        assert_eq!(dy.len(), rows * outputs, "dy is no whole number of rows");
        assert_eq!(
            dx.len(),
            rows * inputs,
            "dx has another number of rows than dy"
        );
        if rows == 0 {
            return;
        }
        if lane == FloatLane::F32 && few_weights::are_few(self, rows) {
            let turned = self.turned();
            return few_weights::multiply(
                (dy, outputs),
                (turned.as_slice(), inputs),
                |_| if adds { Start::Output } else { Start::Zero },
                SharedMut::new(dx),
            );
        }
        let call = Call {
            weights: self,
            lane,
            operand: FloatRows::pack(lane, dy, rows, outputs),
            rows,
            adds,
            dx: SharedMut::new(dx),
        };
        let panels = inputs.div_ceil(PANEL);
        for_ranges(panels, rows * inputs * outputs, |range| call.panels(range));
    }

    /// Panels of all inputs, each with a lane for every output, and zeros up to a
    /// whole number of [`PANEL`]. In f32.
    fn turned(&self) -> Buffer {
        let lanes = self.outputs().next_multiple_of(PANEL);
        let mut turned = Buffer::zeroed(self.inputs().div_ceil(PANEL) * lanes * PANEL * 4);
        let panels = turned.as_mut_slice::<u32>().chunks_exact_mut(lanes * PANEL);
        for (panel, turned) in panels.enumerate() {
            self.turn_f32(panel, 0, turned);
        }
        turned
    }

    /// The lanes from output `first` on for the inputs of `panel`.
    fn turn_f32(&self, panel: usize, first: usize, turned: &mut [u32]) {
        let columns = PANEL.min(self.inputs() - panel * PANEL);
        for (index, turned) in turned.chunks_exact_mut(PANEL * PANEL).enumerate() {
            let source = first / PANEL + index;
            if source * PANEL >= self.outputs() {
                return;
            }
            let lanes = &self.lanes_of_panel(source)[panel * PANEL * PANEL..];
            turn(&lanes[..columns * PANEL], columns, turned);
        }
    }
}

struct Call<'a> {
    weights: &'a PackedWeights,
    lane: FloatLane,
    operand: FloatRows,
    rows: usize,
    adds: bool,
    dx: SharedMut<f32>,
}

impl Call<'_> {
    fn panels(&self, range: Range<usize>) {
        let (inputs, outputs) = (self.weights.inputs(), self.weights.outputs());
        let lanes = match self.lane {
            FloatLane::F32 => outputs,
            FloatLane::Bf16 => outputs.div_ceil(2),
        };
        let mut turned = Buffer::zeroed(LANES_AT_A_TIME * PANEL * 4);
        let turned = turned.as_mut_slice::<u32>();
        for panel in range {
            for first in (0..lanes).step_by(LANES_AT_A_TIME) {
                let count = LANES_AT_A_TIME.min(lanes - first);
                match self.lane {
                    FloatLane::F32 => self.weights.turn_f32(panel, first, turned),
                    FloatLane::Bf16 => self.turn_bf16(panel, first, turned),
                }
                let start = if first == 0 && !self.adds {
                    Start::Zero
                } else {
                    Start::Output
                };
                for block in row_blocks(self.rows, FLOAT_ROWS) {
                    let rows = &self.operand.block(block)[first * block.rows..];
                    let rows = FloatBlock::packed(rows, block.rows);
                    let output = Output {
                        // In the output: the block is one of its rows, the
                        // panel begins within them.
                        first: self
                            .dx
                            .get()
                            .wrapping_add(block.start * inputs + panel * PANEL),
                        stride: inputs,
                        columns: PANEL.min(inputs - panel * PANEL),
                    };
                    let columns = &turned[..count * PANEL];
                    // SAFETY: the weights exist, so the processor has what
                    // their format needs; ranges of panels are disjoint, and
                    // with them the columns of `dx` that a thread writes.
                    unsafe { float_tile(self.lane, rows, columns, start, output) };
                }
            }
        }
    }

    /// The lanes from output `first` on for the inputs of `panel` in bf16, where a lane
    /// holds two outputs of an input.
    fn turn_bf16(&self, panel: usize, first: usize, turned: &mut [u32]) {
        let (inputs, outputs) = (self.weights.inputs(), self.weights.outputs());
        // A stored lane holds two inputs.
        let columns = PANEL.min(inputs - panel * PANEL).div_ceil(2);
        let mut pairs = [0u32; PANEL * PANEL];
        for (index, turned) in turned.chunks_exact_mut(PANEL * PANEL / 2).enumerate() {
            let source = 2 * first / PANEL + index;
            if source * PANEL >= outputs {
                return;
            }
            let lanes = &self.weights.lanes_of_panel(source)[panel * PANEL / 2 * PANEL..];
            turn(&lanes[..columns * PANEL], columns, &mut pairs);
            let rows = turned.chunks_exact_mut(PANEL);
            for (places, two) in rows.zip(pairs.chunks_exact(2 * PANEL)) {
                let (even, odd) = two.split_at(PANEL);
                let places = places.chunks_exact_mut(2);
                for (places, (even, odd)) in places.zip(even.iter().zip(odd)) {
                    places[0] = even & 0xffff | odd << 16;
                    places[1] = even >> 16 | odd & 0xffff_0000;
                }
            }
        }
    }
}

/// `[lane][32]` of at most 32 lanes to `[32][lane]`, rows of 32, missing lanes
/// as zeros.
fn turn(lanes: &[u32], count: usize, turned: &mut [u32]) {
    let mut padded = [0u32; PANEL * PANEL];
    let lanes = if count == PANEL {
        lanes
    } else {
        padded[..lanes.len()].copy_from_slice(lanes);
        &padded
    };
    for row in (0..PANEL).step_by(SQUARE) {
        for column in (0..PANEL).step_by(SQUARE) {
            let from = &lanes[row * PANEL + column..];
            let to = &mut turned[column * PANEL + row..];
            // SAFETY: weights exist, so the processor has AVX-512.
            unsafe { transpose_16(from, to, (PANEL, PANEL)) };
        }
    }
}

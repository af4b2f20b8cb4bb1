//! Products of rows with packed weights.

use std::ops::Range;

use crate::few_weights;
use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, GROUP, INTEGER_ROWS, IntegerColumns, Output, PANEL, Scaling,
    Start, float_tile, integer_tile,
};
use crate::packed::{PackedWeights, WeightFormat};
use crate::parallel::{SharedMut, for_ranges};
use crate::prefetch::Ahead;
use crate::quantised::{DecodedQ4K, Q4K_BLOCK, Q8_0_BLOCK, decode_q4k, packed_q4k_bytes};
use crate::row_operand::{FloatRows, QuantisedRows};
use crate::rows::{RowBlock, row_blocks};

/// Lanes that are worked on before the next rows come: a panel's part of 64 KiB
/// and a row block's of 24 KiB stay in the nearest caches.
pub(crate) const LANES_AT_A_TIME: usize = 512;
/// Bytes of a panel's part.
const PART_BYTES: usize = LANES_AT_A_TIME * PANEL * 4;

impl PackedWeights {
    /// `y = x Wᵀ + bias` for rows of `x` `(rows, inputs)` into `y`
    /// `(rows, outputs)`.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn multiply(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.product(x, bias, false, y);
    }

    /// `y ← y + x Wᵀ + bias`: the same, added to what is in `y`.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn multiply_add(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.product(x, bias, true, y);
    }

    /// How many rows there are, their lengths checked.
    fn rows_of(&self, x: &[f32], y: &[f32]) -> usize {
        let rows = x.len() / self.inputs();
        assert_eq!(
            x.len(),
            rows * self.inputs(),
            "x is no whole number of rows"
        );
        assert_eq!(
            y.len(),
            rows * self.outputs(),
            "y has another number of rows than x"
        );
        rows
    }

    fn product(&self, x: &[f32], bias: Option<&[f32]>, adds: bool, y: &mut [f32]) {
        let rows = self.rows_of(x, y);
        assert!(
            bias.is_none_or(|bias| bias.len() == self.outputs()),
            "the bias has another length than an output row"
        );
        if rows == 0 {
            return;
        }
        let product = Product {
            weights: self,
            bias,
            adds,
            rows,
            y: SharedMut::new(y),
        };
        if self.format() == WeightFormat::F32 && few_weights::are_few(self, rows) {
            let biases: Vec<_> = (0..self.outputs().div_ceil(PANEL))
                .map(|panel| product.bias(panel))
                .collect();
            return few_weights::multiply(
                (x, self.inputs()),
                (self.lanes(), self.outputs()),
                |panel| product.start(true, &biases[panel]),
                product.y,
            );
        }
        let cost = rows * self.inputs() * self.outputs();
        let panels = self.outputs().div_ceil(PANEL);
        match self.format() {
            WeightFormat::F32 | WeightFormat::Bf16 => {
                let lane = if self.format() == WeightFormat::F32 {
                    FloatLane::F32
                } else {
                    FloatLane::Bf16
                };
                let operand = FloatRows::pack(lane, x, rows, self.inputs());
                for_ranges(panels, cost, |range| product.float(lane, &operand, range));
            }
            WeightFormat::Q8_0 => {
                let operand = QuantisedRows::pack(x, rows, self.inputs(), Q8_0_BLOCK);
                for_ranges(panels, cost, |range| product.q8_0(&operand, range));
            }
            WeightFormat::Q4K => {
                let operand = QuantisedRows::pack(x, rows, self.inputs(), Q4K_BLOCK);
                for_ranges(panels, cost, |range| product.q4k(&operand, range));
            }
        }
    }
}

/// One call of [`PackedWeights::multiply`].
struct Product<'a> {
    weights: &'a PackedWeights,
    bias: Option<&'a [f32]>,
    adds: bool,
    rows: usize,
    y: SharedMut<f32>,
}

impl Product<'_> {
    /// Where the block of rows has the panel's columns.
    fn output(&self, block: RowBlock, panel: usize) -> Output {
        let stride = self.weights.outputs();
        Output {
            // In the output: the block is one of its rows, the panel begins
            // within them.
            first: self
                .y
                .get()
                .wrapping_add(block.start * stride + panel * PANEL),
            stride,
            columns: PANEL.min(stride - panel * PANEL),
        }
    }

    /// The bias of a panel.
    fn bias(&self, panel: usize) -> [f32; PANEL] {
        let mut of_panel = [0.0; PANEL];
        if let Some(bias) = self.bias {
            let bias = &bias[panel * PANEL..bias.len().min((panel + 1) * PANEL)];
            of_panel[..bias.len()].copy_from_slice(bias);
        }
        of_panel
    }

    /// What the sums of a part begin with, the first part's with the bias.
    fn start<'a>(&self, is_first: bool, bias: &'a [f32; PANEL]) -> Start<'a> {
        match (is_first, self.adds) {
            (true, false) => Start::Row(bias),
            (true, true) => Start::OutputAnd(bias),
            (false, _) => Start::Output,
        }
    }

    fn float(&self, lane: FloatLane, rows: &FloatRows, panels: Range<usize>) {
        for panel in panels {
            let bias = self.bias(panel);
            let columns = self.weights.lanes_of_panel(panel);
            for (part, columns) in columns.chunks(LANES_AT_A_TIME * PANEL).enumerate() {
                let start = self.start(part == 0, &bias);
                let end = part * PART_BYTES + columns.len() * 4;
                let next = self.weights.behind(panel, end, PART_BYTES);
                let mut ahead = Ahead::new(next, self.rows.div_ceil(FLOAT_ROWS));
                for block in row_blocks(self.rows, FLOAT_ROWS) {
                    ahead.fetch_share();
                    let rows = &rows.block(block)[part * LANES_AT_A_TIME * block.rows..];
                    let rows = FloatBlock::packed(rows, block.rows);
                    let output = self.output(block, panel);
                    // SAFETY: the weights exist, so the processor has what
                    // their format needs; ranges of panels are disjoint, and
                    // with them the columns of `y` that a thread writes.
                    unsafe { float_tile(lane, rows, columns, start, output) };
                }
            }
        }
    }

    fn q8_0(&self, rows: &QuantisedRows, panels: Range<usize>) {
        /// 32 KiB of a panel.
        const GROUPS_AT_A_TIME: usize = 32;
        let groups = rows.groups();
        for panel in panels {
            let bias = self.bias(panel);
            let (scales, values) = self.weights.panel(panel).split_at(groups * PANEL * 2);
            for first in (0..groups).step_by(GROUPS_AT_A_TIME) {
                let end = groups.min(first + GROUPS_AT_A_TIME);
                let columns = IntegerColumns {
                    values: &values[first * GROUP * PANEL..end * GROUP * PANEL],
                    scaling: Scaling::Symmetric {
                        scales: &scales[first * PANEL * 2..],
                    },
                };
                let mut count = GROUPS_AT_A_TIME * GROUP * PANEL;
                if end == groups {
                    // The next panel begins with its scales.
                    count += scales.len();
                }
                let behind = scales.len() + end * GROUP * PANEL;
                let part = IntegerPart {
                    group: first,
                    columns,
                    next: self.weights.behind(panel, behind, count),
                };
                self.integer_rows(rows, part, &bias, panel);
            }
        }
    }

    fn q4k(&self, rows: &QuantisedRows, panels: Range<usize>) {
        let mut decoded = DecodedQ4K::new();
        for panel in panels {
            let bias = self.bias(panel);
            for (block, bytes) in self
                .weights
                .panel(panel)
                .chunks_exact(packed_q4k_bytes(Q4K_BLOCK))
                .enumerate()
            {
                // SAFETY: the weights exist, so the processor has AVX-512.
                unsafe { decode_q4k(bytes, &mut decoded) };
                let columns = decoded.columns();
                let behind = (block + 1) * bytes.len();
                let part = IntegerPart {
                    group: block * (Q4K_BLOCK / GROUP),
                    columns,
                    next: self.weights.behind(panel, behind, bytes.len()),
                };
                self.integer_rows(rows, part, &bias, panel);
            }
        }
    }

    /// All rows by some groups of a panel.
    fn integer_rows(
        &self,
        rows: &QuantisedRows,
        part: IntegerPart,
        bias: &[f32; PANEL],
        panel: usize,
    ) {
        let IntegerPart { group, columns, .. } = part;
        let start = self.start(group == 0, bias);
        let mut ahead = Ahead::new(part.next, self.rows.div_ceil(INTEGER_ROWS));
        for block in row_blocks(self.rows, INTEGER_ROWS) {
            ahead.fetch_share();
            let output = self.output(block, panel);
            // SAFETY: as in `float`.
            unsafe { integer_tile(rows.block(block, group), columns, start, output) };
        }
    }
}

/// Some groups of a panel.
struct IntegerPart<'a> {
    /// The first of them.
    group: usize,
    columns: IntegerColumns<'a>,
    /// What is worked on after them, as it is stored.
    next: &'a [u8],
}

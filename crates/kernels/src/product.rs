//! Products of rows with packed weights.

use std::cell::RefCell;
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
use crate::unwritten::Unwritten;

/// Lanes that are worked on before the next rows come: a panel's part of 64 KiB
/// and a row block's of 24 KiB stay in the nearest caches.
pub(crate) const LANES_AT_A_TIME: usize = 512;
/// Bytes of a panel's part.
const PART_BYTES: usize = LANES_AT_A_TIME * PANEL * 4;

/// Weights, and the bias that goes with them if there is one.
#[derive(Debug, Clone, Copy)]
pub struct Biased<'a> {
    /// `(outputs, inputs)`.
    pub weights: &'a PackedWeights,
    /// `(outputs)`.
    pub bias: Option<&'a [f32]>,
}

impl PackedWeights {
    /// `x Wᵀ + bias`, `(rows, outputs)`, for rows of `x` `(rows, inputs)`.
    ///
    /// # Panics
    /// When a length does not fit.
    #[must_use]
    pub fn product(&self, x: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let weights = self;
        let layers = [Biased { weights, bias }];
        multiply_each(x, &layers).pop().unwrap_or_default()
    }

    /// `y = x Wᵀ + bias`: the same into `y`.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn multiply(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.put_product(x, bias, false, y);
    }

    /// `y ← y + x Wᵀ + bias`: the same, added to what is in `y`.
    ///
    /// # Panics
    /// When a length does not fit.
    pub fn multiply_add(&self, x: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        self.put_product(x, bias, true, y);
    }

    fn put_product(&self, x: &[f32], bias: Option<&[f32]>, adds: bool, y: &mut [f32]) {
        let rows = self.rows_of(x);
        assert_eq!(
            y.len(),
            rows * self.outputs(),
            "y has another number of rows than x"
        );
        let weights = self;
        let product = Product::new(Biased { weights, bias }, rows, SharedMut::new(y));
        compute(x, &[Product { adds, ..product }]);
    }

    /// How many rows there are, their length checked.
    fn rows_of(&self, x: &[f32]) -> usize {
        let rows = x.len() / self.inputs();
        assert_eq!(
            x.len(),
            rows * self.inputs(),
            "x is no whole number of rows"
        );
        rows
    }
}

/// What [`PackedWeights::product`] gives for each of some layers that have the same
/// input, bit for bit. The rows are brought into the form that a format of weights
/// takes once for all that have it, and the products are shared out among the threads
/// together.
///
/// # Panics
/// When a length does not fit.
#[must_use]
pub fn multiply_each(x: &[f32], layers: &[Biased]) -> Vec<Vec<f32>> {
    let inputs = layers.first().map(|layer| layer.weights.inputs());
    assert!(
        layers
            .iter()
            .all(|layer| Some(layer.weights.inputs()) == inputs),
        "layers of one input have rows of different lengths"
    );
    let mut ys: Vec<Unwritten> = layers
        .iter()
        .map(|layer| {
            // More than there can be, which is refused, rather than too few.
            let rows = layer.weights.rows_of(x);
            Unwritten::new(rows.saturating_mul(layer.weights.outputs()))
        })
        .collect();
    let products: Vec<Product> = layers
        .iter()
        .zip(&mut ys)
        .map(|(layer, y)| Product::new(*layer, layer.weights.rows_of(x), y.place()))
        .collect();
    compute(x, &products);
    // SAFETY: a product that is not added to anything writes all columns of all
    // rows, and reads none before.
    let ys = ys.into_iter().map(|y| unsafe { y.written() });
    ys.collect()
}

/// Computes products of the rows of `x`, which are those of all of them.
fn compute(x: &[f32], products: &[Product]) {
    let Some(first) = products.first().filter(|first| first.rows > 0) else {
        return;
    };
    let (rows, inputs) = (first.rows, first.weights.inputs());
    for product in products.iter().filter(|product| product.has_few_weights()) {
        product.few_weights(x);
    }
    for format in WeightFormat::ALL {
        let of_format: Vec<&Product> = products
            .iter()
            .filter(|product| product.weights.format() == format && !product.has_few_weights())
            .collect();
        if of_format.is_empty() {
            continue;
        }
        match format {
            WeightFormat::F32 | WeightFormat::Bf16 => {
                let lane = if format == WeightFormat::F32 {
                    FloatLane::F32
                } else {
                    FloatLane::Bf16
                };
                let operand = FloatRows::pack(lane, x, rows, inputs);
                for_panels(&of_format, |product, panels| {
                    product.float(lane, &operand, panels);
                });
            }
            WeightFormat::Q8_0 => {
                let operand = QuantisedRows::pack(x, rows, inputs, Q8_0_BLOCK);
                for_panels(&of_format, |product, panels| product.q8_0(&operand, panels));
            }
            WeightFormat::Q4K => {
                let operand = QuantisedRows::pack(x, rows, inputs, Q4K_BLOCK);
                for_panels(&of_format, |product, panels| product.q4k(&operand, panels));
            }
        }
    }
}

/// Calls `work` with each product and ranges of panels that together are all of
/// its.
fn for_panels(products: &[&Product], work: impl Fn(&Product, Range<usize>) + Sync) {
    let all: usize = products.iter().map(|product| product.panels()).sum();
    let cost: usize = products.iter().map(|product| product.cost()).sum();
    for_ranges(all, cost, |range| {
        let mut first = 0;
        for product in products {
            let end = first + product.panels();
            let (from, to) = (range.start.max(first), range.end.min(end));
            if from < to {
                work(product, from - first..to - first);
            }
            first = end;
        }
    });
}

thread_local! {
    /// What a thread takes blocks apart into; kept, since a decoder's step is many
    /// small products.
    static DECODED: RefCell<DecodedQ4K> = RefCell::new(DecodedQ4K::new());
}

/// Rows times the weights of a layer.
struct Product<'a> {
    weights: &'a PackedWeights,
    bias: Option<&'a [f32]>,
    /// Whether it is added to what is in `y`.
    adds: bool,
    rows: usize,
    y: SharedMut<f32>,
}

impl<'a> Product<'a> {
    /// One that is added to nothing.
    fn new(layer: Biased<'a>, rows: usize, y: SharedMut<f32>) -> Self {
        let Biased { weights, bias } = layer;
        assert!(
            bias.is_none_or(|bias| bias.len() == weights.outputs()),
            "the bias has another length than an output row"
        );
        Self {
            weights,
            bias,
            adds: false,
            rows,
            y,
        }
    }

    fn panels(&self) -> usize {
        self.weights.outputs().div_ceil(PANEL)
    }

    /// Its multiply-adds.
    fn cost(&self) -> usize {
        self.rows * self.weights.inputs() * self.weights.outputs()
    }

    /// Whether rows are read where they lie and not packed.
    fn has_few_weights(&self) -> bool {
        self.weights.format() == WeightFormat::F32 && few_weights::are_few(self.weights, self.rows)
    }

    fn few_weights(&self, x: &[f32]) {
        let biases: Vec<_> = (0..self.panels()).map(|panel| self.bias(panel)).collect();
        few_weights::multiply(
            (x, self.weights.inputs()),
            (self.weights.lanes(), self.weights.outputs()),
            |panel| self.start(true, &biases[panel]),
            self.y,
        );
    }

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
    fn start<'b>(&self, is_first: bool, bias: &'b [f32; PANEL]) -> Start<'b> {
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
        DECODED.with_borrow_mut(|decoded| {
            for panel in panels {
                let bias = self.bias(panel);
                for (block, bytes) in self
                    .weights
                    .panel(panel)
                    .chunks_exact(packed_q4k_bytes(Q4K_BLOCK))
                    .enumerate()
                {
                    // SAFETY: the weights exist, so the processor has AVX-512.
                    unsafe { decode_q4k(bytes, decoded) };
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
        });
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

//! Weights in the order in which the inner loops read them.

use std::ops::Range;

use half::bf16;

use crate::buffer::Buffer;
use crate::cpu::{Avx512, Level};
use crate::micro::{
    FLOAT_ROWS, FloatLane, GROUP, INTEGER_ROWS, IntegerColumns, Output, PANEL, Scaling, Start,
    float_tile, integer_tile,
};
use crate::parallel::{SharedMut, for_ranges};
use crate::quantised::{
    DecodedQ4K, Q4K_BLOCK, Q8_0_BLOCK, decode_q4k, pack_q4k, pack_q8_0, packed_q4k_bytes,
    packed_q8_0_bytes, read_q8_0_row,
};
use crate::row_operand::{FloatRows, QuantisedRows};
use crate::rows::{RowBlock, row_blocks};

/// Lanes that are worked on before the next rows come: a panel's part of 64 KiB
/// and a row block's of 24 KiB stay in the nearest caches.
pub(crate) const LANES_AT_A_TIME: usize = 512;

/// How weights are stored and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightFormat {
    /// 32 bit.
    F32,
    /// 16 bit; inputs are rounded to bf16 and summed up in f32.
    Bf16,
    /// ggml's Q8_0: 32 weights of 8 bits share an f16 scale. Inputs are
    /// rounded to 8 bits, 32 of them with a scale of their own.
    Q8_0,
    /// ggml's Q4_K: 256 weights of 4 bits, with scales and minima of 6 bits for
    /// 32. Inputs as for Q8_0.
    Q4K,
}

impl WeightFormat {
    /// What the processor must have.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::F32 => Level::Base,
            Self::Bf16 => Level::Bf16,
            Self::Q8_0 | Self::Q4K => Level::Vnni,
        }
    }

    /// Inputs are zero-padded to a multiple of this many.
    #[must_use]
    pub fn block(self) -> usize {
        match self {
            Self::F32 => 1,
            Self::Bf16 => 2,
            Self::Q8_0 => Q8_0_BLOCK,
            Self::Q4K => Q4K_BLOCK,
        }
    }
}

/// The weight matrix of a linear layer, `(outputs, inputs)`, packed.
#[derive(Clone)]
pub struct PackedWeights {
    format: WeightFormat,
    inputs: usize,
    outputs: usize,
    /// Panels of 32 outputs, one after the other.
    data: Buffer,
    panel_bytes: usize,
}

impl std::fmt::Debug for PackedWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackedWeights")
            .field("format", &self.format)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// Packs rows of blocks into a panel, given how many rows and inputs there are.
type PackPanel = fn(&[u8], &mut [u8], usize, usize);

/// Why weights cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackError {
    /// What was wrong.
    pub reason: &'static str,
}

impl std::fmt::Display for PackError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason)
    }
}

impl std::error::Error for PackError {}

impl PackedWeights {
    /// Packs weights in f32, `(outputs, inputs)` row by row.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn from_f32(
        _proof: Avx512,
        weights: &[f32],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, PackError> {
        Self::from_lanes(
            WeightFormat::F32,
            (outputs, inputs, inputs),
            weights.len(),
            |output, lane| weights[output * inputs + lane].to_bits(),
        )
    }

    /// Packs weights in f32 that are given as their transpose, `(inputs,
    /// outputs)` row by row.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn from_f32_transposed(
        _proof: Avx512,
        weights: &[f32],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, PackError> {
        check_shape(weights.len(), outputs, inputs)?;
        Ok(Self::by_panels(
            WeightFormat::F32,
            (outputs, inputs, inputs),
            |first, columns, panel| {
                let rows = weights.chunks_exact(outputs);
                for (places, row) in panel.chunks_exact_mut(PANEL).zip(rows) {
                    let row = &row[first..first + columns];
                    places
                        .iter_mut()
                        .zip(row)
                        .for_each(|(place, value)| *place = value.to_bits());
                }
            },
        ))
    }

    /// Packs weights in bf16, `(outputs, inputs)` row by row.
    ///
    /// # Errors
    /// When the sizes do not fit or the processor has no bf16.
    pub fn from_bf16(
        proof: Avx512,
        weights: &[bf16],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, PackError> {
        check_level(proof, WeightFormat::Bf16)?;
        Self::from_lanes(
            WeightFormat::Bf16,
            (outputs, inputs, inputs.div_ceil(2)),
            weights.len(),
            |output, lane| {
                let row = &weights[output * inputs..(output + 1) * inputs];
                let bits = |at: usize| row.get(at).map_or(0, |value| u32::from(value.to_bits()));
                bits(2 * lane) | bits(2 * lane + 1) << 16
            },
        )
    }

    /// Packs blocks of [`WeightFormat::Q8_0`] or [`WeightFormat::Q4K`] as ggml
    /// stores them, `(outputs, blocks of a row)`; a row's last block is padded
    /// with zeros where `inputs` is no multiple of the block.
    ///
    /// # Errors
    /// When the sizes do not fit, the processor has no VNNI, or the format is
    /// not quantised.
    pub fn from_blocks(
        proof: Avx512,
        format: WeightFormat,
        blocks: &[u8],
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, PackError> {
        check_level(proof, format)?;
        let (panel_bytes, pack): (_, PackPanel) = match format {
            WeightFormat::Q8_0 => (packed_q8_0_bytes(inputs), pack_q8_0),
            WeightFormat::Q4K => (packed_q4k_bytes(inputs), pack_q4k),
            WeightFormat::F32 | WeightFormat::Bf16 => {
                let reason = "the format is not one of blocks";
                return Err(PackError { reason });
            }
        };
        let row_bytes = inputs.div_ceil(format.block()) * crate::quantised::block_bytes(format);
        if blocks.len() != outputs * row_bytes || inputs == 0 {
            let reason = "the blocks are not as many as the shape says";
            return Err(PackError { reason });
        }
        let mut data = Buffer::zeroed(outputs.div_ceil(PANEL) * panel_bytes);
        let panels = data.as_mut_slice::<u8>().chunks_exact_mut(panel_bytes);
        for (panel, rows) in panels.zip(blocks.chunks(PANEL * row_bytes)) {
            pack(rows, panel, rows.len() / row_bytes, inputs);
        }
        Ok(Self {
            format,
            inputs,
            outputs,
            data,
            panel_bytes,
        })
    }

    fn from_lanes(
        format: WeightFormat,
        (outputs, inputs, lanes): (usize, usize, usize),
        length: usize,
        lane_of: impl Fn(usize, usize) -> u32 + Sync,
    ) -> Result<Self, PackError> {
        check_shape(length, outputs, inputs)?;
        Ok(Self::by_panels(
            format,
            (outputs, inputs, lanes),
            |first, columns, panel| {
                for (lane, values) in panel.chunks_exact_mut(PANEL).enumerate() {
                    for (column, value) in values[..columns].iter_mut().enumerate() {
                        *value = lane_of(first + column, lane);
                    }
                }
            },
        ))
    }

    /// Fills the panels by `fill`, which is given the first output of a panel,
    /// how many of its columns exist, and its zeroed lanes.
    fn by_panels(
        format: WeightFormat,
        (outputs, inputs, lanes): (usize, usize, usize),
        fill: impl Fn(usize, usize, &mut [u32]) + Sync,
    ) -> Self {
        let panels = outputs.div_ceil(PANEL);
        let panel_bytes = lanes * PANEL * 4;
        let mut data = Buffer::zeroed(panels * panel_bytes);
        let packed = SharedMut::new(data.as_mut_slice::<u32>());
        for_ranges(panels, outputs * inputs * 4, |range| {
            for index in range {
                // SAFETY: panels are disjoint and within the buffer.
                let panel = unsafe {
                    std::slice::from_raw_parts_mut(
                        packed.get().add(index * lanes * PANEL),
                        lanes * PANEL,
                    )
                };
                let first = index * PANEL;
                fill(first, PANEL.min(outputs - first), panel);
            }
        });
        Self {
            format,
            inputs,
            outputs,
            data,
            panel_bytes,
        }
    }

    /// How the weights are stored.
    #[must_use]
    pub fn format(&self) -> WeightFormat {
        self.format
    }

    /// Length of an input row.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of an output row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How much memory the weights take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// Whether [`Self::read_row`] can read rows back.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        self.format != WeightFormat::Q4K
    }

    /// The weights of one output into `row` `(inputs)`, as they are stored:
    /// a table whose rows are looked up and which is multiplied by as well
    /// need not be held twice.
    ///
    /// # Panics
    /// When there is no such output, `row` has another length than an input
    /// row, or the format [does not keep rows](Self::keeps_rows).
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        assert!(self.keeps_rows(), "rows of this format cannot be read back");
        assert!(output < self.outputs, "there is no output {output}");
        assert_eq!(row.len(), self.inputs, "the row has another length");
        let (panel, column) = (output / PANEL, output % PANEL);
        let lanes = || {
            let lanes = self.lanes_of_panel(panel)[column..].iter();
            lanes.step_by(PANEL)
        };
        match self.format {
            WeightFormat::F32 => {
                let places = row.iter_mut().zip(lanes());
                places.for_each(|(value, lane)| *value = f32::from_bits(*lane));
            }
            WeightFormat::Bf16 => {
                for (values, lane) in row.chunks_mut(2).zip(lanes()) {
                    let halves = [lane & 0xffff, lane >> 16];
                    let places = values.iter_mut().zip(halves);
                    places.for_each(|(value, bits)| *value = f32::from_bits(bits << 16));
                }
            }
            WeightFormat::Q8_0 => read_q8_0_row(self.panel(panel), column, row),
            WeightFormat::Q4K => {}
        }
    }

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

    /// `y ← y + x Wᵀ` for an `x` that is given as its transpose, `(inputs,
    /// rows)`: the gradient of a weight is such a product. In f32.
    ///
    /// # Panics
    /// When a length does not fit, or the format is another.
    pub fn multiply_add_transposed_rows(&self, x: &[f32], y: &mut [f32]) {
        assert_eq!(self.format, WeightFormat::F32, "the format is another");
        let rows = self.rows_of(x, y);
        if rows == 0 {
            return;
        }
        let operand = FloatRows::pack_transposed(x, rows, self.inputs);
        let product = Product {
            weights: self,
            bias: None,
            adds: true,
            rows,
            y: SharedMut::new(y),
        };
        let cost = rows * self.inputs * self.outputs;
        for_ranges(self.outputs.div_ceil(PANEL), cost, |range| {
            product.float(FloatLane::F32, &operand, range);
        });
    }

    /// How many rows there are, their lengths checked.
    fn rows_of(&self, x: &[f32], y: &[f32]) -> usize {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), rows * self.inputs, "x is no whole number of rows");
        assert_eq!(
            y.len(),
            rows * self.outputs,
            "y has another number of rows than x"
        );
        rows
    }

    fn product(&self, x: &[f32], bias: Option<&[f32]>, adds: bool, y: &mut [f32]) {
        let rows = self.rows_of(x, y);
        assert!(
            bias.is_none_or(|bias| bias.len() == self.outputs),
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
        let cost = rows * self.inputs * self.outputs;
        let panels = self.outputs.div_ceil(PANEL);
        match self.format {
            WeightFormat::F32 | WeightFormat::Bf16 => {
                let lane = if self.format == WeightFormat::F32 {
                    FloatLane::F32
                } else {
                    FloatLane::Bf16
                };
                let operand = FloatRows::pack(lane, x, rows, self.inputs);
                for_ranges(panels, cost, |range| product.float(lane, &operand, range));
            }
            WeightFormat::Q8_0 => {
                let operand = QuantisedRows::pack(x, rows, self.inputs, Q8_0_BLOCK);
                for_ranges(panels, cost, |range| product.q8_0(&operand, range));
            }
            WeightFormat::Q4K => {
                let operand = QuantisedRows::pack(x, rows, self.inputs, Q4K_BLOCK);
                for_ranges(panels, cost, |range| product.q4k(&operand, range));
            }
        }
    }

    fn panel(&self, index: usize) -> &[u8] {
        &self.data.as_slice()[index * self.panel_bytes..(index + 1) * self.panel_bytes]
    }

    pub(crate) fn lanes_of_panel(&self, index: usize) -> &[u32] {
        let lanes = self.panel_bytes / 4;
        &self.data.as_slice()[index * lanes..(index + 1) * lanes]
    }
}

fn check_shape(length: usize, outputs: usize, inputs: usize) -> Result<(), PackError> {
    if length != outputs * inputs || inputs == 0 {
        let reason = "the weights are not as many as the shape says";
        return Err(PackError { reason });
    }
    Ok(())
}

fn check_level(proof: Avx512, format: WeightFormat) -> Result<(), PackError> {
    if proof.level() < format.level() {
        let reason = "the processor lacks the instructions for this format";
        return Err(PackError { reason });
    }
    Ok(())
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
        let stride = self.weights.outputs;
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
                for block in row_blocks(self.rows, FLOAT_ROWS) {
                    let rows = &rows.block(block)[part * LANES_AT_A_TIME * block.rows..];
                    let output = self.output(block, panel);
                    // SAFETY: the weights exist, so the processor has what
                    // their format needs; ranges of panels are disjoint, and
                    // with them the columns of `y` that a thread writes.
                    unsafe { float_tile(lane, rows, columns, block.rows, start, output) };
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
                self.integer_rows(rows, first, columns, &bias, panel);
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
                self.integer_rows(rows, block * (Q4K_BLOCK / GROUP), columns, &bias, panel);
            }
        }
    }

    /// All rows by some groups of a panel, the first of which is `group`.
    fn integer_rows(
        &self,
        rows: &QuantisedRows,
        group: usize,
        columns: IntegerColumns,
        bias: &[f32; PANEL],
        panel: usize,
    ) {
        let start = self.start(group == 0, bias);
        for block in row_blocks(self.rows, INTEGER_ROWS) {
            let output = self.output(block, panel);
            // SAFETY: as in `float`.
            unsafe { integer_tile(rows.block(block, group), columns, start, output) };
        }
    }
}

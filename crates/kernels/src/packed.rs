//! Weights in the order in which the inner loops read them.

use half::bf16;

use crate::buffer::Buffer;
use crate::cpu::{Avx512, Level};
use crate::micro::PANEL;
use crate::parallel::{SharedMut, for_ranges};
use crate::quantised::{
    Q4K_BLOCK, Q8_0_BLOCK, pack_q4k, pack_q8_0, packed_q4k_bytes, packed_q8_0_bytes, read_q8_0_row,
};

/// How weights are stored and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightFormat {
    /// 32 bit.
    F32,
    /// 16 bit; inputs are rounded to bf16 and summed up in f32.
    Bf16,
    /// ggml's Q8_0: 32 weights of 8 bits share an f16 scale. Inputs are
    /// rounded to 8 bits, 128 of them with a scale of their own.
    Q8_0,
    /// ggml's Q4_K: 256 weights of 4 bits, with scales and minima of 6 bits for
    /// 32. Inputs as for Q8_0.
    Q4K,
}

impl WeightFormat {
    pub(crate) const ALL: [Self; 4] = [Self::F32, Self::Bf16, Self::Q8_0, Self::Q4K];

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
        // Before anything is computed from a shape that is none.
        let block_bytes = crate::quantised::block_bytes(format);
        let row_bytes = inputs.div_ceil(format.block()).checked_mul(block_bytes);
        let bytes = row_bytes.and_then(|row_bytes| row_bytes.checked_mul(outputs));
        let (Some(row_bytes), true) = (row_bytes, bytes == Some(blocks.len()) && inputs > 0) else {
            let reason = "the blocks are not as many as the shape says";
            return Err(PackError { reason });
        };
        let (panel_bytes, pack): (_, PackPanel) = match format {
            WeightFormat::Q8_0 => (packed_q8_0_bytes(inputs), pack_q8_0),
            WeightFormat::Q4K => (packed_q4k_bytes(inputs), pack_q4k),
            WeightFormat::F32 | WeightFormat::Bf16 => {
                let reason = "the format is not one of blocks";
                return Err(PackError { reason });
            }
        };
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

    pub(crate) fn panel(&self, index: usize) -> &[u8] {
        &self.data.as_slice()[index * self.panel_bytes..(index + 1) * self.panel_bytes]
    }

    /// What lies behind the first `end` bytes of a panel, at most `count`
    /// bytes: the rest of it, then the next panel.
    pub(crate) fn behind(&self, panel: usize, end: usize, count: usize) -> &[u8] {
        let data = self.data.as_slice();
        let start = data.len().min(panel * self.panel_bytes + end);
        &data[start..data.len().min(start + count)]
    }

    /// The lanes of all panels.
    pub(crate) fn lanes(&self) -> &[u32] {
        self.data.as_slice()
    }

    pub(crate) fn lanes_of_panel(&self, index: usize) -> &[u32] {
        let lanes = self.panel_bytes / 4;
        &self.data.as_slice()[index * lanes..(index + 1) * lanes]
    }
}

fn check_shape(length: usize, outputs: usize, inputs: usize) -> Result<(), PackError> {
    if outputs.checked_mul(inputs) != Some(length) || inputs == 0 {
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

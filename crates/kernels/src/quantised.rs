//! ggml's block formats, packed for panels of 32 outputs.

use half::f16;

use crate::buffer::Buffer;
use crate::micro::{GROUP, IntegerColumns, PANEL, Scaling};
use crate::packed::WeightFormat;

/// Weights of a Q8_0 block.
pub const Q8_0_BLOCK: usize = 32;
/// Its bytes: an f16 scale and 32 signed bytes.
pub const Q8_0_BLOCK_BYTES: usize = 2 + Q8_0_BLOCK;
/// Weights of a Q4_K block.
pub const Q4K_BLOCK: usize = 256;
/// Its bytes: two f16, 12 bytes of scales and minima, 128 bytes of nibbles.
pub const Q4K_BLOCK_BYTES: usize = 4 + 12 + Q4K_BLOCK / 2;

/// Groups of 32 in a Q4_K block.
const GROUPS: usize = Q4K_BLOCK / GROUP;

/// Bytes of a block of a quantised format.
pub(crate) fn block_bytes(format: WeightFormat) -> usize {
    match format {
        WeightFormat::Q8_0 => Q8_0_BLOCK_BYTES,
        WeightFormat::Q4K => Q4K_BLOCK_BYTES,
        WeightFormat::F32 => 4,
        WeightFormat::Bf16 => 2,
    }
}

/// Bytes of a packed panel of Q8_0: all scales, then all values.
pub(crate) fn packed_q8_0_bytes(inputs: usize) -> usize {
    inputs.div_ceil(GROUP) * PANEL * (2 + GROUP)
}

/// Packs rows of Q8_0 blocks: scales `[group][column]` as f16, then values
/// `[group][lane][column][4]`, made unsigned by adding 128.
pub(crate) fn pack_q8_0(blocks: &[u8], panel: &mut [u8], columns: usize, inputs: usize) {
    let groups = inputs.div_ceil(GROUP);
    let (scales, values) = panel.split_at_mut(groups * PANEL * 2);
    for column in 0..columns {
        for group in 0..groups {
            let block = &blocks[(column * groups + group) * Q8_0_BLOCK_BYTES..][..Q8_0_BLOCK_BYTES];
            scales[(group * PANEL + column) * 2..][..2].copy_from_slice(&block[..2]);
            for (lane, bytes) in block[2..].chunks_exact(4).enumerate() {
                let at = ((group * 8 + lane) * PANEL + column) * 4;
                for (place, byte) in values[at..at + 4].iter_mut().zip(bytes) {
                    *place = byte ^ 0x80;
                }
            }
        }
    }
}

/// A column of a packed panel, decoded.
pub(crate) fn read_q8_0_row(panel: &[u8], column: usize, row: &mut [f32]) {
    let groups = row.len().div_ceil(GROUP);
    let (scales, values) = panel.split_at(groups * PANEL * 2);
    for (group, row) in row.chunks_mut(GROUP).enumerate() {
        let scale = &scales[(group * PANEL + column) * 2..];
        let scale = f16::from_le_bytes([scale[0], scale[1]]).to_f32();
        for (lane, row) in row.chunks_mut(4).enumerate() {
            let bytes = &values[((group * 8 + lane) * PANEL + column) * 4..];
            for (value, byte) in row.iter_mut().zip(bytes) {
                *value = scale * f32::from((byte ^ 0x80).cast_signed());
            }
        }
    }
}

/// Bytes of a packed panel of Q4_K, one block after the other: f16 scale and
/// f16 minimum of each column, 8-bit scales and minima `[group][column]`, and
/// nibbles `[pair of groups][lane][column][4]`, the first group of a pair in
/// the low ones.
pub(crate) fn packed_q4k_bytes(inputs: usize) -> usize {
    inputs.div_ceil(Q4K_BLOCK) * PANEL * (4 + 2 * GROUPS + Q4K_BLOCK / 2)
}

/// Where the parts of a packed Q4_K block begin.
const MINIMUM_OF_BLOCK: usize = 2 * PANEL;
const GROUP_SCALES: usize = 4 * PANEL;
const GROUP_MINIMA: usize = GROUP_SCALES + GROUPS * PANEL;
const NIBBLES: usize = GROUP_MINIMA + GROUPS * PANEL;

/// Packs rows of Q4_K blocks.
pub(crate) fn pack_q4k(blocks: &[u8], panel: &mut [u8], columns: usize, inputs: usize) {
    let row_blocks = inputs.div_ceil(Q4K_BLOCK);
    let packed_blocks = panel.chunks_exact_mut(packed_q4k_bytes(Q4K_BLOCK));
    for (index, packed) in packed_blocks.enumerate() {
        for column in 0..columns {
            let block =
                &blocks[(column * row_blocks + index) * Q4K_BLOCK_BYTES..][..Q4K_BLOCK_BYTES];
            packed[2 * column..][..2].copy_from_slice(&block[..2]);
            packed[MINIMUM_OF_BLOCK + 2 * column..][..2].copy_from_slice(&block[2..4]);
            for group in 0..GROUPS {
                let (scale, minimum) = six_bits(&block[4..16], group);
                packed[GROUP_SCALES + group * PANEL + column] = scale;
                packed[GROUP_MINIMA + group * PANEL + column] = minimum;
            }
            // ggml pairs the groups as the nibbles are paired here.
            for (pair, nibbles) in block[16..].chunks_exact(GROUP).enumerate() {
                for (lane, bytes) in nibbles.chunks_exact(4).enumerate() {
                    let at = NIBBLES + ((pair * 8 + lane) * PANEL + column) * 4;
                    packed[at..at + 4].copy_from_slice(bytes);
                }
            }
        }
    }
}

/// Scale and minimum of a group, 6 bits each, from ggml's 12 bytes: the first
/// four groups have theirs in the low bits of bytes 0 to 3 and 4 to 7, the
/// others in the nibbles of bytes 8 to 11 and the high bits of the former.
fn six_bits(bytes: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        (bytes[group] & 63, bytes[group + 4] & 63)
    } else {
        let both = bytes[group + 4];
        (
            (both & 15) | (bytes[group - 4] >> 6) << 4,
            (both >> 4) | (bytes[group] >> 6) << 4,
        )
    }
}

/// A packed Q4_K block as the inner loop takes it.
pub(crate) struct DecodedQ4K {
    values: Buffer,
    scales: Buffer,
    minima: Buffer,
}

impl DecodedQ4K {
    pub(crate) fn new() -> Self {
        Self {
            values: Buffer::zeroed(Q4K_BLOCK * PANEL),
            scales: Buffer::zeroed(GROUPS * PANEL * 4),
            minima: Buffer::zeroed(GROUPS * PANEL * 4),
        }
    }

    pub(crate) fn columns(&self) -> IntegerColumns<'_> {
        IntegerColumns {
            values: self.values.as_slice(),
            scaling: Scaling::Affine {
                scales: self.scales.as_slice(),
                minima: self.minima.as_slice(),
            },
        }
    }
}

/// Takes a packed block apart.
///
/// # Safety
/// On x86-64 the processor has AVX-512 F, BW and F16C: the loops are compiled
/// for them.
#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "avx512f,avx512bw,avx512vl,f16c")
)]
pub(crate) unsafe fn decode_q4k(packed: &[u8], decoded: &mut DecodedQ4K) {
    let factors = |at: usize| {
        let mut factors = [0f32; PANEL];
        for (factor, bytes) in factors.iter_mut().zip(packed[at..].chunks_exact(2)) {
            *factor = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
        }
        factors
    };
    for (of_block, of_groups, place) in [
        (0, GROUP_SCALES, &mut decoded.scales),
        (MINIMUM_OF_BLOCK, GROUP_MINIMA, &mut decoded.minima),
    ] {
        let factors = factors(of_block);
        let groups = packed[of_groups..][..GROUPS * PANEL].chunks_exact(PANEL);
        let places = place.as_mut_slice::<f32>().chunks_exact_mut(PANEL);
        for (place, bytes) in places.zip(groups) {
            for ((place, byte), factor) in place.iter_mut().zip(bytes).zip(factors) {
                *place = f32::from(*byte) * factor;
            }
        }
    }
    let values = decoded.values.as_mut_slice::<u8>();
    let pairs = packed[NIBBLES..].chunks_exact(GROUP * PANEL);
    for (values, nibbles) in values.chunks_exact_mut(2 * GROUP * PANEL).zip(pairs) {
        let (low, high) = values.split_at_mut(GROUP * PANEL);
        for ((low, high), byte) in low.iter_mut().zip(high).zip(nibbles) {
            *low = byte & 15;
            *high = byte >> 4;
        }
    }
}

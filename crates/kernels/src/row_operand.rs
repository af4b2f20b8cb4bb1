//! The rows of an input in the order in which the inner loops read them.

use half::bf16;

use crate::buffer::Buffer;
use crate::micro::{
    FLOAT_ROWS, FloatLane, GROUP, INTEGER_ROWS, IntegerRows, SHARED, largest_of, round_group,
};
use crate::parallel::{SharedMut, for_ranges};
use crate::rows::{RowBlock, row_blocks};

/// Lanes of a group.
const LANES: usize = GROUP / 4;

/// Rows for products in f32 or bf16: blocks one after the other, each
/// `[lane][row]`.
pub(crate) struct FloatRows {
    data: Buffer,
    lanes: usize,
}

impl FloatRows {
    pub(crate) fn pack(lane: FloatLane, x: &[f32], rows: usize, inputs: usize) -> Self {
        let lanes = match lane {
            FloatLane::F32 => inputs,
            FloatLane::Bf16 => inputs.div_ceil(2),
        };
        Self::by_blocks(rows, lanes, |block, packed| {
            for row in 0..block.rows {
                let x = &x[(block.start + row) * inputs..][..inputs];
                let places = packed[row..].iter_mut().step_by(block.rows);
                match lane {
                    FloatLane::F32 => places
                        .zip(x)
                        .for_each(|(place, value)| *place = value.to_bits()),
                    FloatLane::Bf16 => places.zip(x.chunks(2)).for_each(|(place, pair)| {
                        let bits = |value: &f32| u32::from(bf16::from_f32(*value).to_bits());
                        *place = bits(&pair[0]) | pair.get(1).map_or(0, bits) << 16;
                    }),
                }
            }
        })
    }

    /// Rows of so many lanes, each block of which `fill` writes.
    fn by_blocks(rows: usize, lanes: usize, fill: impl Fn(RowBlock, &mut [u32]) + Sync) -> Self {
        let mut data = Buffer::zeroed(rows * lanes * 4);
        let packed = SharedMut::new(data.as_mut_slice::<u32>());
        let blocks: Vec<RowBlock> = row_blocks(rows, FLOAT_ROWS).collect();
        for_ranges(blocks.len(), rows * lanes * 4, |range| {
            for block in &blocks[range] {
                // SAFETY: blocks are disjoint, and so are their places in the
                // buffer, which has `lanes` elements for each row.
                let places = unsafe { slice(packed, block.start * lanes, block.rows * lanes) };
                fill(*block, places);
            }
        });
        Self { data, lanes }
    }

    pub(crate) fn block(&self, block: RowBlock) -> &[u32] {
        &self.data.as_slice()[block.start * self.lanes..][..block.rows * self.lanes]
    }
}

/// Rows rounded to 8 bits, 128 values with a scale of their own: blocks one
/// after the other, each `[group][lane][row][4]`.
pub(crate) struct QuantisedRows {
    groups: usize,
    values: Buffer,
    scales: Buffer,
    sums: Buffer,
    excesses: Buffer,
}

impl QuantisedRows {
    /// Rounds rows whose length is padded with zeros to a multiple of `block`.
    pub(crate) fn pack(x: &[f32], rows: usize, inputs: usize, block: usize) -> Self {
        let groups = inputs.div_ceil(block) * (block / GROUP);
        let mut packed = Self {
            groups,
            values: Buffer::zeroed(rows * groups * GROUP),
            scales: Buffer::zeroed(rows * groups * 4),
            sums: Buffer::zeroed(rows * groups * 4),
            excesses: Buffer::zeroed(rows * groups * 4),
        };
        let values = SharedMut::new(packed.values.as_mut_slice::<u32>());
        let scales = SharedMut::new(packed.scales.as_mut_slice::<f32>());
        let sums = SharedMut::new(packed.sums.as_mut_slice::<f32>());
        let excesses = SharedMut::new(packed.excesses.as_mut_slice::<i32>());
        let blocks: Vec<RowBlock> = row_blocks(rows, INTEGER_ROWS).collect();
        for_ranges(blocks.len(), rows * inputs * 8, |range| {
            for block in &blocks[range] {
                let (first, count) = (block.start * groups, block.rows * groups);
                // SAFETY: blocks are disjoint, and so are their places in the
                // buffers, which have `groups` elements, and 32 values for
                // each, a row.
                let mut places = unsafe {
                    Places {
                        values: slice(values, first * LANES, count * LANES),
                        scales: slice(scales, first, count),
                        sums: slice(sums, first, count),
                        excesses: slice(excesses, first, count),
                        rows: block.rows,
                    }
                };
                for row in 0..block.rows {
                    let x = &x[(block.start + row) * inputs..][..inputs];
                    for (index, x) in x.chunks(SHARED * GROUP).enumerate() {
                        // SAFETY: quantised weights exist, so the processor has
                        // AVX-512.
                        unsafe { places.put(row, index * SHARED, x) };
                    }
                }
            }
        });
        packed
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// A block of rows from a group on.
    pub(crate) fn block(&self, block: RowBlock, group: usize) -> IntegerRows<'_> {
        let first = block.start * self.groups + group * block.rows;
        let end = (block.start + block.rows) * self.groups;
        IntegerRows {
            values: &self.values.as_slice()[first * LANES..end * LANES],
            scales: &self.scales.as_slice()[first..end],
            sums: &self.sums.as_slice()[first..end],
            excesses: &self.excesses.as_slice()[first..end],
            rows: block.rows,
        }
    }
}

/// # Safety
/// The range lies in the buffer behind the pointer and nobody else uses it.
unsafe fn slice<'a, T>(pointer: SharedMut<T>, first: usize, count: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(pointer.get().add(first), count) }
}

/// Where one block of rows goes.
struct Places<'a> {
    values: &'a mut [u32],
    scales: &'a mut [f32],
    sums: &'a mut [f32],
    excesses: &'a mut [i32],
    rows: usize,
}

impl Places<'_> {
    /// Rounds up to 128 values of a row, whose groups begin with `first`; what is
    /// missing stays zero.
    ///
    /// # Safety
    /// On x86-64 the processor has AVX-512 F and BW: compiled for them, this has
    /// the work on a group within it instead of calling it twice for 32 values.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512bw"))]
    unsafe fn put(&mut self, row: usize, first: usize, x: &[f32]) {
        let mut padded = [0f32; SHARED * GROUP];
        let x = match <&[f32; SHARED * GROUP]>::try_from(x) {
            Ok(whole) => whole,
            Err(_) => {
                padded[..x.len()].copy_from_slice(x);
                &padded
            }
        };
        let (groups, _) = x.as_chunks::<GROUP>();
        let mut largest = 0f32;
        for group in groups {
            // SAFETY: the caller's promise.
            let size = unsafe { largest_of(group) };
            largest = if largest.is_nan() || largest > size {
                largest
            } else {
                size
            };
        }
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let scale = largest / 127.0;
        let count = groups.len().min(self.scales.len() / self.rows - first);
        for (group, x) in (first..).zip(&groups[..count]) {
            // SAFETY: the caller's promise.
            let rounded = unsafe { round_group(x, inverse) };
            let at = group * self.rows + row;
            self.scales[at] = scale;
            self.sums[at] = rounded.sum as f32;
            // Wraps only where the scale is not a number.
            self.excesses[at] = rounded.sum.wrapping_mul(128);
            let lanes = &mut self.values[group * LANES * self.rows..][..LANES * self.rows];
            let places = lanes[row..].iter_mut().step_by(self.rows);
            places
                .zip(rounded.lanes)
                .for_each(|(place, lane)| *place = lane);
        }
    }
}

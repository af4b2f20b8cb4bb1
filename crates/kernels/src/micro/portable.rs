//! The same loops in plain Rust, for processors on which nobody calls them:
//! the crate builds there, and its kernels are never chosen.

use half::{bf16, f16};

use super::{
    FloatBlock, FloatLane, GROUP, IntegerColumns, IntegerRows, Order, Output, PANEL, RoundedGroup,
    Scaling, Start,
};

/// # Safety
/// As for `super::float_tile`.
unsafe fn update(row: usize, start: Start, output: Output, add: impl Fn(usize) -> f32) {
    for column in 0..output.columns {
        // SAFETY: the caller's promise. Where the output is not part of the start,
        // nothing may be there yet.
        unsafe {
            let element = output.first.add(row * output.stride + column);
            let first = match start {
                Start::Zero => 0.0,
                Start::Row(row) => row[column],
                Start::Output => element.read(),
                Start::OutputAnd(row) => row[column] + element.read(),
            };
            element.write(first + add(column));
        }
    }
}

/// # Safety
/// As for `super::float_tile`.
pub(super) unsafe fn float_tile(
    lane: FloatLane,
    rows: FloatBlock,
    columns: &[u32],
    start: Start,
    output: Output,
) {
    let (from_row, from_lane) = match rows.order {
        Order::ByLane(stride) => (1, stride),
        Order::ByRow(stride) => (stride, 1),
    };
    let product = |a: u32, b: u32| match lane {
        FloatLane::F32 => f32::from_bits(a) * f32::from_bits(b),
        FloatLane::Bf16 => {
            let half = |bits: u32, shift: u32| bf16::from_bits((bits >> shift) as u16).to_f32();
            half(a, 0) * half(b, 0) + half(a, 16) * half(b, 16)
        }
    };
    for row in 0..rows.rows {
        let sum = |column: usize| {
            (0..columns.len() / PANEL)
                .map(|lane| {
                    let value = rows.values[lane * from_lane + row * from_row];
                    product(value, columns[lane * PANEL + column])
                })
                .sum::<f32>()
        };
        // SAFETY: the caller's promise.
        unsafe { update(row, start, output, sum) };
    }
}

/// # Safety
/// As for `super::integer_tile`.
pub(super) unsafe fn integer_tile(
    groups: usize,
    rows: IntegerRows,
    columns: IntegerColumns,
    start: Start,
    output: Output,
) {
    for row in 0..rows.rows {
        let group_value = |group: usize, column: usize| {
            let mut product = 0i32;
            for lane in 0..GROUP / 4 {
                for byte in 0..4 {
                    let a =
                        rows.values[(group * 8 + lane) * rows.rows + row].to_le_bytes()[byte] as i8;
                    let b = columns.values[((group * 8 + lane) * PANEL + column) * 4 + byte];
                    product += i32::from(a) * i32::from(b);
                }
            }
            let at = group * PANEL + column;
            let of_row = group * rows.rows + row;
            let value = match columns.scaling {
                Scaling::Symmetric { scales } => {
                    let scale = f16::from_le_bytes([scales[2 * at], scales[2 * at + 1]]);
                    (product - rows.excesses[of_row]) as f32 * scale.to_f32()
                }
                Scaling::Affine { scales, minima } => {
                    product as f32 * scales[at] - minima[at] * rows.sums[of_row]
                }
            };
            value * rows.scales[of_row]
        };
        let sum = |column| {
            (0..groups)
                .map(|group| group_value(group, column))
                .sum::<f32>()
        };
        // SAFETY: the caller's promise.
        unsafe { update(row, start, output, sum) };
    }
}

/// # Safety
/// None.
pub(super) unsafe fn largest_of(values: &[f32; GROUP]) -> f32 {
    let sizes = values.iter().map(|value| value.abs());
    sizes.fold(0f32, f32::max) + values.iter().sum::<f32>() * 0.0
}

/// # Safety
/// None.
pub(super) unsafe fn round_group(values: &[f32; GROUP], inverse: f32) -> RoundedGroup {
    let rounded = values.map(|value| (value * inverse).round_ties_even() as i8);
    let lane = |lane: usize| {
        let bytes = &rounded[4 * lane..4 * lane + 4];
        u32::from_le_bytes([
            bytes[0] as u8,
            bytes[1] as u8,
            bytes[2] as u8,
            bytes[3] as u8,
        ])
    };
    RoundedGroup {
        lanes: std::array::from_fn(lane),
        sum: rounded.iter().map(|&value| i32::from(value)).sum(),
    }
}

/// # Safety
/// None.
pub(super) unsafe fn transpose_16(from: &[u32], to: &mut [u32], apart: (usize, usize)) {
    for row in 0..16 {
        for column in 0..16 {
            to[column * apart.1 + row] = from[row * apart.0 + column];
        }
    }
}

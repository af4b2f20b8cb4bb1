//! The inner loops: a few rows times a panel of 32 columns, all sums in
//! registers.
//!
//! A lane is 32 bits of a row: one f32, two bf16 or four 8-bit integers.
//! Columns lie so that the loop reads them from front to back, `[lane][column]`;
//! rows as `[lane][row]` as well, or as they are.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(not(target_arch = "x86_64"))]
mod portable;

#[cfg(target_arch = "x86_64")]
use avx512 as arch;
#[cfg(not(target_arch = "x86_64"))]
use portable as arch;

/// Columns of a panel: two registers of f32.
pub(crate) const PANEL: usize = 32;

/// Most rows of a block of [`float_tile`]: 24 of the 32 registers hold sums.
pub(crate) const FLOAT_ROWS: usize = 12;

/// Most rows of a block of [`integer_tile`], which keeps two kinds of sums.
pub(crate) const INTEGER_ROWS: usize = 6;

/// Values that share a scale in [`integer_tile`]: eight lanes.
pub(crate) const GROUP: usize = 32;

/// Groups of a row that share a scale. One of its own for each would cost a
/// multiplication more for every group, row and column, on the ports that the
/// products need.
pub(crate) const SHARED: usize = 4;

/// Where a block of rows of the output begins, and how it goes on.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    /// First row, first column of the panel.
    pub(crate) first: *mut f32,
    /// From one row to the next, in elements.
    pub(crate) stride: usize,
    /// Columns of the panel that exist, at most [`PANEL`].
    pub(crate) columns: usize,
}

/// What the sums begin with.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Zero.
    Zero,
    /// The same for every row: `[column]`, [`PANEL`] of them.
    Row(&'a [f32; PANEL]),
    /// What the output holds already.
    Output,
    /// That and the same for every row.
    OutputAnd(&'a [f32; PANEL]),
}

/// A block of at most [`FLOAT_ROWS`] rows for [`float_tile`].
#[derive(Clone, Copy)]
pub(crate) struct FloatBlock<'a> {
    /// The lanes, from the first one of the first row on.
    pub(crate) values: &'a [u32],
    pub(crate) rows: usize,
    pub(crate) order: Order,
}

/// Where the lanes of a [`FloatBlock`] lie.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    /// A lane's rows side by side, from one lane to the next so many elements:
    /// the rows are columns of a matrix.
    ByLane(usize),
    /// A row's lanes side by side, from one row to the next so many elements: the
    /// rows are those of a matrix. In f32 alone.
    ByRow(usize),
}

impl<'a> FloatBlock<'a> {
    /// Rows that were packed for the loop, `[lane][row]`.
    pub(crate) fn packed(values: &'a [u32], rows: usize) -> Self {
        Self {
            values,
            rows,
            order: Order::ByLane(rows),
        }
    }

    /// Whether it has so many lanes.
    fn has(&self, lanes: usize) -> bool {
        let (steps, stride, run) = match self.order {
            Order::ByLane(stride) => (lanes, stride, self.rows),
            Order::ByRow(stride) => (self.rows, stride, lanes),
        };
        lanes == 0 || self.values.len() >= (steps - 1) * stride + run
    }
}

/// Numbers as the loops take them.
pub(crate) fn bits_of(values: &[f32]) -> &[u32] {
    // SAFETY: both have 32 bits and the same alignment, and every bit pattern is
    // a value.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// How the lanes of [`float_tile`] are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatLane {
    /// One f32.
    F32,
    /// Two bf16, summed up in f32.
    Bf16,
}

/// Quantised columns, 8 bits a value, for [`integer_tile`].
#[derive(Clone, Copy)]
pub(crate) struct IntegerColumns<'a> {
    /// Unsigned values, `[group][lane of 8][column][4]`.
    pub(crate) values: &'a [u8],
    pub(crate) scaling: Scaling<'a>,
}

/// What the values of a group stand for.
#[derive(Clone, Copy)]
pub(crate) enum Scaling<'a> {
    /// `(value - 128) · scale`; f16 `[group][column]`, as their bytes.
    Symmetric { scales: &'a [u8] },
    /// `value · scale - minimum`; `[group][column]` each.
    Affine {
        scales: &'a [f32],
        minima: &'a [f32],
    },
}

/// Quantised rows for [`integer_tile`]: one block of at most [`INTEGER_ROWS`].
#[derive(Clone, Copy)]
pub(crate) struct IntegerRows<'a> {
    /// Signed values, `[group][lane of 8][row]`, four a lane.
    pub(crate) values: &'a [u32],
    /// What the values of a group are multiplied by, `[group][row]`: the same for
    /// [`SHARED`] groups.
    pub(crate) scales: &'a [f32],
    /// A group's sum of values, `[group][row]`.
    pub(crate) sums: &'a [f32],
    /// 128 times that: what symmetric columns, stored 128 too large, add.
    pub(crate) excesses: &'a [i32],
    pub(crate) rows: usize,
}

/// Multiplies a block of rows by a panel of columns, which has their lanes.
///
/// # Safety
/// The processor has AVX-512 F, and BF16 for [`FloatLane::Bf16`]. `output` is
/// valid for the rows, each of `output.columns` elements, which nobody else uses
/// meanwhile.
pub(crate) unsafe fn float_tile(
    lane: FloatLane,
    rows: FloatBlock,
    columns: &[u32],
    start: Start,
    output: Output,
) {
    let lanes = columns.len() / PANEL;
    assert!(rows.has(lanes) && columns.len() == lanes * PANEL);
    assert!((1..=FLOAT_ROWS).contains(&rows.rows) && output.columns <= PANEL);
    assert!(lane == FloatLane::F32 || matches!(rows.order, Order::ByLane(_)));
    // SAFETY: the lengths were checked, the rest is the caller's promise.
    unsafe { arch::float_tile(lane, rows, columns, start, output) }
}

/// Multiplies all groups of a block of quantised rows by a panel of quantised
/// columns.
///
/// # Safety
/// The processor has AVX-512 F, BW and VNNI. `output` as for [`float_tile`].
pub(crate) unsafe fn integer_tile(
    rows: IntegerRows,
    columns: IntegerColumns,
    start: Start,
    output: Output,
) {
    let groups = columns.values.len() / (GROUP * PANEL);
    assert!((1..=INTEGER_ROWS).contains(&rows.rows) && output.columns <= PANEL);
    assert!(rows.values.len() >= groups * (GROUP / 4) * rows.rows);
    for length in [rows.scales.len(), rows.sums.len(), rows.excesses.len()] {
        assert!(length >= groups * rows.rows);
    }
    assert!(match columns.scaling {
        Scaling::Symmetric { scales } => scales.len() >= groups * PANEL * 2,
        Scaling::Affine { scales, minima } =>
            scales.len() >= groups * PANEL && minima.len() >= groups * PANEL,
    });
    // SAFETY: the lengths were checked, the rest is the caller's promise.
    unsafe { arch::integer_tile(groups, rows, columns, start, output) }
}

/// A group of values rounded to 8 bits.
pub(crate) struct RoundedGroup {
    /// Four values a lane, as their bits, the first in the lowest byte.
    pub(crate) lanes: [u32; GROUP / 4],
    pub(crate) sum: i32,
}

/// The largest absolute value; not a number where one of them is none or
/// infinite.
///
/// # Safety
/// The processor has AVX-512 F and BW.
#[inline]
pub(crate) unsafe fn largest_of(values: &[f32; GROUP]) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { arch::largest_of(values) }
}

/// Rounds values times `inverse` to whole numbers; their sizes are at most 127
/// then.
///
/// # Safety
/// The processor has AVX-512 F and BW.
#[inline]
pub(crate) unsafe fn round_group(values: &[f32; GROUP], inverse: f32) -> RoundedGroup {
    // SAFETY: the caller's promise.
    unsafe { arch::round_group(values, inverse) }
}

/// Transposes a square of 16 lanes, whose rows are `apart` on either side.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline]
pub(crate) unsafe fn transpose_16(from: &[u32], to: &mut [u32], apart: (usize, usize)) {
    assert!(from.len() >= 15 * apart.0 + 16 && to.len() >= 15 * apart.1 + 16);
    // SAFETY: the lengths were checked, the rest is the caller's promise.
    unsafe { arch::transpose_16(from, to, apart) }
}

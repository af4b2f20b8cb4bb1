//! The inner loops in AVX-512.

use core::arch::x86_64::*;

use super::{
    FloatBlock, FloatLane, GROUP, IntegerColumns, IntegerRows, Order, Output, PANEL, RoundedGroup,
    SHARED, Scaling, Start,
};

/// Which of the 32 columns exist, as masks of the two registers.
#[inline]
fn masks(columns: usize) -> [__mmask16; 2] {
    let bits = if columns >= PANEL {
        u32::MAX
    } else {
        (1u32 << columns) - 1
    };
    [bits as u16, (bits >> 16) as u16]
}

/// What the sums of `ROWS` rows begin with.
///
/// # Safety
/// As for `float_tile`.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn first_sums<const ROWS: usize>(start: Start, output: Output) -> [[__m512; 2]; ROWS] {
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    if let Start::Row(row) | Start::OutputAnd(row) = start {
        // SAFETY: the row has 32 elements.
        let halves = unsafe {
            [
                _mm512_loadu_ps(row.as_ptr()),
                _mm512_loadu_ps(row.as_ptr().add(16)),
            ]
        };
        sums = [halves; ROWS];
    }
    if let Start::Output | Start::OutputAnd(_) = start {
        let masks = masks(output.columns);
        for (index, sums) in sums.iter_mut().enumerate() {
            for half in 0..2 {
                // SAFETY: the caller's promise; masked lanes are not read.
                let stored = unsafe {
                    let row = output.first.wrapping_add(index * output.stride + half * 16);
                    _mm512_maskz_loadu_ps(masks[half], row)
                };
                sums[half] = _mm512_add_ps(sums[half], stored);
            }
        }
    }
    sums
}

/// # Safety
/// As for `float_tile`.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn store<const ROWS: usize>(sums: [[__m512; 2]; ROWS], output: Output) {
    let masks = masks(output.columns);
    for (index, sums) in sums.iter().enumerate() {
        for half in 0..2 {
            // SAFETY: the caller's promise; masked lanes are not written.
            unsafe {
                let row = output.first.wrapping_add(index * output.stride + half * 16);
                _mm512_mask_storeu_ps(row, masks[half], sums[half]);
            }
        }
    }
}

macro_rules! float_rows {
    ($name:ident, $features:literal, |$row:ident, $column:ident, $sum:ident| $product:expr) => {
        /// Rows whose lanes are `stride` apart, or, where they lie `BY_ROW`, that
        /// are themselves.
        ///
        /// # Safety
        /// As for `float_tile`, with exactly `ROWS` rows.
        #[target_feature(enable = $features)]
        unsafe fn $name<const ROWS: usize, const BY_ROW: bool>(
            rows: &[u32],
            stride: usize,
            columns: &[u32],
            start: Start,
            output: Output,
        ) {
            let lanes = columns.len() / PANEL;
            let (from_row, from_lane) = if BY_ROW { (stride, 1) } else { (1, stride) };
            // SAFETY: `float_tile` checked that both slices hold `lanes` lanes
            // of 32 columns and of `ROWS` rows; the output is the caller's.
            unsafe {
                let mut sums = first_sums::<ROWS>(start, output);
                let (mut rows, mut columns) = (rows.as_ptr(), columns.as_ptr());
                for _ in 0..lanes {
                    let low = _mm512_loadu_si512(columns.cast());
                    let high = _mm512_loadu_si512(columns.add(16).cast());
                    for (index, sums) in sums.iter_mut().enumerate() {
                        let $row = _mm512_set1_epi32(rows.add(index * from_row).read() as i32);
                        for (half, $column) in [low, high].into_iter().enumerate() {
                            let $sum = sums[half];
                            sums[half] = $product;
                        }
                    }
                    // Behind the last lane there may be nothing.
                    rows = rows.wrapping_add(from_lane);
                    columns = columns.add(PANEL);
                }
                store(sums, output);
            }
        }
    };
}

float_rows!(f32_rows, "avx512f,fma", |row, column, sum| _mm512_fmadd_ps(
    _mm512_castsi512_ps(row),
    _mm512_castsi512_ps(column),
    sum
));

float_rows!(bf16_rows, "avx512f,avx512bf16", |row, column, sum| {
    _mm512_dpbf16_ps(
        sum,
        // SAFETY: a register is a register; every bit pattern is 32 bf16.
        core::mem::transmute::<__m512i, __m512bh>(row),
        core::mem::transmute::<__m512i, __m512bh>(column),
    )
});

/// # Safety
/// As for `super::float_tile`.
pub(super) unsafe fn float_tile(
    lane: FloatLane,
    rows: FloatBlock,
    columns: &[u32],
    start: Start,
    output: Output,
) {
    macro_rules! dispatch {
        ($kernel:ident, $by_row:literal, $stride:ident: $($count:literal)*) => {
            match rows.rows {
                // SAFETY: the caller's promise, passed on.
                $($count => unsafe {
                    $kernel::<$count, $by_row>(rows.values, $stride, columns, start, output)
                },)*
                _ => {}
            }
        };
    }
    match (lane, rows.order) {
        (FloatLane::F32, Order::ByLane(stride)) => {
            dispatch!(f32_rows, false, stride: 1 2 3 4 5 6 7 8 9 10 11 12);
        }
        (FloatLane::F32, Order::ByRow(stride)) => {
            dispatch!(f32_rows, true, stride: 1 2 3 4 5 6 7 8 9 10 11 12);
        }
        (FloatLane::Bf16, Order::ByLane(stride) | Order::ByRow(stride)) => {
            dispatch!(bf16_rows, false, stride: 1 2 3 4 5 6 7 8 9 10 11 12);
        }
    }
}

/// # Safety
/// As for `super::integer_tile`, with exactly `ROWS` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,f16c,fma")]
unsafe fn integer_rows<const ROWS: usize, const AFFINE: bool>(
    groups: usize,
    rows: IntegerRows,
    columns: IntegerColumns,
    start: Start,
    output: Output,
) {
    const LANES: usize = GROUP / 4;
    // SAFETY: `integer_tile` checked that all slices hold `groups` groups; the
    // output is the caller's.
    unsafe {
        let mut sums = first_sums::<ROWS>(start, output);
        for first in (0..groups).step_by(SHARED) {
            let mut scaled = [[_mm512_setzero_ps(); 2]; ROWS];
            for group in first..groups.min(first + SHARED) {
                let row_values = rows.values.as_ptr().add(group * LANES * ROWS);
                let values = columns.values.as_ptr().add(group * GROUP * PANEL);
                let mut products = [[_mm512_setzero_si512(); 2]; ROWS];
                if !AFFINE {
                    for (index, products) in products.iter_mut().enumerate() {
                        let excess = rows.excesses.as_ptr().add(group * ROWS + index);
                        *products = [_mm512_set1_epi32(excess.read().wrapping_neg()); 2];
                    }
                }
                for lane in 0..LANES {
                    let low = _mm512_loadu_si512(values.add(lane * PANEL * 4).cast());
                    let high = _mm512_loadu_si512(values.add(lane * PANEL * 4 + 64).cast());
                    for (index, products) in products.iter_mut().enumerate() {
                        let row =
                            _mm512_set1_epi32(row_values.add(lane * ROWS + index).read() as i32);
                        products[0] = _mm512_dpbusd_epi32(products[0], low, row);
                        products[1] = _mm512_dpbusd_epi32(products[1], high, row);
                    }
                }
                for half in 0..2 {
                    let at = group * PANEL + half * 16;
                    let (scales, minima) = match columns.scaling {
                        Scaling::Symmetric { scales } => {
                            let scales = scales.as_ptr().add(at * 2).cast();
                            (
                                _mm512_cvtph_ps(_mm256_loadu_si256(scales)),
                                _mm512_setzero_ps(),
                            )
                        }
                        Scaling::Affine { scales, minima } => (
                            _mm512_loadu_ps(scales.as_ptr().add(at)),
                            _mm512_loadu_ps(minima.as_ptr().add(at)),
                        ),
                    };
                    for (index, (scaled, products)) in scaled.iter_mut().zip(&products).enumerate()
                    {
                        let products = _mm512_cvtepi32_ps(products[half]);
                        scaled[half] = _mm512_fmadd_ps(products, scales, scaled[half]);
                        if AFFINE {
                            let at = group * ROWS + index;
                            let row_sum = _mm512_set1_ps(*rows.sums.as_ptr().add(at));
                            scaled[half] = _mm512_fnmadd_ps(minima, row_sum, scaled[half]);
                        }
                    }
                }
            }
            for (index, (sums, scaled)) in sums.iter_mut().zip(&scaled).enumerate() {
                let at = first * ROWS + index;
                let row_scale = _mm512_set1_ps(*rows.scales.as_ptr().add(at));
                for half in 0..2 {
                    sums[half] = _mm512_fmadd_ps(scaled[half], row_scale, sums[half]);
                }
            }
        }
        store(sums, output);
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
    macro_rules! dispatch {
        ($affine:literal: $($count:literal)*) => {
            match rows.rows {
                // SAFETY: the caller's promise, passed on.
                $($count => unsafe {
                    integer_rows::<$count, $affine>(groups, rows, columns, start, output)
                },)*
                _ => {}
            }
        };
    }
    match columns.scaling {
        Scaling::Symmetric { .. } => dispatch!(false: 1 2 3 4 5 6),
        Scaling::Affine { .. } => dispatch!(true: 1 2 3 4 5 6),
    }
}

/// # Safety
/// As for `super::round_group`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) unsafe fn largest_of(values: &[f32; GROUP]) -> f32 {
    // SAFETY: there are 32 values.
    let (low, high) = unsafe {
        (
            _mm512_loadu_ps(values.as_ptr()),
            _mm512_loadu_ps(values.as_ptr().add(16)),
        )
    };
    let sizes = _mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high));
    // The maximum passes NaN over; a sum does not.
    let all = _mm512_reduce_add_ps(_mm512_mul_ps(_mm512_add_ps(low, high), _mm512_setzero_ps()));
    _mm512_reduce_max_ps(sizes) + all
}

/// # Safety
/// As for `super::round_group`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) unsafe fn round_group(values: &[f32; GROUP], inverse: f32) -> RoundedGroup {
    // SAFETY: there are 32 values.
    let (low, high) = unsafe {
        (
            _mm512_loadu_ps(values.as_ptr()),
            _mm512_loadu_ps(values.as_ptr().add(16)),
        )
    };
    let inverse = _mm512_set1_ps(inverse);
    // Conversion rounds to the nearest, ties to even.
    let low = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    let high = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    let sum = _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
    let mut lanes = [0u32; GROUP / 4];
    // SAFETY: the lanes are 32 bytes, each store writes 16.
    unsafe {
        let place: *mut __m128i = lanes.as_mut_ptr().cast();
        _mm_storeu_si128(place, _mm512_cvtsepi32_epi8(low));
        _mm_storeu_si128(place.add(1), _mm512_cvtsepi32_epi8(high));
    }
    RoundedGroup { lanes, sum }
}

/// # Safety
/// As for `super::transpose_16`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn transpose_16(from: &[u32], to: &mut [u32], apart: (usize, usize)) {
    let mut rows = [_mm512_setzero_si512(); 16];
    for (index, row) in rows.iter_mut().enumerate() {
        // SAFETY: `super::transpose_16` checked the length.
        *row = unsafe { _mm512_loadu_si512(from.as_ptr().add(index * apart.0).cast()) };
    }
    // Neighbouring rows, then pairs of them, within each quarter of a register;
    // then the quarters change places.
    let mut pairs = rows;
    for index in 0..8 {
        let (low, high) = (rows[2 * index], rows[2 * index + 1]);
        pairs[2 * index] = _mm512_unpacklo_epi32(low, high);
        pairs[2 * index + 1] = _mm512_unpackhi_epi32(low, high);
    }
    let mut fours = pairs;
    for index in 0..4 {
        let four = &pairs[4 * index..];
        fours[4 * index] = _mm512_unpacklo_epi64(four[0], four[2]);
        fours[4 * index + 1] = _mm512_unpackhi_epi64(four[0], four[2]);
        fours[4 * index + 2] = _mm512_unpacklo_epi64(four[1], four[3]);
        fours[4 * index + 3] = _mm512_unpackhi_epi64(four[1], four[3]);
    }
    // `fours[4 a + b]` holds in quarter `q` column `4 q + b` of rows 4a to 4a+3.
    for within in 0..4 {
        let [a, b, c, d] = [0, 4, 8, 12].map(|first| fours[first + within]);
        let ab_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b);
        let ab_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b);
        let cd_even = _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d);
        let cd_odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d);
        let columns = [
            _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_even, cd_even),
            _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_odd, cd_odd),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_even, cd_even),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_odd, cd_odd),
        ];
        for (quarter, column) in columns.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe {
                let place = to.as_mut_ptr().add((4 * quarter + within) * apart.1);
                _mm512_storeu_si512(place.cast(), column);
            }
        }
    }
}

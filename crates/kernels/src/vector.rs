//! Reductions over slices in 16 sums, which the compiler does not make of
//! plain ones since the order changes the result.

const LANES: usize = 16;

/// `Σ f(aᵢ, bᵢ)` in a fixed order.
#[inline(always)]
pub(crate) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    for (place, (&a, &b)) in rest.enumerate() {
        sums[place] += f(a, b);
    }
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane]);
        }
    }
    sums.iter().sum()
}

/// `Σ f(aᵢ, bᵢ, cᵢ)` in a fixed order.
#[inline(always)]
pub(crate) fn sum3(a: &[f32], b: &[f32], c: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0f32; LANES];
    let chunks = [a, b, c].map(|slice| slice.chunks_exact(LANES));
    let [rest_a, rest_b, rest_c] = chunks.each_ref().map(|chunks| chunks.remainder());
    let rest = rest_a.iter().zip(rest_b).zip(rest_c);
    for (sum, ((&a, &b), &c)) in sums.iter_mut().zip(rest) {
        *sum = f(a, b, c);
    }
    let [chunks_a, chunks_b, chunks_c] = chunks;
    for ((a, b), c) in chunks_a.zip(chunks_b).zip(chunks_c) {
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane], c[lane]);
        }
    }
    sums.iter().sum()
}

/// `Σ aᵢ bᵢ`.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    for (place, (&a, &b)) in rest.enumerate() {
        sums[place] = a * b;
    }
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] = a[lane].mul_add(b[lane], sums[lane]);
        }
    }
    sums.iter().sum()
}

/// The largest, NaN left out.
#[inline(always)]
pub(crate) fn max(a: &[f32]) -> f32 {
    let mut largest = [f32::NEG_INFINITY; LANES];
    let chunks = a.chunks_exact(LANES);
    for (place, &value) in chunks.remainder().iter().enumerate() {
        largest[place] = value;
    }
    for chunk in chunks {
        for lane in 0..LANES {
            largest[lane] = if chunk[lane] > largest[lane] {
                chunk[lane]
            } else {
                largest[lane]
            };
        }
    }
    largest.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

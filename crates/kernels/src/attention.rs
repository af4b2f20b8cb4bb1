//! Multi-head attention over strided operands.

use std::cell::RefCell;
use std::ops::Range;

use crate::buffer::Buffer;
use crate::cpu::Avx512;
use crate::micro::{
    FLOAT_ROWS, FloatBlock, FloatLane, Order, Output, PANEL, Start, bits_of, float_tile,
};
use crate::parallel::{SharedMut, for_ranges};
use crate::rows::row_blocks;
use crate::small::{Matrix, pack};
use crate::unwritten::Unwritten;
use crate::{math, vector};

/// Below so many queries a head, keys are read where they lie; packing them
/// would cost more than the product.
const FEW_QUERIES: usize = 8;

/// What a number of a key and its value then costs, in the multiply-adds of a
/// product: a query reads each of them once, often from memory.
const COST_OF_FEW: usize = 32;

/// Vectors of `head_dim` contiguous numbers, by batch, head and token.
#[derive(Debug, Clone, Copy)]
pub struct Strided<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// From one batch row to the next, in elements; likewise below.
    pub batch: usize,
    /// From one head to the next.
    pub head: usize,
    /// From one token to the next.
    pub token: usize,
}

impl<'a> Strided<'a> {
    /// The numbers from a head's first token on.
    pub(crate) fn from(&self, (batch, head): (usize, usize)) -> &'a [f32] {
        &self.data[batch * self.batch + head * self.head..]
    }

    fn vector(&self, (batch, head): (usize, usize), token: usize, length: usize) -> &'a [f32] {
        &self.data[batch * self.batch + head * self.head + token * self.token..][..length]
    }
}

/// Numbers that are added to the scores, by batch, head and query; one after
/// the other for the keys. A stride of 0 repeats.
#[derive(Debug, Clone, Copy)]
pub struct Bias<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// From one batch row to the next, in elements; likewise below.
    pub batch: usize,
    /// From one head to the next.
    pub head: usize,
    /// From one query to the next.
    pub query: usize,
}

/// `softmax(scale · q kᵀ + bias) v` for every head.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// Batch rows.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Queries of a head.
    pub queries: usize,
    /// Keys of a head.
    pub keys: usize,
    /// Length of a query, a key and a value.
    pub head_dim: usize,
    /// What the scores are multiplied by.
    pub scale: f32,
}

impl Attention {
    /// Computes `(batch, queries, heads · head_dim)`; every bias is added to the
    /// scaled scores. Without keys there are zeros.
    ///
    /// # Panics
    /// When an operand is shorter than its strides say.
    #[must_use]
    pub fn compute(
        &self,
        _proof: Avx512,
        q: Strided,
        k: Strided,
        v: Strided,
        biases: &[Bias],
    ) -> Vec<f32> {
        // Every place in the result lies below this product, which must not wrap.
        let numbers = [self.queries, self.heads, self.head_dim]
            .into_iter()
            .try_fold(self.batch, usize::checked_mul);
        assert!(numbers.is_some(), "the result has too many numbers");
        let numbers = numbers.unwrap_or_default();
        if numbers == 0 || self.keys == 0 {
            return vec![0.0; numbers];
        }
        let mut y = Unwritten::new(numbers);
        let call = Call {
            shape: *self,
            q,
            k,
            v,
            biases,
            y: y.place(),
        };
        let of_key = if self.queries < FEW_QUERIES {
            COST_OF_FEW * self.head_dim
        } else {
            2 * self.head_dim + 20
        };
        let heads = self.batch * self.heads;
        let cost = heads * self.queries * self.keys * of_key;
        for_ranges(heads, cost, |range| call.heads(range));
        // SAFETY: a number of the result is one of a query's head. The ranges together
        // are all heads, and `Call::heads` gives each of them to `few_queries` or to
        // `many_queries`, which write every query's head whole and have no way out
        // before that but a panic, after which nobody comes here.
        unsafe { y.written() }
    }
}

/// What one thread computes with; kept, since memory that is new to a process
/// is slow.
#[derive(Default)]
struct Scratch {
    scores: Vec<f32>,
    rows: Vec<u32>,
    /// Keys and values.
    columns: [Buffer; 2],
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

struct Call<'a> {
    shape: Attention,
    q: Strided<'a>,
    k: Strided<'a>,
    v: Strided<'a>,
    biases: &'a [Bias<'a>],
    y: SharedMut<f32>,
}

impl Call<'_> {
    /// Writes the output of all queries of these heads.
    fn heads(&self, range: Range<usize>) {
        let Attention { heads, queries, .. } = self.shape;
        SCRATCH.with_borrow_mut(|scratch| {
            if queries >= FEW_QUERIES {
                for index in range {
                    self.many_queries((index / heads, index % heads), scratch);
                }
                return;
            }
            // A single query reads what there is once. It is quickest in the order
            // in which it lies, which a processor follows by itself: token by token,
            // where the heads of a token lie side by side.
            let together = queries == 1 && self.k.head < self.k.token;
            let mut next = range.start;
            while next < range.end {
                let (batch, head) = (next / heads, next % heads);
                let count = if together {
                    (heads - head).min(range.end - next)
                } else {
                    1
                };
                // SAFETY: `compute` was given the proof of AVX-512; a head is in one
                // range.
                unsafe { self.few_queries(batch, head..head + count, scratch) };
                next += count;
            }
        });
    }

    /// Where the output of a query's head lies.
    fn output(&self, (batch, head): (usize, usize), query: usize) -> *mut f32 {
        let Attention {
            heads,
            queries,
            head_dim,
            ..
        } = self.shape;
        let at = ((batch * queries + query) * heads + head) * head_dim;
        // In the output: `compute` checked its length.
        self.y.get().wrapping_add(at)
    }

    /// Some heads of a batch row, key by key: each query's output is cleared whole, then
    /// added to.
    ///
    /// # Safety
    /// On x86-64 the processor has AVX-512 F and FMA. No other thread works on the
    /// heads.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
    unsafe fn few_queries(&self, batch: usize, heads: Range<usize>, scratch: &mut Scratch) {
        let Attention {
            queries,
            keys,
            head_dim,
            scale,
            ..
        } = self.shape;
        // Those of a head one after the other.
        let scores = &mut scratch.scores;
        scores.resize(heads.len() * keys, 0.0);
        for query in 0..queries {
            for key in 0..keys {
                let of_key = scores[key..].iter_mut().step_by(keys);
                for (head, score) in heads.clone().zip(of_key) {
                    let q = self.q.vector((batch, head), query, head_dim);
                    let k = self.k.vector((batch, head), key, head_dim);
                    *score = scale * vector::dot(q, k);
                }
            }
            for (head, scores) in heads.clone().zip(scores.chunks_exact_mut(keys)) {
                self.add_biases((batch, head), query, scores);
                // SAFETY: this function's own promise; a query's head has
                // `head_dim` places in the output.
                unsafe {
                    softmax(scores);
                    self.output((batch, head), query).write_bytes(0, head_dim);
                }
            }
            for key in 0..keys {
                let of_key = scores[key..].iter().step_by(keys);
                for (head, &weight) in heads.clone().zip(of_key) {
                    let v = self.v.vector((batch, head), key, head_dim);
                    let first = self.output((batch, head), query);
                    // SAFETY: they were written above; heads of a query do not
                    // overlap, nor do those of different threads.
                    let y = unsafe { std::slice::from_raw_parts_mut(first, head_dim) };
                    for (y, v) in y.iter_mut().zip(v) {
                        *y = weight.mul_add(*v, *y);
                    }
                }
            }
        }
    }

    /// A head as two products of matrices. The blocks are all its queries, and the panels of
    /// values, `head_dim.div_ceil(PANEL)` of them, all columns of their output; each tile
    /// stores what it computes without reading what was there ([`Start::Zero`]).
    fn many_queries(&self, head: (usize, usize), scratch: &mut Scratch) {
        let Attention {
            heads,
            queries,
            keys,
            head_dim,
            scale,
            ..
        } = self.shape;
        let width = keys.next_multiple_of(PANEL);
        let Scratch {
            scores,
            rows,
            columns,
        } = scratch;
        scores.resize(FLOAT_ROWS * width, 0.0);
        rows.resize(FLOAT_ROWS * head_dim, 0);
        let key_panels = width / PANEL;
        let value_panels = head_dim.div_ceil(PANEL);
        let bytes = PANEL * 4 * (key_panels * head_dim).max(value_panels * keys);
        for buffer in columns.iter_mut().filter(|buffer| buffer.len() < bytes) {
            *buffer = Buffer::zeroed(bytes);
        }
        let [k_columns, v_columns] = columns;
        let [k, v] = [self.k, self.v].map(|strided| Matrix {
            data: strided.from(head),
            by_row: strided.token,
            by_column: 1,
        });
        let k_columns = &mut k_columns.as_mut_slice::<u32>()[..key_panels * head_dim * PANEL];
        for (index, panel) in k_columns.chunks_exact_mut(head_dim * PANEL).enumerate() {
            let count = PANEL.min(keys - index * PANEL);
            // SAFETY: `compute` was given the proof of AVX-512.
            unsafe { pack(k.transposed(), index * PANEL, count, panel) };
        }
        let v_columns = &mut v_columns.as_mut_slice::<u32>()[..value_panels * keys * PANEL];
        for (index, panel) in v_columns.chunks_exact_mut(keys * PANEL).enumerate() {
            let count = PANEL.min(head_dim - index * PANEL);
            // SAFETY: as above.
            unsafe { pack(v, index * PANEL, count, panel) };
        }
        for block in row_blocks(queries, FLOAT_ROWS) {
            let packed = &mut rows[..block.rows * head_dim];
            for row in 0..block.rows {
                let q = self.q.vector(head, block.start + row, head_dim);
                let places = packed[row..].iter_mut().step_by(block.rows);
                places
                    .zip(q)
                    .for_each(|(place, value)| *place = (scale * value).to_bits());
            }
            let scores = &mut scores[..block.rows * width];
            for (panel, columns) in k_columns.chunks_exact(head_dim * PANEL).enumerate() {
                let output = Output {
                    first: scores[panel * PANEL..].as_mut_ptr(),
                    stride: width,
                    columns: PANEL,
                };
                // SAFETY: `compute` was given the proof of AVX-512; the scores
                // have `width` columns in each row and are this thread's.
                unsafe {
                    let packed = FloatBlock::packed(packed, block.rows);
                    float_tile(FloatLane::F32, packed, columns, Start::Zero, output);
                }
            }
            for (row, scores) in scores.chunks_exact_mut(width).enumerate() {
                let scores = &mut scores[..keys];
                self.add_biases(head, block.start + row, scores);
                // SAFETY: as above.
                unsafe { softmax(scores) };
            }
            let weights = FloatBlock {
                values: bits_of(scores),
                rows: block.rows,
                order: Order::ByRow(width),
            };
            for (panel, columns) in v_columns.chunks_exact(keys * PANEL).enumerate() {
                let output = Output {
                    first: self.output(head, block.start).wrapping_add(panel * PANEL),
                    stride: heads * head_dim,
                    columns: PANEL.min(head_dim - panel * PANEL),
                };
                // SAFETY: as above; a head's columns of the output belong to
                // the thread that computes the head.
                unsafe { float_tile(FloatLane::F32, weights, columns, Start::Zero, output) };
            }
        }
    }

    fn add_biases(&self, (batch, head): (usize, usize), query: usize, scores: &mut [f32]) {
        for bias in self.biases {
            let at = batch * bias.batch + head * bias.head + query * bias.query;
            for (score, bias) in scores.iter_mut().zip(&bias.data[at..][..self.shape.keys]) {
                *score += bias;
            }
        }
    }
}

/// # Safety
/// On x86-64 the processor has AVX-512 F and FMA.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
pub(crate) unsafe fn softmax(scores: &mut [f32]) {
    let largest = vector::max(scores);
    for score in scores.iter_mut() {
        *score = math::exp(*score - largest);
    }
    let inverse = 1.0 / vector::sum2(scores, scores, |score, _| score);
    for score in scores {
        *score *= inverse;
    }
}

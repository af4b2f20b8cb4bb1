//! The backward pass of attention.

use std::cell::RefCell;
use std::ops::Range;

use crate::attention::{Attention, Bias, Strided, softmax};
use crate::cpu::Avx512;
use crate::parallel::{SharedMut, for_ranges};
use crate::small::{Matrix, Packed};
use crate::vector;

/// Where the gradients of attention's operands go.
pub struct AttentionGradient<'a> {
    /// Of the queries, `(batch, queries, heads · head_dim)`; overwritten.
    pub q: &'a mut [f32],
    /// Of the keys, `(batch, keys, heads · head_dim)`; overwritten.
    pub k: &'a mut [f32],
    /// Of the values, as the keys'.
    pub v: &'a mut [f32],
    /// Of those biases that have one, each laid out as its bias; added to.
    pub biases: Vec<Option<&'a mut [f32]>>,
}

impl Attention {
    /// Computes the gradients of what [`Attention::compute`] computed, given
    /// that of its result, `dy` `(batch, queries, heads · head_dim)`. The
    /// weights are computed anew rather than kept.
    ///
    /// # Panics
    /// When a length does not fit, or heads share numbers of a bias with a gradient.
    #[expect(clippy::too_many_arguments, reason = "as `compute`, and two more")]
    pub fn backward(
        &self,
        _proof: Avx512,
        q: Strided,
        k: Strided,
        v: Strided,
        biases: &[Bias],
        dy: &[f32],
        gradient: AttentionGradient,
    ) {
        // No slice is as long as what does not fit into a number.
        let numbers = |tokens: usize| {
            [tokens, self.heads, self.head_dim]
                .into_iter()
                .fold(self.batch, usize::saturating_mul)
        };
        let (queries, keys) = (numbers(self.queries), numbers(self.keys));
        assert!(dy.len() == queries && gradient.q.len() == queries);
        assert!(gradient.k.len() == keys && gradient.v.len() == keys);
        assert_eq!(gradient.biases.len(), biases.len());
        if queries == 0 || keys == 0 {
            return;
        }
        let of_biases = gradient.biases.into_iter().zip(biases);
        let of_biases: Vec<Option<SharedMut<f32>>> = of_biases
            .map(|(place, bias)| {
                let place = place?;
                assert!(place.len() <= bias.data.len());
                let of_batches = (self.batch - 1).saturating_mul(bias.batch);
                let of_heads = (self.heads - 1).saturating_mul(bias.head);
                let of_head = (self.queries - 1)
                    .saturating_mul(bias.query)
                    .saturating_add(self.keys);
                let last = of_batches.saturating_add(of_heads).saturating_add(of_head);
                assert!(last <= place.len());
                // One layout or the other: a head's batch rows together, or a batch row's heads.
                let apart = self.heads == 1
                    || bias.head >= of_batches.saturating_add(of_head)
                    || bias.head >= of_head && bias.batch >= of_heads.saturating_add(of_head);
                assert!(apart, "heads share numbers of a bias");
                Some(SharedMut::new(place))
            })
            .collect();
        let call = Call {
            shape: *self,
            q,
            k,
            v,
            biases,
            dy,
            dq: SharedMut::new(gradient.q),
            dk: SharedMut::new(gradient.k),
            dv: SharedMut::new(gradient.v),
            of_biases,
        };
        let cost = self.batch * self.heads * self.queries * self.keys * (5 * self.head_dim + 40);
        // A head's batch rows stay on one thread, in order: they share biases.
        for_ranges(self.heads, cost, |range| call.heads(range));
    }
}

/// What one thread computes with.
#[derive(Default)]
struct Scratch {
    packed: Packed,
    weights: Vec<f32>,
    of_weights: Vec<f32>,
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
    dy: &'a [f32],
    dq: SharedMut<f32>,
    dk: SharedMut<f32>,
    dv: SharedMut<f32>,
    of_biases: Vec<Option<SharedMut<f32>>>,
}

impl Call<'_> {
    fn heads(&self, range: Range<usize>) {
        SCRATCH.with_borrow_mut(|scratch| {
            for head in range {
                for batch in 0..self.shape.batch {
                    // SAFETY: `backward` was given the proof of AVX-512, and
                    // checked that all outputs hold every batch row and head;
                    // a head belongs to one thread.
                    unsafe { self.head(batch, head, scratch) };
                }
            }
        });
    }

    /// # Safety
    /// On x86-64 the processor has AVX-512 F and FMA. No other thread works on
    /// the head, and the outputs hold it.
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,fma"))]
    unsafe fn head(&self, batch: usize, head: usize, scratch: &mut Scratch) {
        let Attention {
            heads,
            queries,
            keys,
            head_dim,
            scale,
            ..
        } = self.shape;
        let width = heads * head_dim;
        let Scratch {
            packed,
            weights,
            of_weights,
        } = scratch;
        weights.resize(queries.saturating_mul(keys), 0.0);
        of_weights.resize(queries.saturating_mul(keys), 0.0);
        let [q, k, v] = [self.q, self.k, self.v].map(|strided| Matrix {
            data: strided.from((batch, head)),
            by_row: strided.token,
            by_column: 1,
        });
        let of_tokens = |tokens: usize| batch * tokens * width + head * head_dim;
        let dy = Matrix {
            data: &self.dy[of_tokens(queries)..],
            by_row: width,
            by_column: 1,
        };
        let by_query = |data| Matrix {
            data,
            by_row: keys,
            by_column: 1,
        };
        // SAFETY: the caller's promise; the scratch is this thread's, and has
        // a row of `keys` for each query.
        unsafe {
            let scores = weights.as_mut_ptr();
            packed.multiply(q, k.transposed(), (queries, keys, head_dim), scores, keys);
            let of_scores = of_weights.as_mut_ptr();
            packed.multiply(
                dy,
                v.transposed(),
                (queries, keys, head_dim),
                of_scores,
                keys,
            );
        }
        let rows = weights
            .chunks_exact_mut(keys)
            .zip(of_weights.chunks_exact_mut(keys));
        for (query, (weights, of_weights)) in rows.enumerate() {
            for weight in weights.iter_mut() {
                *weight *= scale;
            }
            for bias in self.biases {
                let at = batch * bias.batch + head * bias.head + query * bias.query;
                for (weight, bias) in weights.iter_mut().zip(&bias.data[at..][..keys]) {
                    *weight += bias;
                }
            }
            // SAFETY: this function's own promise.
            unsafe { softmax(weights) };
            // From the weights' gradient to that of the scores.
            let mean = vector::dot(weights, of_weights);
            for (of_weight, weight) in of_weights.iter_mut().zip(weights.iter()) {
                *of_weight = weight * (*of_weight - mean);
            }
            for (bias, place) in self.biases.iter().zip(&self.of_biases) {
                let Some(place) = place else { continue };
                let at = batch * bias.batch + head * bias.head + query * bias.query;
                // SAFETY: `backward` checked that the place is so long, and that no
                // other head's numbers lie there: they are this thread's.
                let place = unsafe { std::slice::from_raw_parts_mut(place.get().add(at), keys) };
                for (place, of_score) in place.iter_mut().zip(of_weights.iter()) {
                    *place += of_score;
                }
            }
            for of_score in of_weights.iter_mut() {
                *of_score *= scale;
            }
        }
        let (weights, of_scores) = (by_query(weights), by_query(of_weights));
        // SAFETY: the caller's promise; the outputs have rows of `width`.
        unsafe {
            let dq = self.dq.get().add(of_tokens(queries));
            packed.multiply(of_scores, k, (queries, head_dim, keys), dq, width);
            let dk = self.dk.get().add(of_tokens(keys));
            packed.multiply(
                of_scores.transposed(),
                q,
                (keys, head_dim, queries),
                dk,
                width,
            );
            let dv = self.dv.get().add(of_tokens(keys));
            packed.multiply(
                weights.transposed(),
                dy,
                (keys, head_dim, queries),
                dv,
                width,
            );
        }
    }
}

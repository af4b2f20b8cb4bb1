//! What a transformer spends its time on, for x86-64 processors with AVX-512:
//! matrix products over weights that are packed once, in f32, bf16 and two
//! quantised formats; attention; element-wise functions; and the backward passes
//! of those that a model is trained through.
//!
//! The crate knows slices of numbers and nothing of models. Work is spread
//! over the rayon pool of the calling thread. Every type here can only be made
//! where the processor has what it needs ([`Avx512::detect`]), so that calling
//! is safe.
//!
//! Results do not depend on how many threads there are, and a row's result
//! does not depend on the other rows of a product, bit for bit: each element
//! is summed up in one order, whatever the company.

mod attention;
mod attention_gradient;
mod buffer;
mod cpu;
mod cross_entropy;
mod elementwise;
mod elementwise_gradient;
mod few_weights;
mod input_gradient;
mod math;
mod micro;
mod norm;
mod norm_gradient;
mod packed;
mod parallel;
mod prefetch;
mod product;
mod quantised;
mod row_operand;
mod rows;
mod small;
mod unwritten;
mod vector;
mod weight_gradient;

pub use attention::{Attention, Bias, Strided};
pub use attention_gradient::AttentionGradient;
pub use cpu::{Avx512, Level};
pub use cross_entropy::cross_entropy;
pub use elementwise::{gelu_erf, gelu_tanh, gelu_tanh_times};
pub use elementwise_gradient::{
    add_scaled, gelu_erf_backward, gelu_tanh_backward, gelu_tanh_times_backward,
};
pub use norm::{layer_norm, rms_norm};
pub use norm_gradient::{NormRows, add_column_sums, layer_norm_backward, rms_norm_backward};
pub use packed::{PackError, PackedWeights, WeightFormat};
pub use product::{Biased, multiply_each};
pub use quantised::{Q4K_BLOCK, Q4K_BLOCK_BYTES, Q8_0_BLOCK, Q8_0_BLOCK_BYTES};
pub use weight_gradient::add_weight_gradient;

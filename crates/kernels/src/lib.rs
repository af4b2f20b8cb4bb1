//! What a transformer spends its time on, for x86-64 processors with AVX-512:
//! matrix products over weights that are packed once, in f32, bf16 and two
//! quantised formats; attention; element-wise functions.
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
mod buffer;
mod cpu;
mod elementwise;
mod math;
mod micro;
mod norm;
mod packed;
mod parallel;
mod quantised;
mod row_operand;
mod rows;
mod vector;

pub use attention::{Attention, Bias, Strided};
pub use cpu::{Avx512, Level};
pub use elementwise::{gelu_erf, gelu_tanh, gelu_tanh_times};
pub use norm::{layer_norm, rms_norm};
pub use packed::{PackError, PackedWeights, WeightFormat};
pub use quantised::{Q4K_BLOCK, Q4K_BLOCK_BYTES, Q8_0_BLOCK, Q8_0_BLOCK_BYTES};

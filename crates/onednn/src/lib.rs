//! Linear layers by [oneDNN](https://github.com/uxlfoundation/oneDNN), version
//! 2 or 3, on the CPU: `y = x Wᵀ + b` in f32, or in bf16 with sums in f32.
//!
//! What the library reads from the environment matters to a server:
//! `OMP_WAIT_POLICY=passive` where the processors are shared with other work,
//! since its threads otherwise wait in a loop for each other, and
//! `ONEDNN_PRIMITIVE_CACHE_CAPACITY`, the number of sizes that it keeps code for
//! (1,024 by default, which come to some 100 MB).
//!
//! The crate is empty without its feature `link`, so that the workspace builds
//! where oneDNN is not installed.

#[cfg(feature = "link")]
mod ffi;
#[cfg(feature = "link")]
mod linear;
#[cfg(feature = "link")]
mod team;

#[cfg(feature = "link")]
pub use linear::{Error, Linear};

//! A linear layer.

use std::ffi::{CStr, c_void};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use half::bf16;

use crate::{ffi, team};

/// Why a layer cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Lengths that do not fit the layer's.
    #[error("{what} has {actual} numbers, not {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        actual: usize,
        /// What it should be.
        expected: String,
    },
    /// A size that oneDNN's functions do not take.
    #[error("a layer of {outputs} outputs and {inputs} inputs: oneDNN takes none of that size")]
    Size {
        /// Length of an output row.
        outputs: usize,
        /// Length of an input row.
        inputs: usize,
    },
    /// oneDNN's own words; among them that this processor lacks a number type.
    #[error("oneDNN: {0}")]
    Library(String),
    /// The thread that calls oneDNN could not be started.
    #[error("no thread for oneDNN: {0}")]
    Thread(String),
}

/// `y = x Wᵀ + b`, the weights held once, in the order that oneDNN likes best
/// for many rows.
///
/// Work is spread over as many threads as the rayon pool of the caller has;
/// they are threads of oneDNN's own, where it is built with OpenMP. Calls take
/// turns.
#[derive(Debug)]
pub struct Linear {
    outputs: usize,
    inputs: usize,
    handle: Mutex<Handle>,
}

impl Linear {
    /// A layer over weights `(outputs, inputs)`, row by row.
    ///
    /// # Errors
    /// When the lengths do not fit, or oneDNN cannot make the layer.
    pub fn new_f32(
        weights: &[f32],
        bias: Option<&[f32]>,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, Error> {
        Self::new(Weights::F32(weights), bias, outputs, inputs)
    }

    /// The same over weights in bf16: inputs are rounded to bf16, sums, bias
    /// and outputs are f32.
    ///
    /// # Errors
    /// As for [`Self::new_f32`], or when the processor is none that oneDNN has
    /// bf16 for.
    pub fn new_bf16(
        weights: &[bf16],
        bias: Option<&[f32]>,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, Error> {
        Self::new(Weights::Bf16(weights), bias, outputs, inputs)
    }

    fn new(
        weights: Weights<'_>,
        bias: Option<&[f32]>,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, Error> {
        let count = outputs
            .checked_mul(inputs)
            .filter(|&count| count > 0 && i64::try_from(count).is_ok())
            .ok_or(Error::Size { outputs, inputs })?;
        expect_length("the weight", weights.len(), count)?;
        if let Some(bias) = bias {
            expect_length("the bias", bias.len(), outputs)?;
        }
        let handle = team::call(|threads| {
            let (is_bf16, weights): (_, *const c_void) = match weights {
                Weights::F32(weights) => (false, weights.as_ptr().cast()),
                Weights::Bf16(weights) => (true, weights.as_ptr().cast()),
            };
            let bias = bias.map_or(std::ptr::null(), <[f32]>::as_ptr);
            // SAFETY: the weights are `outputs × inputs` numbers of the type
            // that is said, the bias is `outputs` or null (both checked above);
            // both are only read, and not after the call.
            let layer = unsafe {
                ffi::onednn_linear_create(outputs, inputs, is_bf16, weights, bias, threads)
            };
            NonNull::new(layer).map(Handle).ok_or_else(last_error)
        })?;
        Ok(Self {
            outputs,
            inputs,
            handle: Mutex::new(handle),
        })
    }

    /// Length of an output row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Length of an input row.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `y = x Wᵀ + b` for rows of `x` `(rows, inputs)` into `y`
    /// `(rows, outputs)`.
    ///
    /// # Errors
    /// When a length does not fit or oneDNN fails; `y` is then in no stated
    /// condition.
    pub fn multiply(&self, x: &[f32], y: &mut [f32]) -> Result<(), Error> {
        self.run(x, y, false)
    }

    /// `y ← y + x Wᵀ + b`: the same, added to what is in `y`.
    ///
    /// # Errors
    /// As for [`Self::multiply`].
    pub fn multiply_add(&self, x: &[f32], y: &mut [f32]) -> Result<(), Error> {
        self.run(x, y, true)
    }

    fn run(&self, x: &[f32], y: &mut [f32], adds: bool) -> Result<(), Error> {
        let rows = x.len() / self.inputs;
        if rows * self.inputs != x.len() {
            return Err(Error::Length {
                what: "the input",
                actual: x.len(),
                expected: format!("a multiple of {}", self.inputs),
            });
        }
        expect_length("the output", y.len(), rows * self.outputs)?;
        if rows == 0 {
            return Ok(());
        }
        team::call(|threads| {
            let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
            let (x, y) = (x.as_ptr(), y.as_mut_ptr());
            // SAFETY: the handle is a layer that exists, and the lock keeps
            // others from it; `x` is `rows × inputs` numbers that are only
            // read, `y` is `rows × outputs` (checked above) and borrowed
            // exclusively; neither is kept.
            let done =
                unsafe { ffi::onednn_linear_run(handle.0.as_ptr(), rows, x, y, adds, threads) };
            if done { Ok(()) } else { Err(last_error()) }
        })
    }
}

enum Weights<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

impl Weights<'_> {
    fn len(&self) -> usize {
        match self {
            Self::F32(weights) => weights.len(),
            Self::Bf16(weights) => weights.len(),
        }
    }
}

fn expect_length(what: &'static str, actual: usize, expected: usize) -> Result<(), Error> {
    if actual == expected {
        return Ok(());
    }
    Err(Error::Length {
        what,
        actual,
        expected: expected.to_string(),
    })
}

/// What the last failure of a call on this thread was.
fn last_error() -> Error {
    // SAFETY: the shim returns a text that ends in a zero and stays as it is
    // until this thread's next call.
    let text = unsafe { CStr::from_ptr(ffi::onednn_linear_error()) };
    Error::Library(text.to_string_lossy().into_owned())
}

/// Owns a layer of the shim.
#[derive(Debug)]
struct Handle(NonNull<ffi::Layer>);

// SAFETY: the layer is bound to no thread. It holds reference-counted objects of
// oneDNN whose counts are atomic, memory of its own, and primitives whose
// scratchpads are given to them at each run; what the shim keeps a thread (its
// stream, its buffers) is no part of a layer. That no two threads use it at
// once is the mutex's part.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `onednn_linear_create`, destroyed here only.
        unsafe { ffi::onednn_linear_destroy(self.0.as_ptr()) };
    }
}

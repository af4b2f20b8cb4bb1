//! Results that are not cleared before they are written: clearing those of all
//! layers is a hundredth and more of a model's time.

use crate::parallel::SharedMut;

/// Room for the numbers of a result.
pub(crate) struct Unwritten {
    numbers: Vec<f32>,
    count: usize,
}

impl Unwritten {
    /// Room for so many.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            numbers: Vec::with_capacity(count),
            count,
        }
    }

    /// Where they go. Nothing may be read there that was not written, and no
    /// reference made to it.
    pub(crate) fn place(&mut self) -> SharedMut<f32> {
        SharedMut::at(self.numbers.as_mut_ptr())
    }

    /// The result.
    ///
    /// # Safety
    /// All of its numbers were written to [`Self::place`].
    pub(crate) unsafe fn written(mut self) -> Vec<f32> {
        // SAFETY: there is room for so many, and the caller promises the rest.
        unsafe { self.numbers.set_len(self.count) };
        self.numbers
    }
}

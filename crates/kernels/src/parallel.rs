//! Spreading work over the rayon pool of the calling thread.

use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Multiply-adds below which handing work to another thread costs more than it
/// saves: about ten microseconds of one core.
const WORTH_SHARING: usize = 2_000_000;

/// Calls `work` with ranges that together are `0..items`; on several threads
/// where `cost`, the multiply-adds of the whole, is worth it.
pub(crate) fn for_ranges(items: usize, cost: usize, work: impl Fn(Range<usize>) + Sync) {
    let threads = rayon::current_num_threads();
    if threads == 1 || items <= 1 || cost < WORTH_SHARING {
        return work(0..items);
    }
    // A few pieces a thread, so that one that is held up does not keep the
    // others waiting.
    let pieces = items.min(threads * 4);
    (0..pieces)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|piece| work(items * piece / pieces..items * (piece + 1) / pieces));
}

/// A pointer to an output that several threads write to.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut<T>(*mut T);

// SAFETY: every use of the pointer proves that no two threads touch the same
// element; see the callers.
unsafe impl<T: Send> Send for SharedMut<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedMut<T> {}

impl<T> SharedMut<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self(slice.as_mut_ptr())
    }

    pub(crate) fn at(first: *mut T) -> Self {
        Self(first)
    }

    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}

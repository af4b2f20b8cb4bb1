//! Fetching what is worked on next while something else is.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Where a part of the weights is left after fewer blocks of rows, the
/// processor follows by itself, and more requests only delay its own.
const FEWEST_SHARES: usize = 4;

/// What is worked on next, fetched a share at a time.
///
/// A processor follows a stream of weights by itself, but a product stays with
/// a part of them for as long as there are rows, and begins the next one cold.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<'a> {
    bytes: &'a [u8],
    share: usize,
}

impl<'a> Ahead<'a> {
    /// Fetches bytes in so many shares of whole lines; nothing where these
    /// are few.
    pub(crate) fn new(bytes: &'a [u8], shares: usize) -> Self {
        if shares < FEWEST_SHARES {
            return Self {
                bytes: &[],
                share: 0,
            };
        }
        let lines = bytes.len().div_ceil(LINE);
        Self {
            bytes,
            share: lines.div_ceil(shares) * LINE,
        }
    }

    /// Asks for the next share; there may be none left.
    pub(crate) fn fetch_share(&mut self) {
        let (share, rest) = self.bytes.split_at(self.share.min(self.bytes.len()));
        share.chunks(LINE).for_each(fetch);
        self.bytes = rest;
    }
}

#[cfg(target_arch = "x86_64")]
fn fetch(line: &[u8]) {
    use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    // SAFETY: it is a hint, which reads nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch(_line: &[u8]) {}

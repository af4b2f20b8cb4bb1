//! Memory that starts at a cache line.

/// One cache line, which is one AVX-512 register.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed bytes, aligned to 64; none by default.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    bytes: usize,
}

impl Buffer {
    pub(crate) fn zeroed(bytes: usize) -> Self {
        Self {
            lines: vec![Line([0; 64]); bytes.div_ceil(64)],
            bytes,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn as_slice<T: Number>(&self) -> &[T] {
        // SAFETY: the lines are initialised, at least `bytes` long and aligned
        // more strictly than T, every bit pattern of which is a value.
        unsafe {
            std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.bytes / size_of::<T>())
        }
    }

    pub(crate) fn as_mut_slice<T: Number>(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.lines.as_mut_ptr().cast(),
                self.bytes / size_of::<T>(),
            )
        }
    }
}

/// A plain number of at most 64 bytes.
///
/// # Safety
/// Every bit pattern is a value, there is no padding, and the alignment is at
/// most 64.
pub(crate) unsafe trait Number: Copy {}

// SAFETY: plain numbers.
unsafe impl Number for u8 {}
// SAFETY: plain numbers.
unsafe impl Number for u32 {}
// SAFETY: plain numbers.
unsafe impl Number for f32 {}
// SAFETY: plain numbers.
unsafe impl Number for i32 {}

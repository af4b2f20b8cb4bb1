//! The functions of `shim.cpp`; what they do is said there.

use std::ffi::{c_char, c_int, c_void};

/// A layer, of which only pointers exist here.
#[repr(C)]
pub(crate) struct Layer {
    _private: [u8; 0],
}

unsafe extern "C" {
    pub(crate) fn onednn_linear_create(
        outputs: usize,
        inputs: usize,
        is_bf16: bool,
        weights: *const c_void,
        bias: *const f32,
        threads: c_int,
    ) -> *mut Layer;

    pub(crate) fn onednn_linear_run(
        layer: *mut Layer,
        rows: usize,
        x: *const f32,
        y: *mut f32,
        adds: bool,
        threads: c_int,
    ) -> bool;

    pub(crate) fn onednn_linear_destroy(layer: *mut Layer);

    pub(crate) fn onednn_linear_error() -> *const c_char;
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::ptr::null;

    use super::*;

    #[test]
    fn an_exception_becomes_a_text() {
        // SAFETY: the size is refused before a number is read; the text is read
        // on the thread that called.
        let (layer, text) = unsafe {
            let layer = onednn_linear_create(usize::MAX, 1, false, null(), null(), 1);
            (layer, CStr::from_ptr(onednn_linear_error()))
        };
        assert!(layer.is_null());
        assert!(text.to_string_lossy().contains("status"), "{text:?}");
    }
}

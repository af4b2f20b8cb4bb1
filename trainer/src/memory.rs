//! How the C library's allocator keeps what was freed.
//!
//! Every step allocates what the step before freed. Given back to the system
//! and fetched anew, that memory would cost more than some of the arithmetic.

/// Sets the allocator up; to be called before there are other threads.
pub fn configure() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Larger pieces go back to the system at once: the largest that
        /// the C library takes.
        const MMAP_THRESHOLD: libc::c_int = 32 << 20;
        /// What may stay unused at the end of the heap.
        const TRIM_THRESHOLD: libc::c_int = 1 << 30;
        // SAFETY: `mallopt` may be called at any time; these are its
        // documented parameters.
        #[allow(unsafe_code)]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
            libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
            libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
        }
    }
}

//! How the C library's allocator keeps what was freed.
//!
//! By default every thread may have a heap of its own, each of which keeps
//! what a large photograph once took. The server's threads take turns with
//! large pieces of memory, so one heap serves them all. What lives long between
//! pieces that live short would still let it grow for hours: what is free
//! within it is given back whenever nothing is asked for a while.

/// Sets the allocator up; to be called before there are other threads.
pub fn configure() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Larger pieces go back to the system at once: weights while they are
        /// packed, photographs that are larger than usual.
        const MMAP_THRESHOLD: libc::c_int = 16 << 20;
        /// What may stay unused at the end of the heap.
        const TRIM_THRESHOLD: libc::c_int = 64 << 20;
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

/// Gives what is free back to the system: after loading, which uses much that
/// answering does not, and when there is nothing to do. It takes some
/// milliseconds, and whoever wants memory waits for it.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` may be called at any time from any thread.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

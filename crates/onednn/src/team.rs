//! The thread that calls oneDNN.

use std::ffi::c_int;
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::linear::Error;

/// Runs `work` with the number of threads that the caller's pool has.
///
/// Where that is more than one, it runs on a thread that is kept for it: OpenMP
/// gives each thread that calls it a team of its own, so that a pool of n
/// threads, any of which may call, would come to n² threads.
pub(crate) fn call<T: Send>(
    work: impl FnOnce(c_int) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let threads = c_int::try_from(rayon::current_num_threads()).unwrap_or(c_int::MAX);
    if threads == 1 {
        return work(threads);
    }
    caller()?.install(|| work(threads))
}

/// A pool of one thread: calls take turns, and a thread of another pool that
/// waits for its turn does other work of its pool meanwhile. No lock may be held
/// by who waits.
fn caller() -> Result<&'static ThreadPool, Error> {
    static CALLER: OnceLock<Result<ThreadPool, String>> = OnceLock::new();
    CALLER
        .get_or_init(|| {
            ThreadPoolBuilder::new()
                .num_threads(1)
                .thread_name(|_| "onednn".to_owned())
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| Error::Thread(error.clone()))
}

//! How long work tells how far it is.

/// Whoever shows the progress of long work. It is told from several threads.
pub trait Progress: Sync {
    /// Another stage begins, of `total` steps.
    fn stage(&self, what: &str, total: u64);
    /// So many steps more of the stage are done.
    fn advance(&self, steps: u64);
    /// Something worth a line of its own.
    fn note(&self, text: &str);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _what: &str, _total: u64) {}
    fn advance(&self, _steps: u64) {}
    fn note(&self, _text: &str) {}
}

//! What tests count of the language model's work, each on its own thread: work
//! that is done twice gives the same answers, and nothing else would notice it.

use std::cell::RefCell;

use candle_core::Tensor;

/// What was computed since it was last asked.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// Tokens a row whose keys and values were computed, one number for each
    /// attention.
    pub(crate) attended: Vec<usize>,
    /// Positions of all rows whose logits were computed, one number for each time.
    pub(crate) logits: Vec<usize>,
}

thread_local! {
    static COUNTED: RefCell<Counted> = const {
        RefCell::new(Counted {
            attended: Vec::new(),
            logits: Vec::new(),
        })
    };
}

/// What this thread has computed since the last call.
pub(crate) fn take() -> Counted {
    COUNTED.take()
}

/// Keys and values of `attended`, `(rows, tokens, d_model)`.
pub(super) fn key_values(attended: &Tensor) {
    let tokens = attended.dims().get(1).copied().unwrap_or_default();
    COUNTED.with_borrow_mut(|counted| counted.attended.push(tokens));
}

/// Logits of `hidden`, `(…, d_model)`.
pub(super) fn logits(hidden: &Tensor) {
    let width = hidden.dims().last().copied().unwrap_or(1);
    let positions = hidden.elem_count() / width;
    COUNTED.with_borrow_mut(|counted| counted.logits.push(positions));
}

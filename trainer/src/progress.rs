//! How far long work is.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, a line at every tenth elsewhere; both on stderr.
#[derive(Debug)]
pub enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        all: usize,
        /// How many tenths were told.
        tenths: usize,
    },
}

impl Progress {
    /// None of `all` is done yet.
    #[must_use]
    pub fn new(what: &'static str, all: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                what,
                all,
                tenths: 0,
            };
        }
        let bar = ProgressBar::new(all as u64).with_message(what);
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} {msg}, {eta} left");
        Self::Bar(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    /// So many are done.
    pub fn show(&mut self, done: usize) {
        match self {
            Self::Bar(bar) => bar.set_position(done as u64),
            Self::Lines { what, all, tenths } => {
                let now = done * 10 / (*all).max(1);
                if now > *tenths {
                    *tenths = now;
                    eprintln!("{done} of {all} {what}");
                }
            }
        }
    }

    /// Calls `write` while the bar is out of the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Bar(bar) => bar.suspend(write),
            Self::Lines { .. } => write(),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

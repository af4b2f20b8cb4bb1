//! How far a transfer is: a bar on a terminal, a line now and then elsewhere; both on stderr.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::Terminal;

/// Without a terminal, how often a line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

const STYLE: &str =
    "{wide_bar} {binary_bytes} of {binary_total_bytes} {msg}, {binary_bytes_per_sec}, {eta} left";

/// Counts bytes, told from several tasks.
#[derive(Debug)]
pub struct TransferProgress {
    bar: ProgressBar,
    way: Way,
    done: AtomicU64,
    all: AtomicU64,
}

#[derive(Debug)]
enum Way {
    Bar,
    /// The last line.
    Lines(&'static str, Mutex<Instant>),
    Nothing,
}

impl TransferProgress {
    /// None of `all` bytes is done yet; `what` says what is done with them ("uploaded").
    #[must_use]
    pub fn new(terminal: &Terminal, what: &'static str, all: u64) -> TransferProgress {
        let (bar, way) = if terminal.quiet {
            (ProgressBar::hidden(), Way::Nothing)
        } else {
            let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
            match bar.is_hidden() {
                false => (bar, Way::Bar),
                true => (bar, Way::Lines(what, Mutex::new(Instant::now()))),
            }
        };
        // The style is fixed; where it could not be read, the usual one serves.
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        bar.set_message(what);
        TransferProgress {
            bar,
            way,
            done: AtomicU64::new(0),
            all: AtomicU64::new(all),
        }
    }

    /// So many bytes more are to be done than was known.
    pub fn more(&self, bytes: u64) {
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc_length(bytes);
    }

    /// So many bytes more are done.
    pub fn add(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match &self.way {
            Way::Bar => self.bar.inc(bytes),
            Way::Lines(what, last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let all = self.all.load(Ordering::Relaxed);
                    eprintln!("{} of {} {what}", size(done), size(all));
                }
            }
            Way::Nothing => {}
        }
    }

    /// Writes a line while the bar is out of the way.
    pub fn say(&self, line: &str) {
        match self.way {
            Way::Bar => self.bar.suspend(|| eprintln!("{line}")),
            Way::Lines(..) => eprintln!("{line}"),
            Way::Nothing => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// "812 B", "3.4 MB".
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut left = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if left < 1000.0 {
            let decimals = usize::from(unit != "B" && left < 100.0);
            return format!("{left:.decimals$} {unit}");
        }
        left /= 1000.0;
    }
    format!("{left:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_said_in_their_unit() {
        let said = [0, 999, 1500, 123_456_789, 3_500_000_000, 12_000_000_000_000].map(size);
        assert_eq!(
            said,
            ["0 B", "999 B", "1.5 kB", "123 MB", "3.5 GB", "12.0 TB"]
        );
    }
}

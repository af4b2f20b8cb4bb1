//! The progress of work on a catalogue: a bar on a terminal, plain lines
//! elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use catalogue::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Without a terminal, how often a line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

const STYLE: &str = "{msg:>18} [{bar:30}] {pos}/{len}  {eta}";

/// Shows progress on stderr.
#[derive(Debug)]
pub struct Shown {
    bar: ProgressBar,
    is_terminal: bool,
    /// The last line, where there is no terminal.
    last_line: Mutex<Instant>,
}

impl Shown {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new() -> Shown {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let is_terminal = !bar.is_hidden();
        // The style is fixed; where it could not be read, the usual one serves.
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        Shown {
            bar,
            is_terminal,
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Shown {
    fn default() -> Shown {
        Shown::new()
    }
}

impl Progress for Shown {
    fn stage(&self, what: &str, total: u64) {
        self.bar.reset();
        self.bar.set_length(total);
        self.bar.set_message(what.to_owned());
        if !self.is_terminal {
            eprintln!("{what}: {total}");
        }
    }

    fn advance(&self, steps: u64) {
        self.bar.inc(steps);
        if self.is_terminal {
            return;
        }
        // Whoever finds the lock taken leaves the line to its holder.
        if let Ok(mut last) = self.last_line.try_lock()
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            eprintln!("{}: {done} of {total}", self.bar.message());
        }
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }
}

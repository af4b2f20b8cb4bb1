//! What the terminal shows meanwhile: lines, and under them a bar where the
//! output is a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

const BAR_CELLS: usize = 24;

/// In characters: a bar that does not fit into the terminal's width could not
/// be cleared.
const LONGEST_NOTE: usize = 28;

/// Return to the line's start and clear it.
const CLEAR: &str = "\r\u{1b}[2K";

/// The progress of one run. A closed output is no reason to stop, so that
/// errors of writing are ignored.
#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    start: Instant,
    total: usize,
    done: usize,
    what: String,
    bar: String,
}

impl Progress {
    /// Nothing done yet of nothing.
    pub fn new() -> Self {
        Self {
            is_terminal: stdout().is_terminal(),
            start: Instant::now(),
            total: 0,
            done: 0,
            what: String::new(),
            bar: String::new(),
        }
    }

    /// From here on a number of pictures is counted.
    pub fn count_to(&mut self, total: usize) {
        (self.total, self.done) = (total, 0);
    }

    /// Shows a line, above the bar if there is one.
    pub fn line(&mut self, text: &str) {
        let had_bar = !self.bar.is_empty();
        self.end_bar();
        let _ = writeln!(stdout(), "{text}");
        if had_bar {
            self.draw_bar();
        }
    }

    /// One picture is done, well or not; `text` says how.
    pub fn done(&mut self, text: &str) {
        self.done += 1;
        let width = self.total.to_string().len();
        let line = format!("  [{:>width$}/{}] {text}", self.done, self.total);
        self.line(&line);
    }

    /// Shows on the bar what is under way; does nothing without a terminal.
    pub fn under_way(&mut self, what: &str) {
        self.what = what.chars().take(LONGEST_NOTE).collect();
        if self.is_terminal {
            self.draw_bar();
        }
    }

    fn draw_bar(&mut self) {
        let filled = BAR_CELLS * self.done / self.total.max(1);
        let bar = format!(
            "  {}{} {} of {}, {} s  {}",
            "█".repeat(filled),
            "░".repeat(BAR_CELLS - filled),
            self.done,
            self.total,
            self.start.elapsed().as_secs(),
            self.what,
        );
        if bar != self.bar {
            let mut out = stdout().lock();
            let _ = write!(out, "{CLEAR}{bar}");
            let _ = out.flush();
            self.bar = bar;
        }
    }

    /// Takes the bar away.
    pub fn end_bar(&mut self) {
        if !self.bar.is_empty() {
            self.bar.clear();
            let mut out = stdout().lock();
            let _ = write!(out, "{CLEAR}");
            let _ = out.flush();
        }
    }
}

/// The reason of a failure as the last line; what a program wrote before it
/// ended, which follows the reason in an error's text, stands above it.
pub fn last_words(text: &str) {
    let _ = stdout().flush();
    let mut err = std::io::stderr().lock();
    let (reason, program_output) = text.split_once('\n').unwrap_or((text, ""));
    if !program_output.trim().is_empty() {
        let _ = writeln!(err, "{program_output}");
    }
    let _ = writeln!(err, "{}", reason.trim_end_matches(':'));
}

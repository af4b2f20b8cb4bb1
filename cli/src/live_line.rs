//! A line at the end of a terminal that changes while long work is waited for.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::Terminal;

/// How often the line's sign of life moves.
const TICK: Duration = Duration::from_millis(120);

/// What is going on now, under what was said. Where stderr is no terminal there is no
/// such line, and only what is said is written.
#[derive(Debug)]
pub struct LiveLine {
    terminal: Terminal,
    bar: Option<ProgressBar>,
}

impl LiveLine {
    /// Empty at first. It goes when it is dropped.
    #[must_use]
    pub fn new(terminal: Terminal) -> LiveLine {
        let is_seen = !terminal.quiet && std::io::stderr().is_terminal();
        let bar = is_seen.then(|| {
            let bar = ProgressBar::new_spinner();
            // The style is fixed; where it could not be read, the usual one serves.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        LiveLine { terminal, bar }
    }

    /// Whether anybody sees the line.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.bar.is_some()
    }

    /// What is going on.
    pub fn show(&self, now: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(now.into());
        }
    }

    /// Says something above the line.
    pub fn say(&self, line: impl AsRef<str>) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.terminal.say(line)),
            None => self.terminal.say(line),
        }
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

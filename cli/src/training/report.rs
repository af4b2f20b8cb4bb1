//! How a job is told while it runs: its lines as they come, the loss as a curve.

use std::collections::VecDeque;

use super::measured::{Measured, Metrics};
use crate::live_line::LiveLine;
use crate::terminal::Terminal;

/// So many of the last lines are kept for whoever asks why a job failed.
const KEPT_LINES: usize = 8;

/// What was said of a job so far.
#[derive(Debug)]
pub struct Report {
    line: LiveLine,
    measured: Measured,
    last_lines: VecDeque<String>,
    state: String,
}

impl Report {
    /// Nothing was said yet.
    #[must_use]
    pub fn new(terminal: Terminal) -> Report {
        Report {
            line: LiveLine::new(terminal),
            measured: Measured::default(),
            last_lines: VecDeque::new(),
            state: String::new(),
        }
    }

    /// A line of the job's log. Where the curve is seen, losses are not told as well.
    pub fn log(&mut self, line: &str) {
        let is_loss = self.measured.read(line);
        if !is_loss {
            if self.last_lines.len() == KEPT_LINES {
                self.last_lines.pop_front();
            }
            self.last_lines.push_back(line.to_owned());
        }
        if !(is_loss && self.line.is_seen()) {
            self.line.say(line);
        }
        self.show();
    }

    /// Something about the job, not of it.
    pub fn say(&self, line: impl AsRef<str>) {
        self.line.say(line);
    }

    /// What the job is doing.
    pub fn state(&mut self, state: impl Into<String>) {
        self.state = state.into();
        self.show();
    }

    fn show(&self) {
        if !self.line.is_seen() {
            return;
        }
        self.line.show(match self.measured.curve() {
            Some(curve) => format!("{}, {curve}", self.state),
            None => self.state.clone(),
        });
    }

    /// The job has ended: the curve is said once more, to stay.
    pub fn end(&self) {
        if let Some(curve) = self.measured.curve() {
            self.line.say(curve);
        }
    }

    /// What the log measured.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.measured.metrics()
    }

    /// A reason with the last lines of the log under it.
    #[must_use]
    pub fn with_last_lines(&self, reason: &str) -> String {
        let mut text = reason.to_owned();
        if !self.last_lines.is_empty() {
            text.push_str("\n  the end of its log:");
            for line in &self.last_lines {
                text.push_str("\n    ");
                text.push_str(line);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_the_losses() {
        let mut report = Report::new(Terminal {
            json: false,
            quiet: true,
        });
        assert_eq!(report.with_last_lines("why"), "why");
        for number in 0..20 {
            report.log(&format!("line {number}"));
            report.log("Loss: 1.000000");
        }
        let text = report.with_last_lines("why");
        assert!(text.starts_with("why\n"), "{text}");
        assert_eq!(text.lines().count(), 2 + KEPT_LINES, "{text}");
        assert!(
            text.contains("line 19") && !text.contains("line 11"),
            "{text}"
        );
        assert!(!text.contains("Loss"), "{text}");
        assert_eq!(report.metrics().steps, 20);
    }
}

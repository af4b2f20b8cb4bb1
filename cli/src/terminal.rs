//! What a command says: results on stdout, as a table or as JSON; what it does and how
//! far it is on stderr.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Exit, Failure, Outcome};

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Results as JSON.
    pub json: bool,
    /// Nothing on stderr but what went wrong.
    pub quiet: bool,
}

impl Terminal {
    /// Says what is being done or was done, on stderr.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.quiet {
            eprintln!("{}", line.as_ref());
        }
    }

    /// Whether a person looks at stdout.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// The result: `value` with `--json`, else what `text` gives.
    pub fn result<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Outcome {
        let text = if self.json {
            serde_json::to_string_pretty(value).map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot write JSON: {error}"))
            })?
        } else {
            text()
        };
        let mut out = std::io::stdout().lock();
        let written = out
            .write_all(text.trim_end().as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        match written {
            // Who reads no more (`| head`) has what was wanted.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
                Exit::Failed,
                format!("cannot write the result: {error}"),
            )),
            _ => Ok(()),
        }
    }

    /// Asks a yes-or-no question on a terminal; where nobody can answer, it is a usage
    /// failure that names the option `instead`.
    pub fn confirm(&self, question: &str, instead: &str) -> Outcome<bool> {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "{question} nobody can answer here: {instead} answers yes"
            )));
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot read the answer: {error}"))
        })?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Rows in columns as wide as their widest cell; the first row is the head.
#[must_use]
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let head = head.map(String::from);
    let mut out = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["Fabric".to_owned(), "Cotton".to_owned()],
            ["Sleeve Length".to_owned(), "Long".to_owned()],
        ];
        assert_eq!(
            table(["attribute", "value"], &rows),
            "attribute      value\nFabric         Cotton\nSleeve Length  Long\n"
        );
    }
}

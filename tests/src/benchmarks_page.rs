//! Sections of BENCHMARKS.md. Each benchmark writes its own and leaves those of
//! the others.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use crate::files::write_whole;

/// Writes the section of `benchmark` into the page; what else is there stays. A page
/// that is not there is begun.
///
/// # Errors
/// When the page cannot be read or written.
pub fn write_section(page: &Path, benchmark: &str, section: &str) -> Result<()> {
    let old = match std::fs::read_to_string(page) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("cannot read {}", page.display()))?,
    };
    write_whole(page, with_section(&old, benchmark, section).as_bytes())
}

/// The page with the section of `benchmark` replaced, or added at its end.
fn with_section(page: &str, benchmark: &str, section: &str) -> String {
    let marked = format!(
        "{}\n{}\n{}",
        begin(benchmark),
        section.trim(),
        end(benchmark)
    );
    match range(page, benchmark) {
        Some((from, to)) => format!("{}{marked}{}", &page[..from], &page[to..]),
        None if page.trim().is_empty() => format!("# Benchmarks\n\n{marked}\n"),
        None => format!("{}\n\n{marked}\n", page.trim_end()),
    }
}

/// All marked sections of a page, in order, for who writes the rest of it anew.
#[must_use]
pub fn sections(page: &str) -> String {
    let mut kept = String::new();
    let mut rest = page;
    while let Some(from) = rest.find(BEGIN) {
        rest = &rest[from..];
        let name = rest[BEGIN.len()..].split('`').next().unwrap_or_default();
        let Some((_, to)) = range(rest, name) else {
            break;
        };
        kept.push_str(&rest[..to]);
        kept.push_str("\n\n");
        rest = &rest[to..];
    }
    kept.trim_end().to_owned()
}

const BEGIN: &str = "<!-- Section of `make ";

fn begin(benchmark: &str) -> String {
    format!("{BEGIN}{benchmark}`: it is written by the benchmark. -->")
}

fn end(benchmark: &str) -> String {
    format!("<!-- End of `make {benchmark}`. -->")
}

fn range(page: &str, benchmark: &str) -> Option<(usize, usize)> {
    let from = page.find(&begin(benchmark))?;
    let mark = end(benchmark);
    let to = from + page[from..].find(&mark)? + mark.len();
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::{sections, with_section, write_section};

    #[test]
    fn a_page_is_begun_and_one_that_cannot_be_read_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("BENCHMARKS.md");
        write_section(&path, "bench-a", "## A").unwrap();
        write_section(&path, "bench-b", "## B").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# Benchmarks\n\n<!-- Section of `make bench-a`"));
        assert!(text.contains("## B\n<!-- End of `make bench-b`"));
        std::fs::write(&path, b"\xff").unwrap();
        let error = write_section(&path, "bench-a", "## A").unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error:#}");
        assert_eq!(std::fs::read(&path).unwrap(), b"\xff");
    }

    #[test]
    fn a_section_is_added_then_replaced_and_others_stay() {
        let first = with_section("# Benchmarks\n\nText.\n", "bench-a", "## A\n\n1\n");
        let both = with_section(&first, "bench-b", "## B\n\n2");
        let again = with_section(&both, "bench-a", "## A\n\n3");
        assert!(again.starts_with("# Benchmarks\n\nText.\n\n<!--"));
        assert!(again.contains("## A\n\n3\n<!-- End") && again.contains("## B\n\n2\n<!-- End"));
        assert!(!again.contains("1\n"));
        assert_eq!(with_section(&again, "bench-b", "## B\n\n2"), again);
        let kept = sections(&again);
        assert!(kept.starts_with("<!-- Section of `make bench-a`: it"));
        assert!(kept.ends_with("<!-- End of `make bench-b`. -->"));
        assert!(!kept.contains("Text."));
        assert_eq!(sections("# Benchmarks\n"), "");
    }

    /// A section whose marks are others would stay beside the one that is written anew.
    #[test]
    fn every_section_of_the_page_is_known_by_its_marks() {
        let page = include_str!("../../BENCHMARKS.md");
        let count = |text: &str| text.matches("<!-- Section of ").count();
        assert_eq!(count(&sections(page)), count(page));
    }
}

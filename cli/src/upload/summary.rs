//! What an upload did.

use serde::Serialize;

use crate::terminal::table;
use crate::transfer_progress::size;
use crate::upload::local_files::Remark;

/// The most files that are named on a terminal; `--json` has all.
const NAMED: usize = 20;

/// What became of a folder's files.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The folder.
    pub folder: String,
    /// Where the files are.
    pub place: String,
    /// Whether nothing was done, and all of this is what would be.
    pub dry_run: bool,
    /// What was sent.
    pub uploaded: Sum,
    /// What was there already.
    pub unchanged: Sum,
    /// What parts that an earlier run had sent were worth, in bytes; they are in `uploaded`.
    pub resumed_bytes: u64,
    /// How many files were read to be compared.
    pub read: usize,
    /// What was removed from the bucket.
    pub deleted: Vec<String>,
    /// What would be uploaded and why, of a dry run.
    pub would_upload: Vec<Remark>,
    /// What is no file and was left out.
    pub left_out: Vec<Remark>,
    /// What could not be done.
    pub failures: Vec<Remark>,
    /// How many files were not come to, since the run ended before.
    pub not_reached: usize,
    /// How long it took.
    pub seconds: f64,
}

/// Some files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub files: usize,
    /// Of how many bytes.
    pub bytes: u64,
}

impl Sum {
    /// One more.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

impl Summary {
    /// As a table, with what needs attention below it.
    #[must_use]
    pub fn text(&self) -> String {
        let row =
            |what: &str, files: usize, bytes: String| [what.to_owned(), files.to_string(), bytes];
        let uploaded = match self.dry_run {
            true => "to upload",
            false => "uploaded",
        };
        let mut rows = vec![
            row(uploaded, self.uploaded.files, size(self.uploaded.bytes)),
            row(
                "unchanged",
                self.unchanged.files,
                size(self.unchanged.bytes),
            ),
        ];
        if !self.deleted.is_empty() {
            let deleted = match self.dry_run {
                true => "to delete",
                false => "deleted",
            };
            rows.push(row(deleted, self.deleted.len(), String::new()));
        }
        for (what, files) in [
            ("left out", self.left_out.len()),
            ("failed", self.failures.len()),
            ("not reached", self.not_reached),
        ] {
            if files > 0 {
                rows.push(row(what, files, String::new()));
            }
        }
        let mut text = table([self.place.as_str(), "files", "size"], &rows);
        if self.resumed_bytes > 0 {
            text += &format!(
                "{} were there already, of uploads that had been interrupted\n",
                size(self.resumed_bytes)
            );
        }
        text += &named("to upload", &self.would_upload);
        text += &named("left out", &self.left_out);
        text += &named("failed", &self.failures);
        text
    }
}

fn named(what: &str, remarks: &[Remark]) -> String {
    let mut text = String::new();
    for remark in remarks.iter().take(NAMED) {
        text += &format!("{what}: {}: {}\n", remark.file, remark.why);
    }
    if remarks.len() > NAMED {
        text += &format!(
            "{what}: {} more (--json names all)\n",
            remarks.len() - NAMED
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_what_needs_attention_and_not_all_of_it() {
        let remark = |number: usize| Remark {
            file: format!("{number}.jpg"),
            why: "can't be read".to_owned(),
        };
        let summary = Summary {
            place: "s3://photos/".to_owned(),
            uploaded: Sum {
                files: 3,
                bytes: 4000,
            },
            failures: (0..25).map(remark).collect(),
            ..Summary::default()
        };
        let text = summary.text();
        assert!(text.starts_with("s3://photos/  files  size\n"), "{text}");
        assert!(text.contains("uploaded      3      4.0 kB\n"), "{text}");
        assert!(text.contains("failed        25\n"), "{text}");
        assert!(text.contains("failed: 19.jpg: can't be read\n"), "{text}");
        assert!(text.contains("failed: 5 more"), "{text}");
        assert!(!text.contains("20.jpg") && !text.contains("left out"));
    }
}

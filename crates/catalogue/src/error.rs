//! What can go wrong with a catalogue.

use std::path::PathBuf;

/// Why a catalogue could not be read, drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("{path} can't be read", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("{path} can't be written", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Files that belong together could not all be renamed or removed, so that some
    /// are missing. None of an earlier time is beside one of a later.
    #[error(
        "{path} can't be replaced, and some files beside it are missing now: mend that and run \
         the same again",
        path = path.display()
    )]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A table lacks a column.
    #[error("{path} has no column {column:?}; it has: {found}", path = path.display())]
    Column {
        /// The table.
        path: PathBuf,
        /// The column that is missing.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// The mapping of a table's columns can't be understood.
    #[error("{path} is no mapping of columns: {reason}", path = path.display())]
    Mapping {
        /// The file.
        path: PathBuf,
        /// What has to be mended.
        reason: String,
    },
    /// A name that is none of an attribute set.
    #[error("{name:?} is no {kind} of the attribute set; it has: {known}")]
    Unknown {
        /// "attribute" or "category".
        kind: &'static str,
        /// The name.
        name: String,
        /// Those that the set has.
        known: String,
    },
    /// No product is left that could be asked about.
    #[error("no product is left of {listed} listed ones: {reasons}")]
    NothingLeft {
        /// Rows of the tables.
        listed: u64,
        /// What became of them, most frequent first.
        reasons: String,
    },
    /// An option has a value that makes no sense.
    #[error("{0}")]
    Option(String),
    /// A file of questions and answers is no such table.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Pairs {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The picture could not be encoded.
    #[error("the picture of {id} can't be encoded as JPEG")]
    Encode {
        /// The product's id.
        id: String,
        /// The encoder's reason.
        source: image::ImageError,
    },
    /// Something could not be put into JSON.
    #[error("the records can't be put into JSON")]
    Record(#[from] serde_json::Error),
    /// A table could not be put into CSV.
    #[error("the table can't be put into CSV")]
    Table(#[from] csv::Error),
    /// The page of the report could not be made.
    #[error("the page of the report can't be made")]
    Page(#[from] minijinja::Error),
    /// The folder holds a catalogue that was drawn with other settings.
    #[error(
        "{path} holds a drawn catalogue of {found}, not of {wanted}: name another folder or empty this one",
        path = path.display()
    )]
    OtherDrawing {
        /// The folder.
        path: PathBuf,
        /// The settings of what is there.
        found: String,
        /// The settings that were asked for.
        wanted: String,
    },
}

//! Where products come from: the layout of the Kaggle data set, or a shop's own
//! table.

mod kaggle;
mod mapping;
mod own_table;
mod record;
mod table;

use std::collections::HashMap;
use std::path::PathBuf;

use attributes::AttributeSet;

use crate::error::Error;
use crate::losses::Losses;
use crate::progress::Progress;

pub use mapping::Mapping;
use table::Table;

/// How tables and records of the Kaggle data set call the colour. An attribute set
/// knows it as the name or an alias of its attribute of colours.
pub(crate) const COLOUR_FIELD: &str = "baseColour";

/// Why a product is left out whose photograph is not there.
const NO_PHOTO: &str = "its photo is missing";

/// A catalogue on the disk.
#[derive(Clone, Debug)]
pub enum Source {
    /// A folder in the layout of the Kaggle data set: `styles.csv`,
    /// `styles/<id>.json`, `images/<id>.jpg`, `images.csv` where there is one.
    Kaggle {
        /// The folder.
        folder: PathBuf,
    },
    /// A table of one's own.
    Table {
        /// The CSV file.
        file: PathBuf,
        /// The folder that the names of photographs are relative to.
        images: PathBuf,
        /// What its columns are; by default they are known by their names.
        mapping: Mapping,
    },
}

/// A product as a source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub id: String,
    pub title: String,
    /// The kind of garment in the shop's words.
    pub category: String,
    /// Names and values of attributes in the shop's words; of two with one name
    /// the first counts.
    pub facts: Vec<(String, String)>,
    /// Ids of products of the same style.
    pub siblings: Vec<String>,
    /// What products of the same style have in common, where the shop says so.
    pub style: Option<String>,
    /// Brand and the brand's number of the article, often with its colour.
    pub article: Option<(String, String)>,
    pub photo: PathBuf,
}

/// What the sources gave.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// In the order of their ids.
    pub entries: Vec<Entry>,
    /// Rows of the tables, broken ones included.
    pub lines: u64,
    pub broken_lines: Losses,
    pub dropped: Losses,
}

/// Reads every source. A product that two of them have is taken from the first.
/// `set` tells which columns of one's own table are attributes.
pub(crate) fn read(
    sources: &[Source],
    set: &AttributeSet,
    progress: &dyn Progress,
) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue::default();
    for source in sources {
        match source {
            Source::Kaggle { folder } => kaggle::read(folder, &mut catalogue, progress)?,
            Source::Table {
                file,
                images,
                mapping,
            } => own_table::read(file, images, mapping, set, &mut catalogue, progress)?,
        }
    }
    // Whatever the order of lines and files, what follows is the same.
    catalogue.entries.sort_by(|a, b| id_order(&a.id, &b.id));
    Ok(catalogue)
}

/// Numbers by their size, before all else by its letters.
pub(crate) fn id_order(a: &str, b: &str) -> std::cmp::Ordering {
    let number = |id: &str| id.parse::<u64>().unwrap_or(u64::MAX);
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

impl Catalogue {
    /// Counts a table's lines, keeps those that are broken for the report, and tells
    /// of rows that may have swallowed others.
    fn count_lines(&mut self, name: &str, table: &Table, progress: &dyn Progress) {
        self.lines += table.rows().len() as u64;
        self.list_broken_lines(name, table);
        if let Some(first) = table.doubtful.first() {
            progress.note(&format!(
                "{name}: {} rows have several lines, the first from line {first}; where they are \
                 not meant to, a quote does not end there",
                table.doubtful.len()
            ));
        }
    }

    /// Keeps and counts lines that are no rows, of a table that lists no products as
    /// well.
    fn list_broken_lines(&mut self, name: &str, table: &Table) {
        self.lines += table.broken.len() as u64;
        for broken in &table.broken {
            let place = format!("{name}, line {}", broken.line);
            self.broken_lines
                .add_line(&broken.reason, place, &broken.text);
        }
    }

    /// The ids so far, to find those that are listed twice.
    fn known_ids(&self) -> HashMap<String, usize> {
        let ids = self.entries.iter().zip(0..);
        ids.map(|(entry, place)| (entry.id.clone(), place))
            .collect()
    }
}

/// What an id that can't be part of a file's name has wrong.
fn id_problem(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        return Some("no id");
    }
    let is_safe = !id.starts_with('.')
        && id.len() <= 200
        && !id.contains(|c: char| c.is_control() || matches!(c, '/' | '\\' | ':'));
    (!is_safe).then_some("an id that can't be a file's name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_would_leave_the_folder_are_refused() {
        for id in ["", "..", "../1", "a/b", "a\\b", "c:1", "1\n", ".hidden"] {
            assert!(id_problem(id).is_some(), "{id:?}");
        }
        for id in ["1", "sku-1 é", "A.2"] {
            assert!(id_problem(id).is_none(), "{id:?}");
        }
    }

    #[test]
    fn numbers_stand_in_their_order() {
        let mut ids = ["10", "b", "9", "a", "09"];
        ids.sort_by(|a, b| id_order(a, b));
        assert_eq!(ids, ["09", "9", "10", "a", "b"]);
    }
}

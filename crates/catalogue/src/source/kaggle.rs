//! The layout of the Kaggle data set "Fashion Product Images".

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::record::StyleRecord;
use super::table::{Row, Table};
use super::{COLOUR_FIELD, Catalogue, Entry, NO_PHOTO, id_problem};
use crate::error::Error;
use crate::files::read as read_file;
use crate::progress::Progress;

/// Columns of `styles.csv` whose value may be that of an attribute.
const FACTS: [&str; 4] = [COLOUR_FIELD, "season", "usage", "gender"];

/// The folder of the photographs.
const PHOTOS: &str = "images";

/// What `images.csv` says of a product without a photograph.
const NO_LINK: &str = "undefined";

pub(super) fn read(
    folder: &Path,
    catalogue: &mut Catalogue,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let listed = list(folder, catalogue, progress)?;
    progress.stage("reading records", listed.len() as u64);
    let styles = folder.join("styles");
    let records: Vec<(Entry, Result<StyleRecord, String>)> = listed
        .into_par_iter()
        .map(|entry| {
            let record = read_record(&styles, &entry.id);
            progress.advance(1);
            (entry, record)
        })
        .collect();
    for (mut entry, record) in records {
        match record {
            Ok(record) => {
                entry.complete(record);
                catalogue.entries.push(entry);
            }
            Err(reason) => catalogue.dropped.add(&reason, &entry.id, ""),
        }
    }
    Ok(())
}

impl Entry {
    /// Adds what the record says: its attributes come first, and what the table
    /// says of the others counts before what the record does. An empty cell says
    /// nothing.
    fn complete(&mut self, record: StyleRecord) {
        let of_table = std::mem::replace(&mut self.facts, record.facts);
        let is_told = |name: &str| {
            let mut of_table = of_table.iter();
            of_table.any(|(told, word)| told == name && !word.is_empty())
        };
        self.facts.retain(|(name, _)| !is_told(name));
        self.facts.extend(of_table);
        self.siblings = record.siblings;
        self.article = record.brand.zip(record.article);
        if self.title.is_empty() {
            self.title = record.title.unwrap_or_default();
        }
    }
}

/// The products of `styles.csv` that have a photograph, without their records.
fn list(
    folder: &Path,
    catalogue: &mut Catalogue,
    progress: &dyn Progress,
) -> Result<Vec<Entry>, Error> {
    let path = folder.join("styles.csv");
    let table = Table::parse(&read_file(&path)?);
    let column = |name: &str| {
        table.column(name).ok_or_else(|| Error::Column {
            path: path.clone(),
            column: name.to_owned(),
            found: table.header().join(", "),
        })
    };
    let (id, category) = (column("id")?, column("articleType")?);
    let title = table.column("productDisplayName");
    let facts: Vec<(&str, usize)> = FACTS
        .iter()
        .filter_map(|&name| Some((name, table.column(name)?)))
        .collect();
    catalogue.count_lines("styles.csv", &table, progress);

    let photos = Photos::of(folder, catalogue)?;
    let mut seen: HashSet<String> = catalogue.known_ids().into_keys().collect();
    let mut listed = Vec::with_capacity(table.rows().len());
    for row in table.rows() {
        let id = row.field(id);
        if let Some(problem) = id_problem(id) {
            catalogue.dropped.add(problem, id, &row.text());
            continue;
        }
        if !seen.insert(id.to_owned()) {
            catalogue.dropped.add("listed before", id, "");
            continue;
        }
        let photo = match photos.of_product(id) {
            Ok(photo) => photo,
            Err(reason) => {
                let looked_for = format!("{PHOTOS}/{}", photo_name(id));
                catalogue.dropped.add(reason, id, &looked_for);
                continue;
            }
        };
        listed.push(Entry {
            id: id.to_owned(),
            title: title.map_or("", |column| row.field(column)).to_owned(),
            category: row.field(category).to_owned(),
            facts: facts
                .iter()
                .map(|&(name, column)| (name.to_owned(), row.field(column).to_owned()))
                .collect(),
            siblings: Vec::new(),
            style: None,
            article: None,
            photo,
        });
    }
    Ok(listed)
}

/// This layout knows JPEG alone.
fn photo_name(id: &str) -> String {
    format!("{id}.jpg")
}

/// Which photographs there are.
struct Photos {
    folder: PathBuf,
    names: HashSet<String>,
    /// Names that `images.csv` has no link for.
    undefined: HashSet<String>,
}

impl Photos {
    /// Broken lines of `images.csv` are listed with those of the other table.
    fn of(folder: &Path, catalogue: &mut Catalogue) -> Result<Photos, Error> {
        let images = folder.join(PHOTOS);
        let failed = |source| Error::Read {
            path: images.clone(),
            source,
        };
        let mut names = HashSet::new();
        for file in fs::read_dir(&images).map_err(failed)? {
            if let Ok(name) = file.map_err(failed)?.file_name().into_string() {
                names.insert(name);
            }
        }
        let links = folder.join("images.csv");
        let undefined = if links.is_file() {
            let links = Table::parse(&read_file(&links)?);
            catalogue.list_broken_lines("images.csv", &links);
            undefined(&links)
        } else {
            HashSet::new()
        };
        Ok(Photos {
            folder: images,
            names,
            undefined,
        })
    }

    fn of_product(&self, id: &str) -> Result<PathBuf, &'static str> {
        let name = photo_name(id);
        if self.undefined.contains(&name) {
            Err("its photo is \"undefined\" in images.csv")
        } else if self.names.contains(&name) {
            Ok(self.folder.join(name))
        } else {
            Err(NO_PHOTO)
        }
    }
}

fn undefined(links: &Table) -> HashSet<String> {
    let (Some(name), Some(link)) = (links.column("filename"), links.column("link")) else {
        return HashSet::new();
    };
    let gone = |row: &Row<'_>| row.field(link) == NO_LINK;
    let names = links.rows().filter(gone);
    names.map(|row| row.field(name).to_owned()).collect()
}

fn read_record(styles: &Path, id: &str) -> Result<StyleRecord, String> {
    let bytes =
        fs::read(styles.join(format!("{id}.json"))).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "its record is missing".to_owned(),
            kind => format!("its record can't be read: {kind}"),
        })?;
    let record = StyleRecord::parse(&bytes)?;
    match &record.id {
        Some(other) if other != id => Err("its record is about another product".to_owned()),
        _ => Ok(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cell_leaves_what_the_record_says() {
        let words = |cell: &str| -> Vec<String> {
            let mut entry = Entry {
                id: "7".to_owned(),
                title: String::new(),
                category: "Shirts".to_owned(),
                facts: vec![(COLOUR_FIELD.to_owned(), cell.to_owned())],
                siblings: Vec::new(),
                style: None,
                article: None,
                photo: PathBuf::new(),
            };
            let record = br#"{"id": 7, "baseColour": "Blue"}"#;
            entry.complete(StyleRecord::parse(record).unwrap());
            let words = entry.facts.into_iter().map(|(_, word)| word);
            words.filter(|word| !word.is_empty()).collect()
        };
        assert_eq!(words(""), ["Blue"]);
        assert_eq!(words("Red"), ["Red"]);
    }
}

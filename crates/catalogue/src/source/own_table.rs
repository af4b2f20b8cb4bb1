//! A table of one's own: an id, attribute columns, an image.

use std::collections::HashSet;
use std::path::Path;

use super::mapping::Mapping;
use super::table::{Row, Table};
use super::{Catalogue, Entry, id_problem};
use crate::error::Error;
use crate::files::read as read_file;

pub(super) fn read(
    file: &Path,
    images: &Path,
    mapping: &Mapping,
    catalogue: &mut Catalogue,
) -> Result<(), Error> {
    let table = Table::parse(&read_file(file)?);
    let columns = Columns::of(file, &table, mapping)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    catalogue.count_lines(&name, &table);
    let mut seen: HashSet<String> = catalogue.known_ids().into_keys().collect();
    for row in table.rows() {
        let id = row.field(columns.id);
        if let Some(problem) = id_problem(id) {
            catalogue.dropped.add(problem, id);
        } else if !seen.insert(id.to_owned()) {
            catalogue.dropped.add("listed before", id);
        } else {
            let entry = columns.entry(&row, images, mapping);
            if entry.photo.is_file() {
                catalogue.entries.push(entry);
            } else {
                catalogue.dropped.add("its photo is missing", id);
            }
        }
    }
    Ok(())
}

/// Places of columns.
struct Columns {
    id: usize,
    image: Option<usize>,
    category: Option<usize>,
    title: Option<usize>,
    style: Option<usize>,
    facts: Vec<(String, usize)>,
}

impl Columns {
    fn of(file: &Path, table: &Table, mapping: &Mapping) -> Result<Columns, Error> {
        let missing = |column: &str| Error::Column {
            path: file.to_owned(),
            column: column.to_owned(),
            found: table.header().join(", "),
        };
        let named = |column: &str| table.column(column).ok_or_else(|| missing(column));
        // A column that the mapping names has to be there, a usual one may be.
        let optional = |mapped: &Option<String>, usual: &str| match mapped {
            Some(column) => named(column).map(Some),
            None => Ok(table.column(usual)),
        };
        let category = match mapping.category_of_all {
            Some(_) => None,
            None => Some(named(mapping.category.as_deref().unwrap_or("category"))?),
        };
        let facts = match &mapping.attributes {
            Some(attributes) => attributes
                .iter()
                .map(|(attribute, column)| Ok((attribute.clone(), named(column)?)))
                .collect::<Result<_, Error>>()?,
            None => table.header().iter().cloned().zip(0..).collect(),
        };
        Ok(Columns {
            id: named(mapping.id.as_deref().unwrap_or("id"))?,
            image: optional(&mapping.image, "image")?,
            category,
            title: optional(&mapping.title, "title")?,
            style: optional(&mapping.style, "style")?,
            facts,
        })
    }

    fn entry(&self, row: &Row<'_>, images: &Path, mapping: &Mapping) -> Entry {
        let text = |column: Option<usize>| column.map_or("", |column| row.field(column));
        let id = row.field(self.id);
        let photo = match text(self.image) {
            "" => images.join(format!("{id}.jpg")),
            name => images.join(name),
        };
        let category = match &mapping.category_of_all {
            Some(category) => category,
            None => text(self.category),
        };
        let facts = self.facts.iter();
        Entry {
            id: id.to_owned(),
            title: text(self.title).to_owned(),
            category: category.to_owned(),
            facts: facts
                .map(|(name, column)| (name.clone(), row.field(*column).to_owned()))
                .collect(),
            siblings: Vec::new(),
            style: Some(text(self.style).to_owned()).filter(|style| !style.is_empty()),
            article: None,
            photo,
        }
    }
}

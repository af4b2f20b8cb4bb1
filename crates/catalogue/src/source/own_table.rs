//! A table of one's own: an id, attribute columns, an image.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use attributes::AttributeSet;

use super::mapping::Mapping;
use super::table::{Row, Table};
use super::{Catalogue, Entry, NO_PHOTO, id_problem};
use crate::error::Error;
use crate::files::read as read_file;
use crate::photo_files::{names_of, photo_in};
use crate::progress::Progress;

pub(super) fn read(
    file: &Path,
    images: &Path,
    mapping: &Mapping,
    set: &AttributeSet,
    catalogue: &mut Catalogue,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let table = Table::parse(&read_file(file)?);
    let columns = Columns::of(file, &table, mapping, set)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    catalogue.count_lines(&name, &table, progress);
    let mut seen: HashSet<String> = catalogue.known_ids().into_keys().collect();
    for row in table.rows() {
        let id = row.field(columns.id);
        if let Some(problem) = id_problem(id) {
            catalogue.dropped.add(problem, id, &row.text());
        } else if !seen.insert(id.to_owned()) {
            catalogue.dropped.add("listed before", id, "");
        } else {
            match columns.photo(&row, images) {
                Ok(photo) => catalogue.entries.push(columns.entry(&row, photo, mapping)),
                Err(looked_for) => catalogue.dropped.add(NO_PHOTO, id, &looked_for),
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
    /// Those of attributes.
    facts: Vec<(String, usize)>,
}

impl Columns {
    fn of(
        file: &Path,
        table: &Table,
        mapping: &Mapping,
        set: &AttributeSet,
    ) -> Result<Columns, Error> {
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
        let attributes = mapping.attributes.iter().flatten();
        let mut facts = attributes
            .map(|(attribute, column)| Ok((attribute.clone(), named(column)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        facts.extend(called_as_attributes(table, mapping, set));
        Ok(Columns {
            id: named(mapping.id.as_deref().unwrap_or("id"))?,
            image: optional(&mapping.image, "image")?,
            category,
            title: optional(&mapping.title, "title")?,
            style: optional(&mapping.style, "style")?,
            facts,
        })
    }

    /// The photograph of a row; where there is none, the names that were looked for.
    fn photo(&self, row: &Row<'_>, images: &Path) -> Result<PathBuf, String> {
        let id = row.field(self.id);
        match self.image.map_or("", |column| row.field(column)) {
            "" => photo_in(images, id).ok_or_else(|| names_of(id)),
            name => Some(images.join(name))
                .filter(|photo| photo.is_file())
                .ok_or_else(|| name.to_owned()),
        }
    }

    fn entry(&self, row: &Row<'_>, photo: PathBuf, mapping: &Mapping) -> Entry {
        let text = |column: Option<usize>| column.map_or("", |column| row.field(column));
        let category = match &mapping.category_of_all {
            Some(category) => category,
            None => text(self.category),
        };
        let facts = self.facts.iter();
        Entry {
            id: row.field(self.id).to_owned(),
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

/// Columns that are called as an attribute to which the mapping gives no other, but
/// for those that the mapping says are something else.
fn called_as_attributes(
    table: &Table,
    mapping: &Mapping,
    set: &AttributeSet,
) -> Vec<(String, usize)> {
    let attributes = || mapping.attributes.iter().flatten();
    let name_of = |name: &str| Some(set.attribute(name)?.name.as_str());
    let given: HashSet<&str> = attributes().filter_map(|(name, _)| name_of(name)).collect();
    let other_columns = [
        &mapping.id,
        &mapping.image,
        &mapping.category,
        &mapping.title,
        &mapping.style,
    ];
    let taken: HashSet<&String> = attributes()
        .map(|(_, column)| column)
        .chain(other_columns.into_iter().flatten())
        .collect();
    let is_free = |column: &String| {
        !taken.contains(column) && name_of(column).is_some_and(|name| !given.contains(name))
    };
    let columns = table.header().iter().zip(0..);
    columns
        .filter(|(column, _)| is_free(column))
        .map(|(column, place)| (column.clone(), place))
        .collect()
}

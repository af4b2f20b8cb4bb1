//! What the columns of a shop's own table are.

use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::files::read as read_file;

/// Which column holds what. In a mapping file this is TOML:
///
/// ```toml
/// id = "sku"
/// image = "photo"        # a file's name; without it, <id>.jpg, .jpeg, .png or .webp
/// category = "kind"      # or, for a table of one kind: category-of-all = "shirt"
/// title = "name"
/// style = "model"        # equal in products that are one style
///
/// [attributes]           # attribute = column
/// Fabric = "material"
/// Colour = "color"
/// ```
///
/// What is left out is looked for under the names that stand first here: `id`,
/// `image`, `category`, `title`, `style`. Every other column that is called as an
/// attribute is that attribute's, unless `[attributes]` gives the attribute another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Mapping {
    /// The column of ids.
    pub id: Option<String>,
    /// The column of photographs' file names.
    pub image: Option<String>,
    /// The column of categories.
    pub category: Option<String>,
    /// The category of all products.
    pub category_of_all: Option<String>,
    /// The column of titles.
    pub title: Option<String>,
    /// The column that is equal in products of one style.
    pub style: Option<String>,
    /// Attributes, each with its column.
    pub attributes: Option<std::collections::BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] where there is none, [`Error::Mapping`] where it is no
    /// TOML or has a field that no mapping has.
    pub fn read(path: &Path) -> Result<Mapping, Error> {
        let bytes = read_file(path)?;
        let failed = |reason: String| Error::Mapping {
            path: path.to_owned(),
            reason,
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.to_string()))?;
        toml::from_str(text).map_err(|error| failed(error.to_string()))
    }
}

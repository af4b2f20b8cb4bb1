//! The settings of what products are asked about.

use attributes::{AttributeSet, UNKNOWN_CATEGORY_NOUN};

use super::{ATTRIBUTE_SET, DEFAULT_CATEGORY, Environment, SettingsError};

/// Reads the attributes to ask about, and the file of `ATTRIBUTE_SET` if set.
pub(super) fn attribute_set<L>(environment: &Environment<L>) -> Result<AttributeSet, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let Some(path) = environment.optional(&ATTRIBUTE_SET) else {
        return Ok(AttributeSet::embedded());
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| ATTRIBUTE_SET.wrong(format!("{path:?} can't be read: {error}")))?;
    AttributeSet::parse(&text)
        .map_err(|error| ATTRIBUTE_SET.wrong(format!("{path:?} is no attribute set: {error}")))
}

/// Reads the category of a product whose request names none. Where nobody has set it, or the set
/// has no categories, it may be one that the set does not know.
pub(super) fn default_category<L>(
    environment: &Environment<L>,
    set: &AttributeSet,
) -> Result<String, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let name = environment.text(&DEFAULT_CATEGORY);
    let is_set = environment.get(DEFAULT_CATEGORY.name).is_some();
    let is_known = set.category(&name).is_some() || name == UNKNOWN_CATEGORY_NOUN;
    if is_set && !is_known && !set.categories().is_empty() {
        let known: Vec<&str> = set
            .categories()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        return Err(DEFAULT_CATEGORY.wrong(format!(
            "is {name:?}, must be a category of the attribute set: {}; or \
             {UNKNOWN_CATEGORY_NOUN:?} for all of them",
            known.join(", ")
        )));
    }
    Ok(name)
}

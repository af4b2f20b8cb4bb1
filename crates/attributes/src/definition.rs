//! From the text of an attribute set to its checked parts.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use serde::Deserialize;

use crate::error::{AttributeSetError, Entry};
use crate::fold::fold;
use crate::set::{Attribute, Category, Value};

/// The parts of a set that passed every check.
pub(crate) struct Checked {
    pub attributes: Vec<Attribute>,
    pub categories: Vec<Category>,
    pub attribute_places: HashMap<String, usize>,
    pub category_places: HashMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetText {
    #[serde(default)]
    attribute: Vec<AttributeText>,
    #[serde(default)]
    category: Vec<CategoryText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeText {
    name: String,
    words: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    values: Vec<ValueText>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a value is a text, or a table of `name` (a text) and `synonyms` (texts)"
)]
enum ValueText {
    Name(String),
    WithSynonyms(ValueTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueTable {
    name: String,
    #[serde(default)]
    synonyms: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryText {
    name: String,
    noun: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    attributes: Option<Vec<String>>,
}

pub(crate) fn read(toml_text: &str) -> Result<Checked, AttributeSetError> {
    let text: SetText = toml::from_str(toml_text)?;
    if text.attribute.is_empty() {
        return Err(AttributeSetError::NoAttributes);
    }

    let mut attributes = Vec::with_capacity(text.attribute.len());
    let mut attribute_owners = Owners::default();
    for (place, attribute) in text.attribute.into_iter().enumerate() {
        let entry = Entry {
            kind: "attribute",
            number: place + 1,
            name: attribute.name.clone(),
        };
        let attribute = check_attribute(&entry, attribute)?;
        attribute_owners.claim(&entry, attribute.names())?;
        attributes.push(attribute);
    }

    let mut categories = Vec::with_capacity(text.category.len());
    let mut category_owners = Owners::default();
    for (place, category) in text.category.into_iter().enumerate() {
        let entry = Entry {
            kind: "category",
            number: place + 1,
            name: category.name.clone(),
        };
        let category = check_category(&entry, category, &attributes, &attribute_owners)?;
        category_owners.claim(&entry, category.names())?;
        categories.push(category);
    }

    Ok(Checked {
        attributes,
        categories,
        attribute_places: attribute_owners.into_places(),
        category_places: category_owners.into_places(),
    })
}

fn check_attribute(entry: &Entry, text: AttributeText) -> Result<Attribute, AttributeSetError> {
    let AttributeText {
        name,
        words,
        aliases,
        values,
    } = text;
    let words = words.unwrap_or_else(|| name.to_lowercase());
    let values: Vec<Value> = values.into_iter().map(Value::from).collect();

    check_filled(entry, "name", [&name])?;
    check_filled(entry, "words", [&words])?;
    check_filled(entry, "aliases", &aliases)?;
    check_filled(entry, "values", values.iter().map(|value| &value.name))?;
    check_filled(
        entry,
        "synonyms",
        values.iter().flat_map(|value| &value.synonyms),
    )?;
    check_no_colon(entry, "name", [&name])?;
    check_no_colon(entry, "aliases", &aliases)?;
    check_values_differ(entry, &values)?;

    Ok(Attribute {
        name: trimmed(name),
        words: trimmed(words),
        aliases: aliases.into_iter().map(trimmed).collect(),
        values,
    })
}

fn check_category(
    entry: &Entry,
    text: CategoryText,
    attributes: &[Attribute],
    owners: &Owners,
) -> Result<Category, AttributeSetError> {
    let CategoryText {
        name,
        noun,
        aliases,
        attributes: listed,
    } = text;
    let noun = noun.unwrap_or_else(|| name.clone());
    check_filled(entry, "name", [&name])?;
    check_filled(entry, "noun", [&noun])?;
    check_filled(entry, "aliases", &aliases)?;

    let mut applies = vec![listed.is_none(); attributes.len()];
    for listed_name in listed.iter().flatten() {
        let Some(place) = owners.place(listed_name) else {
            return Err(AttributeSetError::UnknownAttribute {
                category: entry.clone(),
                attribute: listed_name.clone(),
            });
        };
        if std::mem::replace(&mut applies[place], true) {
            return Err(AttributeSetError::RepeatedAttribute {
                category: entry.clone(),
                attribute: attributes[place].name.clone(),
            });
        }
    }
    if !applies.contains(&true) {
        return Err(AttributeSetError::NoAttributesApply {
            category: entry.clone(),
        });
    }

    Ok(Category {
        name: trimmed(name),
        noun: trimmed(noun),
        aliases: aliases.into_iter().map(trimmed).collect(),
        attributes: attributes
            .iter()
            .zip(&applies)
            .filter(|&(_, applies)| *applies)
            .map(|(attribute, _)| attribute.name.clone())
            .collect(),
    })
}

fn check_filled<'a>(
    entry: &Entry,
    field: &'static str,
    texts: impl IntoIterator<Item = &'a String>,
) -> Result<(), AttributeSetError> {
    // A text of hyphens alone is compared as the empty text and could never be told apart.
    if texts.into_iter().any(|text| fold(text).is_empty()) {
        return Err(AttributeSetError::EmptyText {
            entry: entry.clone(),
            field,
        });
    }
    Ok(())
}

fn check_no_colon<'a>(
    entry: &Entry,
    field: &'static str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), AttributeSetError> {
    match names
        .into_iter()
        .find(|name| name.contains(crate::pair::COLONS))
    {
        Some(name) => Err(AttributeSetError::ColonInName {
            entry: entry.clone(),
            field,
            text: name.clone(),
        }),
        None => Ok(()),
    }
}

fn check_values_differ(entry: &Entry, values: &[Value]) -> Result<(), AttributeSetError> {
    let mut owners: HashMap<String, usize> = HashMap::new();
    for (place, value) in values.iter().enumerate() {
        for word in value.words() {
            let owner = *owners.entry(fold(word)).or_insert(place);
            if owner != place {
                return Err(AttributeSetError::DuplicateValue {
                    attribute: entry.clone(),
                    word: word.to_owned(),
                    first: values[owner].name.clone(),
                    second: value.name.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Who each folded name belongs to.
#[derive(Default)]
struct Owners(HashMap<String, Entry>);

impl Owners {
    /// Gives `names` to `owner`. A name may repeat itself within one owner.
    fn claim<'a>(
        &mut self,
        owner: &Entry,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), AttributeSetError> {
        for name in names {
            match self.0.entry(fold(name)) {
                Slot::Vacant(slot) => {
                    slot.insert(owner.clone());
                }
                Slot::Occupied(slot) if slot.get() == owner => {}
                Slot::Occupied(slot) => {
                    return Err(AttributeSetError::DuplicateName {
                        word: name.to_owned(),
                        first: slot.get().clone(),
                        second: owner.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.0.get(&fold(name)).map(|entry| entry.number - 1)
    }

    fn into_places(self) -> HashMap<String, usize> {
        self.0
            .into_iter()
            .map(|(name, entry)| (name, entry.number - 1))
            .collect()
    }
}

impl From<ValueText> for Value {
    fn from(text: ValueText) -> Value {
        match text {
            ValueText::Name(name) => Value {
                name: trimmed(name),
                synonyms: Vec::new(),
            },
            ValueText::WithSynonyms(ValueTable { name, synonyms }) => Value {
                name: trimmed(name),
                synonyms: synonyms.into_iter().map(trimmed).collect(),
            },
        }
    }
}

fn trimmed(text: String) -> String {
    let inner = text.trim();
    if inner.len() == text.len() {
        text
    } else {
        inner.to_owned()
    }
}

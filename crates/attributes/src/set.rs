//! Attribute sets and the lookups in them.

use std::collections::HashMap;

use crate::definition;
use crate::error::AttributeSetError;
use crate::fold::{fold, folds_to};

/// What a garment of an unknown category is called in a question.
pub const UNKNOWN_CATEGORY_NOUN: &str = "clothing";

const EMBEDDED: &str = include_str!("default_set.toml");

/// The attributes that are asked about, in order, and the categories of
/// garments that they apply to.
#[derive(Clone, Debug)]
pub struct AttributeSet {
    attributes: Vec<Attribute>,
    categories: Vec<Category>,
    /// Folded names and aliases, each with its place in `attributes`.
    attribute_places: HashMap<String, usize>,
    /// Folded names, nouns and aliases, each with its place in `categories`.
    category_places: HashMap<String, usize>,
}

/// One attribute of garments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name in answers and results: "Sleeve Length".
    pub name: String,
    /// What it is called in a question: "sleeve length".
    pub words: String,
    /// Other names by which a model may answer.
    pub aliases: Vec<String>,
    /// The known values; a model may still answer with another one.
    pub values: Vec<Value>,
}

/// One known value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value as results have it.
    pub name: String,
    /// Other words for the same.
    pub synonyms: Vec<String>,
}

/// A kind of garment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// The name of the category.
    pub name: String,
    /// What such a garment is called in a question.
    pub noun: String,
    /// Other names, such as those of a shop's data.
    pub aliases: Vec<String>,
    /// The names of the attributes that apply, in the order of the set.
    pub attributes: Vec<String>,
}

impl AttributeSet {
    /// The default set: Fabric, Fit, Collar, Pattern, Sleeve Length, Neck,
    /// Sleeve Styling and Colour, with the categories of clothing.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test parses it; there is no other set to fall back on"
    )]
    pub fn embedded() -> AttributeSet {
        AttributeSet::parse(EMBEDDED).expect("the embedded attribute set is valid")
    }

    /// Reads a set from TOML in the form that the crate's documentation shows.
    ///
    /// # Errors
    ///
    /// [`AttributeSetError`] names the entry and the field that has to be
    /// mended, and both owners of a word that stands for two things.
    pub fn parse(toml_text: &str) -> Result<AttributeSet, AttributeSetError> {
        let definition::Checked {
            attributes,
            categories,
            attribute_places,
            category_places,
        } = definition::read(toml_text)?;
        Ok(AttributeSet {
            attributes,
            categories,
            attribute_places,
            category_places,
        })
    }

    /// All attributes, in order.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The attribute of this name or alias, whatever its case, spaces and
    /// hyphens.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        let place = self.attribute_places.get(&fold(name))?;
        self.attributes.get(*place)
    }

    /// All categories, in order.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The category of this name, noun or alias, whatever its case, spaces and
    /// hyphens.
    #[must_use]
    pub fn category(&self, name: &str) -> Option<&Category> {
        let place = self.category_places.get(&fold(name))?;
        self.categories.get(*place)
    }

    /// What to ask about a garment of `category`: the noun, and the attributes
    /// that apply in the order of the set. An unknown category is asked about
    /// as [`UNKNOWN_CATEGORY_NOUN`], with all attributes.
    #[must_use]
    pub fn attributes_of(&self, category: &str) -> (&str, Vec<&Attribute>) {
        match self.category(category) {
            Some(category) => (
                &category.noun,
                category
                    .attributes
                    .iter()
                    .filter_map(|name| self.attribute(name))
                    .collect(),
            ),
            None => (UNKNOWN_CATEGORY_NOUN, self.attributes.iter().collect()),
        }
    }
}

impl Attribute {
    /// The known value that `text` names or is a synonym of, whatever its case,
    /// spaces and hyphens.
    #[must_use]
    pub fn value(&self, text: &str) -> Option<&Value> {
        self.value_of_key(&fold(text))
    }

    /// [`Attribute::value`] of a folded text.
    pub(crate) fn value_of_key(&self, key: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|value| value.words().any(|word| folds_to(word, key)))
    }

    /// Whether `name` is this attribute's name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let key = fold(name);
        self.names().any(|own| folds_to(own, &key))
    }

    /// The name, then the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Value {
    /// The name, then the synonyms.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.synonyms.iter().map(String::as_str))
    }
}

impl Category {
    /// The name, the noun, then the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), self.noun.as_str()]
            .into_iter()
            .chain(self.aliases.iter().map(String::as_str))
    }
}

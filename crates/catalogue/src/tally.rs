//! What was decided about each attribute, counted.

use std::collections::BTreeMap;

use serde::Serialize;

/// What became of one attribute: numbers of products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AttributeTally {
    /// Its name in the set.
    pub name: String,
    /// Products that have a value of it which was kept.
    pub products: u64,
    /// How many products have each value that was kept.
    pub values: BTreeMap<String, u64>,
    /// Those of the values that the set does not know.
    pub outside_the_set: Vec<String>,
    /// Products of categories that it applies to that say nothing about it.
    pub not_given: u64,
    /// Words that say that there is no value ("NA").
    pub not_available: BTreeMap<String, u64>,
    /// Products, by category, that have a value though it does not apply.
    pub does_not_apply: BTreeMap<String, u64>,
    /// Words that are a value of another attribute, or its name.
    pub about_another: BTreeMap<String, u64>,
    /// The shop's words for a value that is called otherwise, each with that
    /// value.
    pub synonyms: BTreeMap<String, Synonym>,
    /// Values that too few products have.
    pub rare: BTreeMap<String, u64>,
}

/// A word that stands for a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Synonym {
    /// The value.
    pub value: String,
    /// Products that have the word.
    pub products: u64,
}

impl AttributeTally {
    /// Counts a product whose word for `value` is another.
    pub(crate) fn add_synonym(&mut self, word: &str, value: &str) {
        let synonym = self.synonyms.entry(word.to_owned()).or_default();
        value.clone_into(&mut synonym.value);
        synonym.products += 1;
    }
}

/// Counts one more of `key`.
pub(crate) fn count(counts: &mut BTreeMap<String, u64>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            counts.insert(key.to_owned(), 1);
        }
    }
}

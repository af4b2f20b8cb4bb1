//! What can be wrong with the text of an attribute set.

use std::fmt;

/// Why a text is no attribute set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AttributeSetError {
    /// Not TOML, a missing or unknown field, or a wrong type; the message of
    /// the parser carries line and column.
    #[error("the attribute set can't be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// There is no `[[attribute]]` at all.
    #[error("the attribute set has no attribute: add an [[attribute]] with a `name`")]
    NoAttributes,
    /// A field holds nothing that could be compared or asked about.
    #[error("{entry}: `{field}` is empty or has an empty text in it")]
    EmptyText {
        /// Where.
        entry: Entry,
        /// The field's name in the TOML.
        field: &'static str,
    },
    /// A colon would end the name in an answer "Name: value".
    #[error("{entry}: `{field}` holds {text:?}; the name of an attribute can't contain a colon")]
    ColonInName {
        /// Where.
        entry: Entry,
        /// The field's name in the TOML.
        field: &'static str,
        /// The name with the colon.
        text: String,
    },
    /// One name or alias stands for two attributes, or two categories.
    #[error("{word:?} in {second} already stands for {first}: each name and alias needs one owner")]
    DuplicateName {
        /// The word as the second owner has it.
        word: String,
        /// The owner that comes first.
        first: Entry,
        /// The one after it.
        second: Entry,
    },
    /// One word stands for two values of the same attribute.
    #[error("{attribute}: {word:?} stands for both {first:?} and {second:?} in `values`")]
    DuplicateValue {
        /// Where.
        attribute: Entry,
        /// The word as the second value has it.
        word: String,
        /// The value that comes first.
        first: String,
        /// The one after it.
        second: String,
    },
    /// A category lists an attribute that the set does not have.
    #[error("{category}: `attributes` names {attribute:?}, which is no [[attribute]] of this set")]
    UnknownAttribute {
        /// Where.
        category: Entry,
        /// The name without an owner.
        attribute: String,
    },
    /// A category lists an attribute twice, possibly under two of its names.
    #[error("{category}: `attributes` lists {attribute:?} more than once")]
    RepeatedAttribute {
        /// Where.
        category: Entry,
        /// The repeated attribute.
        attribute: String,
    },
    /// A category with nothing to ask about.
    #[error("{category}: `attributes` is empty; leave it out to have all of them apply")]
    NoAttributesApply {
        /// Where.
        category: Entry,
    },
}

/// An entry of the set's text, counted from 1 within its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The table's name in the TOML: "attribute" or "category".
    pub kind: &'static str,
    /// Its place among those of its kind, from 1.
    pub number: usize,
    /// Its `name`, which may be empty.
    pub name: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { kind, number, name } = self;
        if name.trim().is_empty() {
            write!(f, "{kind} number {number}")
        } else {
            write!(f, "{kind} {name:?}")
        }
    }
}

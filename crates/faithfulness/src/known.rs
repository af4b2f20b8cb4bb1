//! What is known of a product.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What a description is checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// The kind of garment, by a name that the attribute set has; without one
    /// the first garment that the text names is taken for it.
    pub category: Option<String>,
    /// Name to value. A name or value that the set does not have is looked for
    /// by its own words.
    pub attributes: IndexMap<String, String>,
    /// Names of attributes of which it is known that nothing is known: a text that says a value
    /// of one claims it. Values of an attribute that is neither given nor here are not judged,
    /// but for materials. Names that the set does not have are passed over.
    pub unknown: Vec<String>,
    /// The product's title. What it says (a brand, "organic") is known.
    pub title: Option<String>,
    /// Words and phrases that the text must not hold.
    pub banned: Vec<String>,
}

impl Known {
    /// A garment of `category`, of which nothing else is known yet.
    #[must_use]
    pub fn new(category: &str) -> Known {
        Known {
            category: Some(category.to_owned()),
            ..Known::default()
        }
    }

    /// This and one attribute more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Known {
        self.attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// This, and that nothing is known of one attribute.
    #[must_use]
    pub fn without(mut self, name: &str) -> Known {
        self.unknown.push(name.to_owned());
        self
    }
}

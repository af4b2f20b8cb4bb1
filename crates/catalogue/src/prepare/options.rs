//! What `prepare` is told.

use std::path::PathBuf;

use attributes::{AttributeSet, Wording};

use crate::duplicates::MAX_DISTANCE;
use crate::error::Error;
use crate::source::Source;

/// What is prepared, and how.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// The catalogues; a product that two of them have is taken from the first.
    pub sources: Vec<Source>,
    /// The folder for the files, made where it is missing.
    pub out: PathBuf,
    /// Attributes, their values and categories.
    pub set: AttributeSet,
    /// Categories by a name or alias; where there are none, all of the set.
    pub categories: Vec<String>,
    /// Values of fewer products are left out.
    pub min_count: u64,
    /// How questions and answers are worded.
    pub wording: Wording,
    /// Attributes that are asked about in the test file alone.
    pub hold_out: Vec<String>,
    /// The share of products of each file.
    pub shares: Shares,
    /// Decides what is left to chance.
    pub seed: u64,
    /// In how many of 64 bits the hashes of near-identical photographs may
    /// differ; `None` where photographs are not looked at.
    pub photo_distance: Option<u32>,
    /// How many thumbnails of each value the page shows.
    pub thumbnails: usize,
}

/// The share of products of each file, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Of `vqa_val.csv`; 0 for none.
    pub validation: f64,
    /// Of `vqa_test.csv`; 0 for none.
    pub test: f64,
}

impl Shares {
    /// Training, validation, test; training has what the others leave.
    pub(crate) fn as_array(&self) -> [f64; 3] {
        [
            1.0 - self.validation - self.test,
            self.validation,
            self.test,
        ]
    }
}

impl Default for Shares {
    /// A tenth each for validation and test.
    fn default() -> Shares {
        Shares {
            validation: 0.1,
            test: 0.1,
        }
    }
}

/// Options by the names of the attribute set.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// Names of categories; all of them where none was asked for.
    pub categories: Vec<String>,
    /// Names of attributes.
    pub hold_out: Vec<String>,
}

impl PrepareOptions {
    pub(crate) fn resolve(&self) -> Result<Resolved, Error> {
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        let Shares { validation, test } = self.shares;
        if !is_share(validation) || !is_share(test) || validation + test >= 1.0 {
            return Err(Error::Option(format!(
                "the shares of validation ({validation}) and test ({test}) have to be 0 or more and leave something for training"
            )));
        }
        if let Some(distance) = self
            .photo_distance
            .filter(|&distance| distance > MAX_DISTANCE)
        {
            return Err(Error::Option(format!(
                "a photo distance of {distance} bits is too much: at most {MAX_DISTANCE}"
            )));
        }
        for source in &self.sources {
            if let Source::Table { mapping, .. } = source {
                let named = mapping.attributes.iter().flat_map(|columns| columns.keys());
                named
                    .map(|name| self.attribute(name))
                    .collect::<Result<Vec<_>, _>>()?;
                if let Some(category) = &mapping.category_of_all {
                    self.category(category)?;
                }
            }
        }
        let categories = match self.categories.as_slice() {
            [] => self
                .set
                .categories()
                .iter()
                .map(|category| category.name.clone())
                .collect(),
            asked => asked
                .iter()
                .map(|name| self.category(name))
                .collect::<Result<_, _>>()?,
        };
        let hold_out = self.hold_out.iter().map(|name| self.attribute(name));
        Ok(Resolved {
            categories,
            hold_out: hold_out.collect::<Result<_, _>>()?,
        })
    }

    fn attribute(&self, name: &str) -> Result<String, Error> {
        let known = || {
            self.set
                .attributes()
                .iter()
                .map(|attribute| attribute.name.as_str())
        };
        match self.set.attribute(name) {
            Some(attribute) => Ok(attribute.name.clone()),
            None => Err(unknown("attribute", name, known())),
        }
    }

    fn category(&self, name: &str) -> Result<String, Error> {
        let known = || {
            self.set
                .categories()
                .iter()
                .map(|category| category.name.as_str())
        };
        match self.set.category(name) {
            Some(category) => Ok(category.name.clone()),
            None => Err(unknown("category", name, known())),
        }
    }
}

fn unknown<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    Error::Unknown {
        kind,
        name: name.to_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}

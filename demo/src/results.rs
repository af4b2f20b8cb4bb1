//! All that one run found: what the page shows, and `results.json`.

use serde::Serialize;

use crate::product::{Outcome, Product};

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// Whose pictures went through S3.
    pub pictures: Pictures,
    /// The most memory that the model server had at once, in bytes.
    pub model_server_peak_bytes: Option<u64>,
    /// Median seconds from sending a picture to having its description.
    pub median_seconds: Option<f64>,
    /// Names in the folder that are no photographs.
    pub skipped: Vec<String>,
    /// How many pictures were over the limit.
    pub over_limit: usize,
    /// All pictures that were sent.
    pub products: Vec<Product>,
}

/// Whose pictures went through S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Pictures {
    /// The project's drawn samples.
    Drawn,
    /// A person's photographs.
    Photographs {
        /// The folder's name, without where it lies.
        folder: String,
    },
}

impl Results {
    /// The products that the function described.
    pub fn described(&self) -> impl Iterator<Item = &Product> {
        self.products
            .iter()
            .filter(|product| product.is_described())
    }

    /// The others, with their reasons.
    pub fn failed(&self) -> impl Iterator<Item = (&Product, &str)> {
        self.products
            .iter()
            .filter_map(|product| match &product.outcome {
                Outcome::Failed { reason } => Some((product, reason.as_str())),
                Outcome::Described { .. } => None,
            })
    }
}

/// The median of how long the described products took.
pub fn median_seconds(products: &[Product]) -> Option<f64> {
    let mut seconds: Vec<f64> = products
        .iter()
        .filter(|p| p.is_described())
        .map(|p| p.seconds)
        .collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    match seconds.len() {
        0 => None,
        length if length % 2 == 1 => Some(seconds[middle]),
        _ => Some((seconds[middle - 1] + seconds[middle]) / 2.0),
    }
}

//! The twelve drawn products that ship with the project.

mod products;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::drawing::draw_jpeg;
use crate::error::Error;
use crate::files::{make_folder, write_whole};
use crate::product::Product;

pub use products::products;

/// The seed of the pictures in the repository.
pub const DEFAULT_SEED: u64 = 7;

/// The name of the file with what is true of each picture.
pub const RECORDS_FILE: &str = "samples.json";

/// What is true of one picture: an element of [`RECORDS_FILE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The product's id.
    pub id: String,
    /// The picture's file name.
    pub file: String,
    /// A title as a shop would have it.
    pub title: String,
    /// The category's name in the default attribute set.
    pub category: String,
    /// Always true: the picture is drawn, not photographed.
    pub drawn: bool,
    /// The attributes that the picture shows, with their values.
    pub attributes: Map<String, Value>,
}

/// What is true of a product's picture.
#[must_use]
pub fn record(product: &Product) -> Record {
    let attributes = product.garment.visible_attributes();
    Record {
        id: product.id.clone(),
        file: file_name(product),
        title: product.title.clone(),
        category: product.garment.category.value().to_owned(),
        drawn: true,
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect(),
    }
}

/// The text of [`RECORDS_FILE`] for these products.
///
/// # Errors
///
/// [`Error::Record`] where the records can't be put into JSON.
pub fn records_json(products: &[Product]) -> Result<String, Error> {
    let records: Vec<Record> = products.iter().map(record).collect();
    Ok(serde_json::to_string_pretty(&records)? + "\n")
}

/// Draws every product and writes its picture, then [`RECORDS_FILE`], into
/// `folder`, which is made where it is missing. `done` is called after each
/// picture.
///
/// # Errors
///
/// [`Error`] names the file or picture that failed; a file is whole or absent.
pub fn write(
    products: &[Product],
    seed: u64,
    folder: &Path,
    mut done: impl FnMut(&Product),
) -> Result<(), Error> {
    make_folder(folder)?;
    for (product, stream) in products.iter().zip(0..) {
        let picture = draw_jpeg(product, seed, stream)?;
        write_whole(&folder.join(file_name(product)), &picture)?;
        done(product);
    }
    write_whole(
        &folder.join(RECORDS_FILE),
        records_json(products)?.as_bytes(),
    )
}

fn file_name(product: &Product) -> String {
    format!("{}.jpg", product.id)
}

//! The tables and records of a drawn catalogue.

use std::collections::BTreeMap;
use std::path::Path;

use attributes::AttributeSet;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{DrawOptions, Flaw, flaw, id, recolours, shown_product};
use crate::error::Error;
use crate::files::{make_folder, read, write_whole};
use crate::product::{Category, Product};
use crate::progress::Progress;
use crate::samples::{self, Record};
use crate::source::COLOUR_FIELD;

/// What is true of each picture, in the form of the samples' records.
pub const TRUTH_FILE: &str = samples::RECORDS_FILE;

/// The settings of the catalogue, and which products have which flaw.
pub const DRAWN_FILE: &str = "drawn.json";

/// Changes whenever the same settings give other pictures.
const DRAWING_VERSION: u32 = 1;

/// The text of [`DRAWN_FILE`].
#[derive(Debug, Default, Serialize, Deserialize)]
struct Settings {
    version: u32,
    seed: u64,
    flaws: bool,
    /// Ids by the name of their flaw.
    #[serde(default)]
    flawed: BTreeMap<String, Vec<String>>,
}

impl Settings {
    fn words(&self) -> String {
        let flaws = if self.flaws { " with flaws" } else { "" };
        format!("seed {}{flaws}, version {}", self.seed, self.version)
    }
}

/// Notes the settings in the folder, unless it holds a catalogue of others.
pub(super) fn claim(options: &DrawOptions) -> Result<(), Error> {
    let path = options.out.join(DRAWN_FILE);
    let mut wanted = Settings {
        version: DRAWING_VERSION,
        seed: options.seed,
        flaws: options.flaws,
        flawed: BTreeMap::new(),
    };
    if path.is_file() {
        let found: Settings = serde_json::from_slice(&read(&path)?).unwrap_or_default();
        if found.words() != wanted.words() {
            return Err(Error::OtherDrawing {
                path: options.out.clone(),
                found: found.words(),
                wanted: wanted.words(),
            });
        }
    } else if let Some(found) = ["styles.csv", "images.csv", TRUTH_FILE]
        .iter()
        .find(|name| options.out.join(name).exists())
    {
        return Err(Error::Option(format!(
            "{} holds a catalogue that was not drawn ({found}), which would be lost: \
             name another folder",
            options.out.display()
        )));
    }
    for index in 0..options.products {
        if let Some(flaw) = flaw(options, index) {
            let ids = wanted.flawed.entry(flaw.name().to_owned()).or_default();
            ids.push(id(index).to_string());
        }
    }
    make_folder(&options.out)?;
    write_json(&path, &wanted)
}

/// Writes records, tables and the truth.
pub(super) fn write(options: &DrawOptions, progress: &dyn Progress) -> Result<(), Error> {
    let folder = options.out.join("styles");
    make_folder(&folder)?;
    let set = AttributeSet::embedded();
    progress.stage("writing records", options.products);
    let products: Vec<Product> = (0..options.products)
        .into_par_iter()
        .map(|index| {
            let product = shown_product(options, index);
            write_record(options, &set, &folder, index, &product)?;
            progress.advance(1);
            Ok(product)
        })
        .collect::<Result<_, Error>>()?;
    let rows = || products.iter().zip(0..);
    let mut styles = format!(
        "id,gender,masterCategory,subCategory,articleType,{COLOUR_FIELD},season,year,usage,productDisplayName\n",
    );
    let mut images = String::from("filename,link\n");
    for (product, index) in rows() {
        let flaw = flaw(options, index);
        let line = styles_line(&set, product, flaw);
        styles.push_str(&line);
        if flaw == Some(Flaw::RepeatedLine) {
            styles.push_str(&line);
        }
        let link = match flaw {
            Some(Flaw::UndefinedPhoto) => "undefined",
            _ => "drawn",
        };
        images.push_str(&format!("{}.jpg,{link}\n", product.id));
    }
    let truth: Vec<Record> = products.iter().map(samples::record).collect();
    write_json(&options.out.join(TRUTH_FILE), &truth)?;
    write_whole(&options.out.join("images.csv"), images.as_bytes())?;
    write_whole(&options.out.join("styles.csv"), styles.as_bytes())
}

/// The shop's name of a category: the first alias in the attribute set.
fn article_type<'a>(set: &'a AttributeSet, product: &Product) -> &'a str {
    set.category(product.garment.category.value())
        .and_then(|category| category.aliases.first())
        .map_or("", String::as_str)
}

fn styles_line(set: &AttributeSet, product: &Product, flaw: Option<Flaw>) -> String {
    let garment = &product.garment;
    let (gender, sub_category) = match garment.category {
        Category::Shirt | Category::TShirt => ("Men", "Topwear"),
        Category::Dress => ("Women", "Dress"),
        _ => ("Women", "Topwear"),
    };
    let note = match flaw {
        Some(Flaw::BrokenLine) => ", as new",
        _ => "",
    };
    format!(
        "{},{gender},Apparel,{sub_category},{},{},Summer,2026,Casual,{}{note}\n",
        product.id,
        article_type(set, product),
        garment.colour.value(),
        product.title,
    )
}

fn write_record(
    options: &DrawOptions,
    set: &AttributeSet,
    folder: &Path,
    index: u64,
    product: &Product,
) -> Result<(), Error> {
    let flaw = flaw(options, index);
    let path = folder.join(format!("{}.json", product.id));
    let data = record_data(set, index, product, flaw);
    let text = match flaw {
        Some(Flaw::MissingRecord) => return Ok(()),
        Some(Flaw::FlatRecord) => data.to_string(),
        _ => json!({"notification": {}, "meta": {"code": 200}, "data": data}).to_string(),
    };
    let length = match flaw {
        Some(Flaw::CutRecord) => text.len() / 2,
        _ => text.len(),
    };
    write_whole(&path, &text.as_bytes()[..length])
}

fn record_data(set: &AttributeSet, index: u64, product: &Product, flaw: Option<Flaw>) -> Value {
    let colour = product.garment.colour.value();
    let mut given = Map::new();
    // The shop keeps the colour apart from the other attributes.
    let is_apart = |name: &str| {
        set.attribute(COLOUR_FIELD)
            .is_some_and(|colour| colour.is_called(name))
    };
    let mut shown = product.garment.visible_attributes();
    shown.retain(|&(name, _)| !is_apart(name));
    for (place, (name, value)) in shown.into_iter().enumerate() {
        let value = match flaw {
            Some(Flaw::NotAvailable) if place % 2 == 0 => "NA",
            Some(Flaw::Synonyms) => synonym(set, name, value),
            _ => value,
        };
        given.insert(name.to_owned(), Value::from(value));
    }
    let mut data = json!({
        "id": id(index),
        "productDisplayName": product.title,
        "brandName": "Drawn",
        COLOUR_FIELD: colour,
        "articleType": {"typeName": article_type(set, product)},
        "articleAttributes": given,
        "productDescriptors": {},
        "colours": null,
    });
    if let Some(first) = recolours(index) {
        let mut others = Map::new();
        others.insert(id(first).to_string(), json!({"styleid": id(first)}));
        data["colours"] = json!({"colors": others});
    }
    match flaw {
        Some(Flaw::FlatRecord) => data["id"] = Value::from(product.id.clone()),
        Some(Flaw::NoAttributes) => data["articleAttributes"] = json!([]),
        _ => {}
    }
    data
}

/// Another word of the attribute set for the same value.
fn synonym<'a>(set: &'a AttributeSet, attribute: &str, value: &'a str) -> &'a str {
    set.attribute(attribute)
        .and_then(|attribute| attribute.value(value))
        .and_then(|known| known.synonyms.first())
        .map_or(value, String::as_str)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    write_whole(path, &text)
}

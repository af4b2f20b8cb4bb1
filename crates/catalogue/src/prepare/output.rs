//! The files that `prepare` leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use attributes::{Attribute, AttributeSet, NOT_AVAILABLE};

use super::options::{PrepareOptions, Resolved};
use super::{Placed, Prepared, SplitReport};
use crate::clean::CleanProduct;
use crate::error::Error;
use crate::files::{make_folder, remove, write_whole};
use crate::page;
use crate::pairs::{Pair, as_csv, table};
use crate::progress::Progress;
use crate::split::Split;

/// The report for machines.
pub const REPORT_FILE: &str = "report.json";
/// The report to look at.
pub const PAGE_FILE: &str = "catalogue.html";
/// Which product is in which split and group.
pub const PRODUCTS_FILE: &str = "products.csv";

/// Questions about products of the test to which the shop gives no value: what an
/// evaluation asks to see whether a model knows that it does not know.
pub const NA_FILE: &str = "vqa_na.csv";

/// Fills in what the report says of the splits, and writes everything. All is
/// made before the first file is written.
pub(super) fn write(
    options: &PrepareOptions,
    resolved: &Resolved,
    prepared: &mut Prepared,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for (split, share) in Split::ALL.into_iter().zip(options.shares.as_array()) {
        let pairs = pairs(options, resolved, &prepared.placed, split, known);
        let report = report(&options.set, &prepared.placed, split, pairs.len());
        prepared.report.splits.push(report);
        if share > 0.0 {
            files.push((split.file_name(), as_csv(&pairs)?));
        }
    }
    let missing = pairs(
        options,
        resolved,
        &prepared.placed,
        Split::Test,
        without_value,
    );
    prepared.report.without_value = missing.len() as u64;
    if options.shares.test > 0.0 {
        files.push((NA_FILE, as_csv(&missing)?));
    }
    files.push((PRODUCTS_FILE, products(&prepared.placed)?));
    let mut json = serde_json::to_vec_pretty(&prepared.report)?;
    json.push(b'\n');
    files.push((REPORT_FILE, json));
    let html = page::render(&options.set, prepared, options.thumbnails, progress)?;
    files.push((PAGE_FILE, html.into_bytes()));

    gather_photos(&options.out, &prepared.placed, progress)?;
    for (name, bytes) in files {
        write_whole(&options.out.join(name), &bytes)?;
    }
    for (split, share) in Split::ALL.into_iter().zip(options.shares.as_array()) {
        // One of an earlier run would have products of another split.
        if share == 0.0 {
            remove(&options.out.join(split.file_name()))?;
        }
    }
    if options.shares.test == 0.0 {
        remove(&options.out.join(NA_FILE))?;
    }
    Ok(())
}

/// Places of attributes in the set, each with the true answer.
type Facts<'a> = Vec<(usize, &'a str)>;

/// What is known of a product.
fn known(product: &CleanProduct) -> Facts<'_> {
    let values = product.values.iter();
    values
        .map(|(place, value)| (*place, value.as_str()))
        .collect()
}

/// What no value is known of.
fn without_value(product: &CleanProduct) -> Facts<'_> {
    let places = product.without_value.iter();
    places.map(|&place| (place, NOT_AVAILABLE)).collect()
}

/// The pairs of one file, about `facts` of each product. What is held out is
/// asked about in the test alone, so that the test tells what a model makes of a
/// question it was not trained on.
fn pairs(
    options: &PrepareOptions,
    resolved: &Resolved,
    placed: &[Placed],
    split: Split,
    facts: fn(&CleanProduct) -> Facts<'_>,
) -> Vec<Pair> {
    let set = &options.set;
    let is_asked = |attribute: &Attribute| {
        split == Split::Test || !resolved.hold_out.contains(&attribute.name)
    };
    let mut pairs = Vec::new();
    for Placed { product, .. } in placed.iter().filter(|placed| placed.split == split) {
        let (noun, _) = set.attributes_of(&product.category);
        for (place, value) in facts(product) {
            let attribute = &set.attributes()[place];
            if is_asked(attribute) {
                let variant = variant(options.seed, &product.entry.id, &attribute.name);
                pairs.push(Pair {
                    id: product.entry.id.clone(),
                    question: options.wording.question(attribute, noun, variant),
                    answer: options.wording.answer(attribute, value),
                });
            }
        }
    }
    pairs
}

/// Which of several questions a product is asked (FNV-1a of seed and names).
fn variant(seed: u64, id: &str, attribute: &str) -> usize {
    let seed = seed.to_le_bytes();
    let bytes = seed.iter().chain(id.as_bytes()).chain(attribute.as_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // Its high bits are the better mixed.
    (hash >> 40) as usize
}

fn report(set: &AttributeSet, placed: &[Placed], split: Split, pairs: usize) -> SplitReport {
    let mut values: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let of_split = || placed.iter().filter(|placed| placed.split == split);
    for (place, value) in of_split().flat_map(|placed| &placed.product.values) {
        let of_attribute = values
            .entry(set.attributes()[*place].name.clone())
            .or_default();
        *of_attribute.entry(value.clone()).or_default() += 1;
    }
    SplitReport {
        split,
        file: split.file_name(),
        products: of_split().count() as u64,
        pairs: pairs as u64,
        values,
    }
}

fn products(placed: &[Placed]) -> Result<Vec<u8>, Error> {
    let groups: Vec<String> = placed
        .iter()
        .map(|placed| placed.group.to_string())
        .collect();
    let rows = placed.iter().zip(&groups).map(|(placed, group)| {
        [
            placed.product.entry.id.as_str(),
            placed.product.category.as_str(),
            placed.split.name(),
            group,
        ]
    });
    table(&["id", "category", "split", "group"], rows)
}

/// Training looks for `<id>.jpg` in one folder. Where photographs lie otherwise,
/// or in several folders, they are put into `images` of the output under that
/// name: as another link to the same file, or a copy where the disk has no links.
fn gather_photos(out: &Path, placed: &[Placed], progress: &dyn Progress) -> Result<(), Error> {
    let name = |placed: &Placed| format!("{}.jpg", placed.product.entry.id);
    let folder = placed
        .first()
        .and_then(|placed| placed.product.entry.photo.parent());
    let lies_there = |placed: &Placed| {
        let photo = &placed.product.entry.photo;
        photo.parent() == folder && photo.file_name().is_some_and(|file| file == &*name(placed))
    };
    if placed.iter().all(lies_there) {
        return Ok(());
    }
    let folder = out.join("images");
    make_folder(&folder)?;
    let is_source = |placed: &Placed| {
        let parent = placed.product.entry.photo.parent();
        parent.is_some_and(|parent| is_same(parent, &folder))
    };
    if placed.iter().any(is_source) {
        return Err(Error::Option(format!(
            "photos have to be gathered as <id>.jpg, and {} holds those of the catalogue, \
             which would be overwritten: choose another folder for the output",
            folder.display()
        )));
    }
    progress.stage("gathering photos", placed.len() as u64);
    for one in placed {
        let to = folder.join(name(one));
        link(&one.product.entry.photo, &to)?;
        progress.advance(1);
    }
    Ok(())
}

/// Whether both are there and lead to the same file or folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let paths = [one, other].map(Path::canonicalize);
    matches!(paths, [Ok(one), Ok(other)] if one == other)
}

fn link(from: &Path, to: &Path) -> Result<(), Error> {
    if is_same(from, to) {
        return Ok(());
    }
    remove(to)?;
    // A link to a link would lead from another folder.
    let file = from.canonicalize();
    if file.is_ok_and(|file| fs::hard_link(file, to).is_ok()) {
        return Ok(());
    }
    let bytes = crate::files::read(from)?;
    write_whole(to, &bytes)
}

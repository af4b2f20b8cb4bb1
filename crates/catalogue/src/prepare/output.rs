//! The files that `prepare` leaves.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use attributes::{AttributeSet, NOT_AVAILABLE};

use super::gathered::{PHOTOS, gather, tell_of_others};
use super::options::{PrepareOptions, Resolved};
use super::{Placed, Prepared, Report, SplitReport};
use crate::clean::CleanProduct;
use crate::error::Error;
use crate::files::{Together, is_same};
use crate::page;
use crate::pairs::{Pair, as_csv, table};
use crate::progress::Progress;
use crate::source::Source;
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

/// Every line and product that was left out, with its reason.
pub const LEFT_OUT_FILE: &str = "left-out.csv";

/// The columns of [`PRODUCTS_FILE`].
const PRODUCTS_HEADER: [&str; 4] = ["id", "category", "split", "group"];

/// The files of any run; none of an earlier one may be beside those of this one. The
/// report, by which a run's files are known, is the last to be removed.
fn file_names() -> impl Iterator<Item = &'static str> {
    let others = [
        NA_FILE,
        PRODUCTS_FILE,
        LEFT_OUT_FILE,
        PAGE_FILE,
        REPORT_FILE,
    ];
    Split::ALL.into_iter().map(Split::file_name).chain(others)
}

/// Fills in what the report says of the splits, and writes everything. All lies
/// there under other names before the first file of an earlier run goes.
pub(super) fn write(
    options: &PrepareOptions,
    resolved: &Resolved,
    prepared: &mut Prepared,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let at = |name: &str| options.out.join(name);
    let mut files = Together::default();
    for (split, share) in Split::ALL.into_iter().zip(options.shares.as_array()) {
        let asked = asked(options, resolved, &prepared.placed, split, known);
        let pairs = pairs(options, &asked);
        let report = report(&options.set, &asked, split);
        prepared.report.splits.push(report);
        if has_file(split, share, pairs.len(), progress)? {
            files.write(&at(split.file_name()), &as_csv(&pairs)?)?;
        }
    }
    let missing = asked(
        options,
        resolved,
        &prepared.placed,
        Split::Test,
        without_value,
    );
    let missing = pairs(options, &missing);
    prepared.report.without_value = missing.len() as u64;
    if options.shares.test > 0.0 {
        files.write(&at(NA_FILE), &as_csv(&missing)?)?;
    }
    files.write(&at(PRODUCTS_FILE), &products(&prepared.placed)?)?;
    files.write(&at(LEFT_OUT_FILE), &left_out(&prepared.report)?)?;
    let html = page::render(&options.set, prepared, options.thumbnails, progress)?;
    files.write(&at(PAGE_FILE), html.as_bytes())?;
    let photos = at(PHOTOS);
    let is_gathered = gather(&photos, &prepared.placed, &mut files, progress)?;
    let mut json = serde_json::to_vec_pretty(&prepared.report)?;
    json.push(b'\n');
    // The last one, which is the first to get its name.
    files.write(&at(REPORT_FILE), &json)?;
    let before: Vec<PathBuf> = file_names().map(at).collect();
    files.put(&before)?;
    tell_of_others(&photos, &prepared.placed, is_gathered, progress);
    Ok(())
}

/// Whether a split's questions are written. Without validation questions there is no
/// file, which training takes as no validation; one without rows it would refuse.
///
/// # Errors
/// [`Error::Option`] where nothing is left to train on.
fn has_file(
    split: Split,
    share: f64,
    questions: usize,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let name = split.file_name();
    match split {
        _ if share <= 0.0 => return Ok(false),
        _ if questions > 0 => {}
        Split::Train => {
            return Err(Error::Option(format!(
                "{name} would have no questions: give validation and test smaller shares, or \
                 hold out fewer attributes"
            )));
        }
        Split::Validation => {
            progress.note(&format!(
                "no product of validation has a question, so there is no {name}: the catalogue \
                 is too small for its share, or too much is held out"
            ));
            return Ok(false);
        }
        Split::Test => progress.note(&format!(
            "{name} has no questions, so that nothing can be evaluated with it: the catalogue \
             is too small for its share"
        )),
    }
    Ok(true)
}

/// Files of somebody's own are not to be replaced either: those of an earlier run lie
/// there with its report.
///
/// # Errors
/// [`Error::Option`] with the first that would be.
pub(super) fn check_replaceable(out: &Path) -> Result<(), Error> {
    let has_report = is_report(&out.join(REPORT_FILE));
    let is_ours = |name: &&str| match *name {
        // A name that a shop's own table is likely to have.
        PRODUCTS_FILE => has_report && has_our_header(&out.join(name)),
        _ => has_report,
    };
    let mut there = file_names().filter(|name| out.join(name).is_file());
    match there.find(|name| !is_ours(name)) {
        None => Ok(()),
        Some(name) => Err(Error::Option(format!(
            "{} is none that this command wrote, and would be replaced: move it away, or choose \
             another folder for the output",
            out.join(name).display()
        ))),
    }
}

/// Whether the file is a run's report, by what is in it.
fn is_report(path: &Path) -> bool {
    let Ok(bytes) = fs::read(path) else {
        return false;
    };
    let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let fields = ["settings", "broken_lines", "dropped", "splits"];
    fields.iter().all(|field| told.get(field).is_some())
}

/// Whether the file begins as our table of products does.
fn has_our_header(path: &Path) -> bool {
    let ours = PRODUCTS_HEADER.join(",") + "\n";
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(ours.as_bytes()))
}

/// A table of one's own is not to be replaced by what is made of it.
///
/// # Errors
/// [`Error::Option`] where it would be.
pub(super) fn check_sources(options: &PrepareOptions) -> Result<(), Error> {
    for source in &options.sources {
        let Source::Table { file, .. } = source else {
            continue;
        };
        if let Some(name) = file_names().find(|name| is_same(file, &options.out.join(name))) {
            return Err(Error::Option(format!(
                "{} would be replaced by the {name} that is written: choose another folder for \
                 the output",
                file.display()
            )));
        }
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

/// A question of one file: the product, the attribute's place in the set, and the
/// true answer.
type Asked<'a> = (&'a CleanProduct, usize, &'a str);

/// What one file asks about `facts` of each product. What is held out is asked about
/// in the test alone, so that the test tells what a model makes of a question it was
/// not trained on.
fn asked<'a>(
    options: &PrepareOptions,
    resolved: &Resolved,
    placed: &'a [Placed],
    split: Split,
    facts: fn(&CleanProduct) -> Facts<'_>,
) -> Vec<Asked<'a>> {
    let is_asked = |place: usize| {
        let name = &options.set.attributes()[place].name;
        split == Split::Test || !resolved.hold_out.contains(name)
    };
    let of_split = placed.iter().filter(|placed| placed.split == split);
    of_split
        .flat_map(|Placed { product, .. }| {
            let facts = facts(product).into_iter();
            facts.map(move |(place, value)| (product, place, value))
        })
        .filter(|(_, place, _)| is_asked(*place))
        .collect()
}

/// The questions in their words.
fn pairs(options: &PrepareOptions, asked: &[Asked<'_>]) -> Vec<Pair> {
    let set = &options.set;
    asked
        .iter()
        .map(|&(product, place, value)| {
            let attribute = &set.attributes()[place];
            let (noun, _) = set.attributes_of(&product.category);
            let variant = variant(options.seed, &product.entry.id, &attribute.name);
            Pair {
                id: product.entry.id.clone(),
                question: options.wording.question(attribute, noun, variant),
                answer: options.wording.answer(attribute, value),
            }
        })
        .collect()
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

fn report(set: &AttributeSet, asked: &[Asked<'_>], split: Split) -> SplitReport {
    let mut values: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut ids: HashSet<&str> = HashSet::new();
    for &(product, place, value) in asked {
        ids.insert(&product.entry.id);
        let name = &set.attributes()[place].name;
        let of_attribute = values.entry(name.clone()).or_default();
        *of_attribute.entry(value.to_owned()).or_default() += 1;
    }
    SplitReport {
        split,
        file: split.file_name(),
        products: ids.len() as u64,
        pairs: asked.len() as u64,
        values,
    }
}

fn left_out(report: &Report) -> Result<Vec<u8>, Error> {
    let lines = report.broken_lines.all().into_iter();
    let rows = lines.chain(report.dropped.all()).map(|(reason, lost)| {
        [
            lost.id.as_str(),
            reason,
            lost.detail.as_str(),
            lost.place.as_str(),
        ]
    });
    table(&["id", "reason", "detail", "place"], rows)
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
    table(&PRODUCTS_HEADER, rows)
}

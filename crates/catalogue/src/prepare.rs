//! From catalogues to the files that training reads.

mod gathered;
mod options;
mod output;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use attributes::AttributeSet;
use serde::Serialize;

use crate::clean::{CleanProduct, clean, of_known_categories};
use crate::duplicates::near_identical;
use crate::error::Error;
use crate::files::make_folder;
use crate::groups::{Groups, Links, join};
use crate::losses::Losses;
use crate::photo_marks::{Mark, Problem, of_photos};
use crate::progress::Progress;
use crate::source::{Catalogue, Entry, read};
use crate::split::{Split, numbered, split};
use crate::tally::AttributeTally;

use options::Resolved;

pub use options::{PrepareOptions, Shares};
pub use output::{LEFT_OUT_FILE, NA_FILE, PAGE_FILE, PRODUCTS_FILE, REPORT_FILE};

/// What was read, decided and written: the content of `report.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The settings, as far as they decide the files.
    pub settings: Settings,
    /// Rows of the tables, broken ones included.
    pub lines: u64,
    /// Lines that are no rows.
    pub broken_lines: Losses,
    /// Products that were left out.
    pub dropped: Losses,
    /// Products that are in the files.
    pub products: u64,
    /// How many of them each category has.
    pub categories: BTreeMap<String, u64>,
    /// What became of each attribute, in the set's order.
    pub attributes: Vec<AttributeTally>,
    /// Groups of products that stay in one split.
    pub groups: GroupReport,
    /// What went into which file.
    pub splits: Vec<SplitReport>,
    /// Questions in [`NA_FILE`]; the tallies of the attributes say the same of
    /// all products.
    #[serde(skip)]
    pub without_value: u64,
}

/// The settings that decide the files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Names of the categories that were asked for.
    pub categories: Vec<String>,
    /// The share of products of training, validation and test.
    pub shares: [f64; 3],
    /// Decides what is left to chance.
    pub seed: u64,
    /// Values of fewer products are left out.
    pub min_count: u64,
    /// How questions and answers are worded.
    pub wording: String,
    /// Attributes that are asked about in the test file alone.
    pub hold_out: Vec<String>,
    /// In how many bits hashes of near-identical photos may differ; nothing
    /// where photographs were not looked at.
    pub photo_distance: Option<u32>,
}

/// Groups of products that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// What links products.
    pub links: Links,
    /// How many groups have more than one product.
    pub groups: u64,
    /// How many products are in those.
    pub products: u64,
    /// The ids of the largest ones.
    pub largest: Vec<Vec<String>>,
}

/// What went into one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitReport {
    /// Which.
    pub split: Split,
    /// The file's name.
    pub file: &'static str,
    /// Products that have a question in it.
    pub products: u64,
    /// Questions in it.
    pub pairs: u64,
    /// By attribute and value, to how many of its questions that is the answer.
    pub values: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A product in its split.
#[derive(Debug)]
pub(crate) struct Placed {
    pub product: CleanProduct,
    pub split: Split,
    /// The number of its group, from 1.
    pub group: usize,
}

/// Everything that is written.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub placed: Vec<Placed>,
    pub report: Report,
}

/// Reads the catalogues, cleans them, finds what belongs together, splits and
/// writes: the three files of pairs (those with a share, and that of validation only
/// with questions), `vqa_na.csv` beside the test, `products.csv`, `left-out.csv`,
/// `report.json` and `catalogue.html`. The same catalogue and options give the same
/// bytes, whatever the order of its files and the number of threads; `left-out.csv`
/// alone tells places and so has another order where lines have.
///
/// # Errors
///
/// [`Error::Option`] and [`Error::Unknown`] for options that make no sense, leave
/// nothing to train on, or would replace files that are none of these,
/// [`Error::NothingLeft`] where no product can be used, otherwise the file that
/// could not be read or written. A run that fails leaves the files of an earlier
/// one as they were; but for [`Error::Unfinished`], after which some of all files are
/// missing. Files of two runs are never beside each other.
pub fn prepare(options: &PrepareOptions, progress: &dyn Progress) -> Result<Report, Error> {
    let resolved = options.resolve()?;
    output::check_sources(options)?;
    output::check_replaceable(&options.out)?;
    let was_there = options.out.exists();
    // That it can't be made is known before the long work.
    make_folder(&options.out)?;
    let prepared = prepare_into(options, &resolved, progress);
    if prepared.is_err() && !was_there {
        // Folders go only where they are empty; the first error is the one to report.
        let _ = fs::remove_dir(options.out.join(gathered::PHOTOS));
        let _ = fs::remove_dir(&options.out);
    }
    prepared
}

fn prepare_into(
    options: &PrepareOptions,
    resolved: &Resolved,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let Catalogue {
        entries,
        lines,
        broken_lines,
        mut dropped,
    } = read(&options.sources, &options.set, progress)?;
    let entries = of_known_categories(&options.set, &resolved.categories, entries, &mut dropped);
    let (entries, marks) = look_at_photos(options, entries, &mut dropped, progress)?;
    let cleaned = clean(&options.set, entries, options.min_count, &mut dropped);
    if cleaned.products.is_empty() {
        return Err(Error::NothingLeft {
            listed: lines,
            reasons: broken_lines.summary(&dropped),
        });
    }
    progress.stage("splitting", cleaned.products.len() as u64);
    let similar = similar(&cleaned.products, &marks, options.photo_distance);
    let groups = join(&options.set, &cleaned.products, &similar);
    let splits = splits(&options.set, &cleaned.products, &groups, options);
    let group_report = report_groups(&cleaned.products, &groups);
    let placed = place(cleaned.products, &groups, &splits);
    let mut categories = BTreeMap::new();
    for placed in &placed {
        *categories
            .entry(placed.product.category.clone())
            .or_default() += 1;
    }
    let mut prepared = Prepared {
        report: Report {
            settings: Settings {
                categories: resolved.categories.clone(),
                shares: options.shares.as_array(),
                seed: options.seed,
                min_count: options.min_count,
                wording: options.wording.name().to_owned(),
                hold_out: resolved.hold_out.clone(),
                photo_distance: options.photo_distance,
            },
            lines,
            broken_lines,
            dropped,
            products: placed.len() as u64,
            categories,
            attributes: cleaned.attributes,
            groups: group_report,
            splits: Vec::new(),
            without_value: 0,
        },
        placed,
    };
    output::write(options, resolved, &mut prepared, progress)?;
    Ok(prepared.report)
}

/// Fingerprints by photograph.
type Marks = BTreeMap<PathBuf, Mark>;

/// Leaves out products whose photograph can't be read or decoded.
fn look_at_photos(
    options: &PrepareOptions,
    entries: Vec<Entry>,
    dropped: &mut Losses,
    progress: &dyn Progress,
) -> Result<(Vec<Entry>, Marks), Error> {
    if options.photo_distance.is_none() {
        return Ok((entries, Marks::new()));
    }
    let photos: Vec<PathBuf> = entries.iter().map(|entry| entry.photo.clone()).collect();
    let found = of_photos(&photos, &options.out, progress)?;
    let marks: Marks = photos.into_iter().zip(found).collect();
    let usable = |entry: &Entry| match marks.get(&entry.photo) {
        Some(Err(problem)) => {
            let (reason, detail) = match problem {
                Problem::Unreadable(detail) => ("its photo can't be read", detail),
                Problem::Undecodable(detail) => ("its photo can't be decoded", detail),
            };
            dropped.add(reason, &entry.id, detail);
            false
        }
        _ => true,
    };
    let mut entries = entries;
    entries.retain(usable);
    Ok((entries, marks))
}

fn similar(products: &[CleanProduct], marks: &Marks, distance: Option<u32>) -> Vec<(usize, usize)> {
    let Some(distance) = distance else {
        return Vec::new();
    };
    let mark = |product: &CleanProduct| marks.get(&product.entry.photo)?.as_ref().ok().cloned();
    let (places, prints): (Vec<usize>, Vec<_>) = products
        .iter()
        .zip(0..)
        .filter_map(|(product, place)| Some((place, mark(product)?)))
        .unzip();
    let pairs = near_identical(&prints, distance).into_iter();
    pairs.map(|(a, b)| (places[a], places[b])).collect()
}

/// Products are spread by their category and by their values.
fn splits(
    set: &AttributeSet,
    products: &[CleanProduct],
    groups: &Groups,
    options: &PrepareOptions,
) -> Vec<Split> {
    let labels: Vec<Vec<String>> = products
        .iter()
        .map(|product| {
            let values = product.values.iter();
            let named = values.map(|(place, value)| {
                let name = &set.attributes()[*place].name;
                format!("{name}: {value}")
            });
            named.chain([product.category.clone()]).collect()
        })
        .collect();
    split(
        &groups.members,
        &numbered(&labels),
        options.shares.as_array(),
        options.seed,
    )
}

fn report_groups(products: &[CleanProduct], groups: &Groups) -> GroupReport {
    const SHOWN: usize = 12;
    let mut several: Vec<&Vec<usize>> = groups
        .members
        .iter()
        .filter(|members| members.len() > 1)
        .collect();
    several.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let id = |&member: &usize| products[member].entry.id.clone();
    GroupReport {
        links: groups.links,
        groups: several.len() as u64,
        products: several.iter().map(|members| members.len() as u64).sum(),
        largest: several
            .iter()
            .take(SHOWN)
            .map(|members| members.iter().map(id).collect())
            .collect(),
    }
}

fn place(products: Vec<CleanProduct>, groups: &Groups, splits: &[Split]) -> Vec<Placed> {
    let mut group_of = vec![0; products.len()];
    for (number, members) in groups.members.iter().enumerate() {
        for &member in members {
            group_of[member] = number + 1;
        }
    }
    let placed = products.into_iter().zip(group_of).zip(splits);
    placed
        .map(|((product, group), &split)| Placed {
            product,
            split,
            group,
        })
        .collect()
}

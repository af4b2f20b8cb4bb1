//! What the page says, in the order in which it says it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attributes::AttributeSet;
use serde::Serialize;

use super::thumbnails;
use crate::losses::{Loss, Losses};
use crate::prepare::{Placed, Prepared, Report};
use crate::progress::Progress;
use crate::tally::AttributeTally;

/// How many members of a group are shown.
const MEMBERS_SHOWN: usize = 8;

#[derive(Debug, Serialize)]
pub(super) struct Page {
    products: String,
    pairs: String,
    settings: String,
    splits: Vec<SplitRow>,
    categories: Vec<Row>,
    broken_lines: Vec<LossRow>,
    dropped: Vec<LossRow>,
    lines: String,
    attributes: Vec<Attribute>,
    groups: Groups,
}

#[derive(Debug, Serialize)]
struct SplitRow {
    name: &'static str,
    file: &'static str,
    products: String,
    pairs: String,
    share: String,
}

/// A name, a number, and the share of a bar in percent.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    count: String,
    percent: f64,
}

#[derive(Debug, Serialize)]
struct LossRow {
    reason: String,
    count: String,
    examples: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Attribute {
    name: String,
    products: String,
    /// What a constant answer would get right, where that is much.
    majority: Option<String>,
    is_held_out: bool,
    values: Vec<Value>,
    decisions: Vec<Decision>,
}

#[derive(Debug, Serialize)]
struct Value {
    row: Row,
    is_outside: bool,
    /// Train, validation, test.
    splits: Vec<String>,
    pictures: Vec<Picture>,
}

#[derive(Debug, Serialize)]
struct Picture {
    id: String,
    title: String,
    uri: String,
}

/// What was done to words of one kind, with how many products each.
#[derive(Debug, Serialize)]
struct Decision {
    what: &'static str,
    products: String,
    words: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Groups {
    links: Vec<(&'static str, String)>,
    groups: String,
    products: String,
    largest: Vec<Vec<Picture>>,
    are_photos_compared: bool,
}

pub(super) fn page(
    set: &AttributeSet,
    prepared: &Prepared,
    thumbnails: usize,
    progress: &dyn Progress,
) -> Page {
    let Prepared { placed, report } = prepared;
    let examples = Examples::of(set, placed, report, thumbnails, progress);
    let pairs: u64 = report.splits.iter().map(|split| split.pairs).sum();
    Page {
        products: number(report.products),
        pairs: number(pairs),
        settings: settings(report),
        splits: splits(report),
        categories: bars(&report.categories),
        broken_lines: losses(&report.broken_lines),
        dropped: losses(&report.dropped),
        lines: number(report.lines),
        attributes: report
            .attributes
            .iter()
            .map(|tally| attribute(tally, report, &examples))
            .collect(),
        groups: groups(report, &examples),
    }
}

fn settings(report: &Report) -> String {
    let settings = &report.settings;
    let held_out = match settings.hold_out.as_slice() {
        [] => String::new(),
        names => format!(", {} held out of training", names.join(" and ")),
    };
    format!(
        "seed {}, values of {} products or more, wording “{}”{held_out}",
        settings.seed, settings.min_count, settings.wording
    )
}

fn splits(report: &Report) -> Vec<SplitRow> {
    let splits = report.splits.iter();
    splits
        .map(|split| SplitRow {
            name: split.split.name(),
            file: split.file,
            products: number(split.products),
            pairs: number(split.pairs),
            share: format!("{:.1} %", percent(split.products, report.products)),
        })
        .collect()
}

/// Rows with the largest first; its bar is full.
fn bars(counts: &BTreeMap<String, u64>) -> Vec<Row> {
    let largest = counts.values().max().copied().unwrap_or(1);
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let row = |(name, count): (&String, &u64)| Row {
        name: name.clone(),
        count: number(*count),
        percent: percent(*count, largest),
    };
    sorted.into_iter().map(row).collect()
}

fn losses(losses: &Losses) -> Vec<LossRow> {
    let mut sorted: Vec<_> = losses.iter().collect();
    sorted.sort_by_key(|(_, loss)| std::cmp::Reverse(loss.count));
    let row = |(reason, loss): (&str, Loss)| LossRow {
        reason: reason.to_owned(),
        count: number(loss.count),
        examples: loss.examples,
    };
    sorted.into_iter().map(row).collect()
}

fn attribute(tally: &AttributeTally, report: &Report, examples: &Examples) -> Attribute {
    let most = tally.values.iter().max_by_key(|(_, count)| **count);
    let majority = most
        .map(|(value, &count)| (value, percent(count, tally.products)))
        .filter(|(_, share)| *share >= 80.0)
        .map(|(value, share)| format!("{share:.0} % are {value}"));
    let of_splits = |value: &str| {
        let splits = report.splits.iter();
        let count = splits.map(|split| {
            let of_attribute = split.values.get(&tally.name);
            of_attribute
                .and_then(|values| values.get(value))
                .copied()
                .unwrap_or(0)
        });
        count.map(number).collect()
    };
    Attribute {
        name: tally.name.clone(),
        products: number(tally.products),
        majority,
        is_held_out: report.settings.hold_out.contains(&tally.name),
        values: bars(&tally.values)
            .into_iter()
            .map(|row| Value {
                is_outside: tally.outside_the_set.contains(&row.name),
                splits: of_splits(&row.name),
                pictures: examples.of_value(&tally.name, &row.name),
                row,
            })
            .collect(),
        decisions: decisions(tally),
    }
}

fn decisions(tally: &AttributeTally) -> Vec<Decision> {
    let synonyms: BTreeMap<String, u64> = tally
        .synonyms
        .iter()
        .map(|(word, synonym)| (format!("{word} → {}", synonym.value), synonym.products))
        .collect();
    let silent = BTreeMap::from([("nothing".to_owned(), tally.not_given)]);
    [
        ("Other words for a value", &synonyms),
        ("No value", &tally.not_available),
        ("Not given", &silent),
        ("Does not apply to the category", &tally.does_not_apply),
        ("About another attribute", &tally.about_another),
        ("Too rare", &tally.rare),
    ]
    .into_iter()
    .filter(|(_, words)| words.values().any(|count| *count > 0))
    .map(|(what, words)| Decision {
        what,
        products: number(words.values().sum()),
        words: bars(words)
            .into_iter()
            .map(|row| format!("{} ({})", row.name, row.count))
            .collect(),
    })
    .collect()
}

fn groups(report: &Report, examples: &Examples) -> Groups {
    let links = &report.groups.links;
    Groups {
        links: vec![
            (
                "other colours that the shop lists",
                number(links.listed_colours),
            ),
            (
                "equal article numbers, colours aside",
                number(links.equal_articles),
            ),
            ("equal styles in the table", number(links.equal_styles)),
            ("near-identical photos", number(links.similar_photos)),
        ],
        groups: number(report.groups.groups),
        products: number(report.groups.products),
        largest: examples
            .groups
            .iter()
            .map(|members| examples.pictures(members))
            .collect(),
        are_photos_compared: report.settings.photo_distance.is_some(),
    }
}

/// The products that stand for values and groups, with their thumbnails.
struct Examples<'a> {
    placed: &'a [Placed],
    /// Places of products by attribute and value.
    values: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    groups: Vec<Vec<usize>>,
    uris: BTreeMap<PathBuf, String>,
}

impl<'a> Examples<'a> {
    fn of(
        set: &'a AttributeSet,
        placed: &'a [Placed],
        report: &Report,
        wanted: usize,
        progress: &dyn Progress,
    ) -> Examples<'a> {
        let mut values: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (place, placed) in placed.iter().enumerate() {
            for (attribute, value) in &placed.product.values {
                let name = set.attributes()[*attribute].name.as_str();
                values.entry((name, value)).or_default().push(place);
            }
        }
        for places in values.values_mut() {
            *places = spread(places, wanted);
        }
        let place_of: BTreeMap<&str, usize> = placed
            .iter()
            .zip(0..)
            .map(|(placed, place)| (placed.product.entry.id.as_str(), place))
            .collect();
        let members = |ids: &Vec<String>| {
            let shown = ids.iter().take(MEMBERS_SHOWN);
            shown
                .filter_map(|id| place_of.get(id.as_str()).copied())
                .collect()
        };
        let groups: Vec<Vec<usize>> = match wanted {
            0 => Vec::new(),
            _ => report.groups.largest.iter().map(members).collect(),
        };
        let shown = values.values().chain(&groups).flatten();
        let photos = shown.map(|&place| placed[place].product.entry.photo.clone());
        Examples {
            uris: thumbnails::of(photos, progress),
            placed,
            values,
            groups,
        }
    }

    fn of_value(&self, attribute: &str, value: &str) -> Vec<Picture> {
        let places = self.values.get(&(attribute, value));
        places.map_or_else(Vec::new, |places| self.pictures(places))
    }

    fn pictures(&self, places: &[usize]) -> Vec<Picture> {
        let entries = places
            .iter()
            .map(|&place| &self.placed[place].product.entry);
        entries
            .filter_map(|entry| {
                Some(Picture {
                    id: entry.id.clone(),
                    title: entry.title.clone(),
                    uri: self.uris.get(&entry.photo)?.clone(),
                })
            })
            .collect()
    }
}

/// Some of the places, at equal distances.
fn spread(places: &[usize], wanted: usize) -> Vec<usize> {
    let count = wanted.min(places.len());
    (0..count)
        .map(|step| places[step * places.len() / count])
        .collect()
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// With a thin space between thousands.
fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(number(7), "7");
        assert_eq!(number(3705), "3\u{202f}705");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn examples_come_from_the_whole_range() {
        assert_eq!(spread(&[1, 2, 3, 4, 5, 6], 3), [1, 3, 5]);
        assert_eq!(spread(&[1, 2], 5), [1, 2]);
        assert!(spread(&[], 5).is_empty() && spread(&[1], 0).is_empty());
    }
}

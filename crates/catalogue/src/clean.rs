//! From a shop's words to the values of the attribute set.
//!
//! Every decision is counted by attribute in an [`AttributeTally`].

use std::collections::{BTreeMap, HashMap};

use attributes::{Answer, Attribute, AttributeSet, fold};

use crate::losses::Losses;
use crate::source::Entry;
use crate::tally::{AttributeTally, count};

/// A product whose category and values are those of the attribute set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CleanProduct {
    pub entry: Entry,
    /// The name of its category in the set.
    pub category: String,
    /// Places of attributes in the set and the product's values, in the set's
    /// order.
    pub values: Vec<(usize, String)>,
    /// Places of attributes that apply to it and of which the shop gives no
    /// value, though it has some for others: it says so ("NA") or says nothing.
    /// In the set's order.
    pub without_value: Vec<usize>,
}

/// Cleaned products and what was decided.
#[derive(Debug)]
pub(crate) struct Cleaned {
    pub products: Vec<CleanProduct>,
    pub attributes: Vec<AttributeTally>,
}

/// Leaves out products whose category the set does not know, or is not one of
/// `categories`, the names of those that were asked for.
pub(crate) fn of_known_categories(
    set: &AttributeSet,
    categories: &[String],
    mut entries: Vec<Entry>,
    dropped: &mut Losses,
) -> Vec<Entry> {
    entries.retain(|entry| {
        let reason = match set.category(&entry.category) {
            Some(category) if categories.contains(&category.name) => return true,
            Some(_) => format!("a category that was not asked for: {}", entry.category),
            None => format!("a category outside the attribute set: {}", entry.category),
        };
        dropped.add(&reason, &entry.id, "");
        false
    });
    entries
}

/// Brings products of known categories into the words of `set`. Values that fewer
/// than `min_count` products have are left out, and so are products of which no
/// value is left.
pub(crate) fn clean(
    set: &AttributeSet,
    entries: Vec<Entry>,
    min_count: u64,
    dropped: &mut Losses,
) -> Cleaned {
    let mut cleaner = Cleaner::new(set);
    let mut products: Vec<CleanProduct> = entries
        .into_iter()
        .filter_map(|entry| cleaner.product(entry))
        .collect();
    cleaner.merge_spellings(&mut products);
    cleaner.drop_rare(&mut products, min_count);
    products.retain(|product| {
        if product.values.is_empty() {
            dropped.add("no attribute left", &product.entry.id, "");
        }
        !product.values.is_empty()
    });
    Cleaned {
        products,
        attributes: cleaner.tallies,
    }
}

/// What a shop's word means for an attribute.
#[derive(Clone, Debug)]
enum Meaning {
    Value { name: String, is_known: bool },
    NotAvailable,
    Another,
}

/// What the shop says of one attribute of a product.
enum Found {
    Value(String),
    /// No value, though the attribute applies.
    Missing,
    /// Nothing that a question could be made of.
    Unclear,
}

struct Cleaner<'a> {
    set: &'a AttributeSet,
    tallies: Vec<AttributeTally>,
    /// Which attribute a name of a fact is, and whether by its own name. There
    /// are few names and many products, as there are few values.
    names: HashMap<String, Option<(usize, bool)>>,
    meanings: HashMap<String, HashMap<usize, Meaning>>,
}

impl<'a> Cleaner<'a> {
    fn new(set: &'a AttributeSet) -> Cleaner<'a> {
        let tally = |attribute: &Attribute| AttributeTally {
            name: attribute.name.clone(),
            ..AttributeTally::default()
        };
        Cleaner {
            set,
            tallies: set.attributes().iter().map(tally).collect(),
            names: HashMap::new(),
            meanings: HashMap::new(),
        }
    }

    fn product(&mut self, entry: Entry) -> Option<CleanProduct> {
        let category = self.set.category(&entry.category)?;
        let given = self.given(&entry);
        let (mut values, mut without_value) = (Vec::new(), Vec::new());
        for (place, words) in given.into_iter().enumerate() {
            let applies = category.attributes.contains(&self.tallies[place].name);
            match self.find(place, applies, &category.name, &words) {
                Found::Value(value) => values.push((place, value)),
                Found::Missing => without_value.push(place),
                Found::Unclear => {}
            }
        }
        Some(CleanProduct {
            category: category.name.clone(),
            values,
            without_value,
            entry,
        })
    }

    /// The shop's words for each attribute: those under its own name come before
    /// those under an alias.
    fn given(&mut self, entry: &Entry) -> Vec<Vec<String>> {
        let mut own = vec![Vec::new(); self.tallies.len()];
        let mut by_alias = own.clone();
        for (name, word) in &entry.facts {
            match self.attribute_called(name) {
                Some((place, true)) => own[place].push(word.clone()),
                Some((place, false)) => by_alias[place].push(word.clone()),
                None => {}
            }
        }
        for (own, by_alias) in own.iter_mut().zip(by_alias) {
            own.extend(by_alias);
        }
        own
    }

    fn attribute_called(&mut self, name: &str) -> Option<(usize, bool)> {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let found = self.set.attribute(name).and_then(|attribute| {
            let mut all = self.set.attributes().iter();
            let place = all.position(|other| other.name == attribute.name)?;
            Some((place, fold(name) == fold(&attribute.name)))
        });
        self.names.insert(name.to_owned(), found);
        found
    }

    /// The first of `words` that is a value, or else what they are; that is
    /// counted.
    fn find(&mut self, place: usize, applies: bool, category: &str, words: &[String]) -> Found {
        let mut empty = None;
        for word in words.iter().filter(|word| !word.is_empty()) {
            let meaning = self.meaning(place, word);
            let tally = &mut self.tallies[place];
            match meaning {
                Meaning::Value { .. } if !applies => {
                    count(&mut tally.does_not_apply, category);
                    return Found::Unclear;
                }
                Meaning::Value { name, .. } => {
                    if name != *word {
                        tally.add_synonym(word, &name);
                    }
                    return Found::Value(name);
                }
                other => empty = empty.or(Some((word, other))),
            }
        }
        let tally = &mut self.tallies[place];
        match empty {
            _ if !applies => return Found::Unclear,
            Some((word, Meaning::Another)) => {
                count(&mut tally.about_another, word);
                return Found::Unclear;
            }
            Some((word, _)) => count(&mut tally.not_available, word),
            None => tally.not_given += 1,
        }
        Found::Missing
    }

    fn meaning(&mut self, place: usize, word: &str) -> Meaning {
        if let Some(meaning) = self.meanings.get(word).and_then(|of| of.get(&place)) {
            return meaning.clone();
        }
        let attribute = &self.set.attributes()[place];
        // As an answer would be understood, so that both know the same synonyms.
        let answer = format!("{}: {word}", attribute.name);
        let meaning = match self.set.interpret(attribute, &answer) {
            Answer::Value(name) => Meaning::Value {
                is_known: attribute.value(&name).is_some(),
                name,
            },
            Answer::Nothing => Meaning::NotAvailable,
            Answer::OtherAttribute { .. } => Meaning::Another,
        };
        let of = self.meanings.entry(word.to_owned()).or_default();
        of.insert(place, meaning.clone());
        meaning
    }

    /// Of values outside the set that differ in case, spaces and hyphens alone,
    /// the most frequent spelling stands for all.
    fn merge_spellings(&mut self, products: &mut [CleanProduct]) {
        let mut spellings: BTreeMap<(usize, String), BTreeMap<String, u64>> = BTreeMap::new();
        for (place, value) in products.iter().flat_map(|product| &product.values) {
            let is_known = matches!(
                self.meanings.get(value).and_then(|of| of.get(place)),
                Some(Meaning::Value { is_known: true, .. })
            );
            // A canonical name need not have been a shop's word.
            if is_known || self.set.attributes()[*place].value(value).is_some() {
                continue;
            }
            let by_spelling = spellings.entry((*place, fold(value))).or_default();
            count(by_spelling, value);
        }
        let best: HashMap<(usize, String), String> = spellings
            .into_iter()
            .filter_map(|(key, spellings)| {
                // Of equally frequent ones the first in alphabetical order.
                let best = spellings
                    .into_iter()
                    .rev()
                    .max_by_key(|(_, count)| *count)?
                    .0;
                Some((key, best))
            })
            .collect();
        for (place, value) in products.iter_mut().flat_map(|product| &mut product.values) {
            if let Some(best) = best.get(&(*place, fold(value)))
                && best != value
            {
                self.tallies[*place].add_synonym(value, best);
                value.clone_from(best);
            }
        }
        for ((place, _), value) in best {
            self.tallies[place].outside_the_set.push(value);
        }
    }

    fn drop_rare(&mut self, products: &mut [CleanProduct], min_count: u64) {
        for (place, value) in products.iter().flat_map(|product| &product.values) {
            count(&mut self.tallies[*place].values, value);
        }
        for tally in &mut self.tallies {
            tally.rare = tally.values.clone();
            tally.values.retain(|_, products| *products >= min_count);
            tally.rare.retain(|_, products| *products < min_count);
            tally.products = tally.values.values().sum();
            tally
                .outside_the_set
                .retain(|value| tally.values.contains_key(value));
            tally.outside_the_set.sort();
        }
        for product in products {
            let tallies = &self.tallies;
            product
                .values
                .retain(|(place, value)| tallies[*place].values.contains_key(value));
            // What nobody has a value of is not known to the catalogue at all.
            product
                .without_value
                .retain(|&place| !tallies[place].values.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, category: &str, facts: &[(&str, &str)]) -> Entry {
        Entry {
            id: id.to_owned(),
            title: String::new(),
            category: category.to_owned(),
            facts: facts
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            siblings: Vec::new(),
            style: None,
            article: None,
            photo: format!("{id}.jpg").into(),
        }
    }

    fn cleaned_up(set: &AttributeSet, entries: Vec<Entry>, min: u64) -> (Cleaned, Losses) {
        let mut dropped = Losses::default();
        let all: Vec<String> = set
            .categories()
            .iter()
            .map(|one| one.name.clone())
            .collect();
        let entries = of_known_categories(set, &all, entries, &mut dropped);
        (clean(set, entries, min, &mut dropped), dropped)
    }

    fn tally<'a>(cleaned: &'a Cleaned, name: &str) -> &'a AttributeTally {
        cleaned
            .attributes
            .iter()
            .find(|tally| tally.name == name)
            .unwrap()
    }

    fn values(cleaned: &Cleaned, place: usize) -> Vec<&str> {
        let values = &cleaned.products[place].values;
        values.iter().map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn the_words_of_the_shop_become_those_of_the_set() {
        let set = AttributeSet::embedded();
        let entries = vec![
            entry(
                "1",
                "Shirts",
                &[("Fabric", "Pure Cotton"), ("baseColour", "navy blue")],
            ),
            entry(
                "2",
                "Tshirts",
                &[("sleeve length", "No Sleeves"), ("Fabric", "Cotton")],
            ),
        ];
        let (cleaned, _) = cleaned_up(&set, entries, 1);
        assert_eq!(values(&cleaned, 0), ["Cotton", "Navy Blue"]);
        assert_eq!(cleaned.products[1].category, "T-shirt");
        assert_eq!(values(&cleaned, 1), ["Cotton", "Sleeveless"]);
        let fabric = tally(&cleaned, "Fabric");
        assert_eq!(fabric.values["Cotton"], 2);
        assert_eq!(fabric.synonyms["Pure Cotton"].value, "Cotton");
        assert_eq!(fabric.synonyms["Pure Cotton"].products, 1);
        assert_eq!(tally(&cleaned, "Pattern").not_given, 2);
    }

    #[test]
    fn an_attributes_own_name_counts_before_an_alias_and_na_gives_way() {
        let set = AttributeSet::embedded();
        let entries = vec![
            entry("1", "Shirts", &[("Material", "Linen"), ("Fabric", "Silk")]),
            entry("2", "Shirts", &[("Fabric", "NA"), ("Material", "Linen")]),
            entry(
                "3",
                "Shirts",
                &[("Fabric", "NA"), ("Fit", "Other"), ("Neck", "Pattern")],
            ),
        ];
        let (cleaned, dropped) = cleaned_up(&set, entries, 1);
        assert_eq!(values(&cleaned, 0), ["Silk"]);
        assert_eq!(values(&cleaned, 1), ["Linen"]);
        assert_eq!(cleaned.products.len(), 2);
        assert_eq!(dropped.count("no attribute left"), 1);
        // NA beside a value is none.
        assert!(cleaned.products[1].without_value.is_empty());
        assert_eq!(tally(&cleaned, "Fabric").not_available["NA"], 1);
        assert_eq!(tally(&cleaned, "Fit").not_available["Other"], 1);
        assert_eq!(tally(&cleaned, "Neck").not_available["Pattern"], 1);
    }

    #[test]
    fn what_does_not_apply_or_is_rare_is_left_out_and_counted() {
        let set = AttributeSet::embedded();
        let entries = vec![
            entry("1", "Tops", &[("Fit", "Slim Fit"), ("Pattern", "Zebra")]),
            entry("2", "Tops", &[("Fit", "NA"), ("Pattern", "zebra")]),
            entry("3", "Tops", &[("Pattern", "Zebra"), ("Neck", "Boat")]),
            entry("4", "Watches", &[("Pattern", "Solid")]),
        ];
        let (cleaned, dropped) = cleaned_up(&set, entries, 2);
        let pattern = tally(&cleaned, "Pattern");
        assert_eq!(pattern.values["Zebra"], 3);
        assert_eq!(pattern.outside_the_set, ["Zebra"]);
        assert_eq!(pattern.synonyms["zebra"].value, "Zebra");
        assert_eq!(tally(&cleaned, "Fit").does_not_apply["top"], 1);
        assert_eq!(tally(&cleaned, "Neck").rare["Boat Neck"], 1);
        assert_eq!(values(&cleaned, 2), ["Zebra"]);
        assert_eq!(
            dropped.count("a category outside the attribute set: Watches"),
            1
        );
    }
}

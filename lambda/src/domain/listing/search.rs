//! The words by which shoppers search, and whether a text holds them.

use std::collections::HashSet;

use super::fields::one_line;
use crate::domain::Subject;

/// What the garment itself is called among the attributes of an answer.
const CATEGORY: &str = "category";
/// Shorter words have no ending to take off.
const LONGEST_WHOLE: usize = 3;

/// Something that a shopper may search for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// The attribute's name.
    pub name: String,
    /// Its value, or the garment.
    pub value: String,
    stems: Vec<String>,
}

impl Searched {
    fn new(name: &str, value: &str) -> Searched {
        let value = one_line(value);
        Searched {
            name: name.to_owned(),
            stems: words(&value).map(|word| stem(&word)).collect(),
            value,
        }
    }

    /// The value as it stands before a noun: "long sleeve" of Long Sleeves.
    pub fn before_a_noun(&self) -> String {
        let value = self.value.to_lowercase();
        match value.rsplit_once(' ') {
            Some((before, last)) => format!("{before} {}", singular(last)),
            None => singular(&value).to_owned(),
        }
    }
}

/// The garment first, then every attribute that is sure, in their order.
pub fn searched(subject: Subject<'_>) -> Vec<Searched> {
    let garment = Searched::new(CATEGORY, subject.noun);
    let attributes = subject.told.sure.iter();
    std::iter::once(garment)
        .chain(attributes.map(|(name, value)| Searched::new(name, value)))
        .collect()
}

/// What of `items` a search for their words would not find in `texts`.
pub fn missing<'a>(items: &'a [Searched], texts: &[String]) -> Vec<&'a Searched> {
    let held: HashSet<String> = texts
        .iter()
        .flat_map(|text| words(text))
        .map(|word| stem(&word))
        .collect();
    items
        .iter()
        .filter(|item| !item.stems.iter().all(|stem| held.contains(stem)))
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// What is the same in the forms of a word that search engines take for one: sleeves,
/// sleeved; checks, checked. It need not be a word.
fn stem(word: &str) -> String {
    if word.chars().count() <= LONGEST_WHOLE {
        return word.to_owned();
    }
    let word = singular(word);
    let stem = word.strip_suffix("ed").or_else(|| word.strip_suffix('e'));
    stem.unwrap_or(word).to_owned()
}

fn singular(word: &str) -> &str {
    let keeps_its_s = ["ss", "us", "is", "as"]
        .iter()
        .any(|end| word.ends_with(end));
    if keeps_its_s || word.chars().count() <= LONGEST_WHOLE {
        return word;
    }
    word.strip_suffix('s').unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Told;

    fn items(noun: &str, pairs: &[(&str, &str)]) -> Vec<Searched> {
        let told = Told {
            sure: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Told::default()
        };
        let noun_and_told = Subject { noun, told: &told };
        searched(noun_and_told)
    }

    fn missing_in(text: &str) -> Vec<String> {
        let items = items(
            "shirt",
            &[("Fabric", "Cotton"), ("Sleeve Length", "Long Sleeves")],
        );
        let names = missing(&items, &[text.to_owned()]);
        names.into_iter().map(|item| item.name.clone()).collect()
    }

    #[test]
    fn a_search_for_the_words_finds_them_in_any_form_and_order() {
        for text in [
            "Long sleeve cotton shirt",
            "A shirt of cotton, long-sleeved",
            "COTTON SHIRTS WITH LONG SLEEVES",
        ] {
            assert!(
                missing_in(text).is_empty(),
                "{text}: {:?}",
                missing_in(text)
            );
        }
        assert_eq!(missing_in("A long shirt"), ["Fabric", "Sleeve Length"]);
        assert_eq!(
            missing_in("Cottony sleeves for long evenings"),
            ["category", "Fabric"]
        );
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for (one, other) in [
            ("striped", "stripes"),
            ("checked", "checks"),
            ("sleeved", "sleeve"),
        ] {
            assert_eq!(stem(one), stem(other));
        }
        for word in ["red", "canvas", "dress", "sleeveless"] {
            assert_eq!(stem(word), word);
        }
    }

    #[test]
    fn a_value_stands_before_a_noun_in_the_singular() {
        let items = items(
            "T-shirt",
            &[
                ("Sleeve Length", "Long Sleeves"),
                ("Fabric", "Canvas"),
                ("Pattern", "Stripes"),
            ],
        );
        let values: Vec<String> = items.iter().map(Searched::before_a_noun).collect();
        assert_eq!(values, ["t-shirt", "long sleeve", "canvas", "stripe"]);
    }
}

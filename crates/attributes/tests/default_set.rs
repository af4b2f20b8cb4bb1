//! The set that is embedded.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;

use attributes::{Answer, AttributeSet, UNKNOWN_CATEGORY_NOUN, question};

fn names<'a>(attributes: &[&'a attributes::Attribute]) -> Vec<&'a str> {
    attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect()
}

const ALL: [&str; 8] = [
    "Fabric",
    "Fit",
    "Collar",
    "Pattern",
    "Sleeve Length",
    "Neck",
    "Sleeve Styling",
    "Colour",
];

#[test]
fn it_has_the_eight_attributes_in_order() {
    let set = AttributeSet::embedded();
    assert_eq!(names(&set.attributes().iter().collect::<Vec<_>>()), ALL);
    for attribute in set.attributes() {
        let words = match attribute.name.as_str() {
            "Neck" => "neck type".to_owned(),
            name => name.to_lowercase(),
        };
        assert_eq!(attribute.words, words);
        assert!(!attribute.values.is_empty(), "{}", attribute.name);
    }
}

#[test]
fn all_eight_are_asked_of_a_shirt() {
    let set = AttributeSet::embedded();
    for name in ["shirt", "Shirts", "SHIRT"] {
        let (noun, asked) = set.attributes_of(name);
        assert_eq!((noun, names(&asked)), ("shirt", ALL.to_vec()), "{name}");
    }
}

#[test]
fn other_categories_are_asked_what_applies() {
    let set = AttributeSet::embedded();
    for (name, noun, expected) in [
        ("Tshirts", "T-shirt", 7),
        ("t shirt", "T-shirt", 7),
        ("Tops", "top", 6),
        ("Kurtas", "kurta", 6),
        ("Kurtis", "kurti", 6),
        ("Tunics", "tunic", 6),
        ("Dresses", "dress", 6),
        ("Jeans", "jeans", 4),
        ("Track Pants", "trousers", 4),
    ] {
        let (found, asked) = set.attributes_of(name);
        assert_eq!((found, asked.len()), (noun, expected), "{name}");
        assert!(!names(&asked).contains(&"Collar"), "{name}");
    }
}

#[test]
fn an_unknown_category_is_clothing_with_all_attributes() {
    let set = AttributeSet::embedded();
    for name in ["", "spacesuit", "सूट"] {
        let (noun, asked) = set.attributes_of(name);
        assert_eq!(
            (noun, names(&asked)),
            (UNKNOWN_CATEGORY_NOUN, ALL.to_vec()),
            "{name}"
        );
    }
    let fit = set.attribute("fit").unwrap();
    assert_eq!(
        question(fit, UNKNOWN_CATEGORY_NOUN),
        "What is the fit of the clothing in this picture?"
    );
}

#[test]
fn attributes_are_found_by_name_and_alias() {
    let set = AttributeSet::embedded();
    for (name, expected) in [
        ("baseColour", "Colour"),
        ("Base Colour", "Colour"),
        ("color", "Colour"),
        ("neck type", "Neck"),
        ("SLEEVE_LENGTH", "Sleeve Length"),
        ("sleeve-styling", "Sleeve Styling"),
    ] {
        assert_eq!(
            set.attribute(name).map(|attribute| attribute.name.as_str()),
            Some(expected)
        );
    }
    assert_eq!(set.attribute("Occasion"), None);
    assert_eq!(set.attribute(""), None);
}

#[test]
fn every_value_and_synonym_answers_for_its_own_attribute() {
    let set = AttributeSet::embedded();
    for attribute in set.attributes() {
        for value in &attribute.values {
            for word in std::iter::once(&value.name).chain(&value.synonyms) {
                let expected = Answer::Value(value.name.clone());
                assert_eq!(set.interpret(attribute, word), expected);
                let pair = format!("{}: {word}", attribute.name);
                assert_eq!(set.interpret(attribute, &pair), expected);
            }
        }
    }
}

/// What the shipped checkpoint can answer has to be known by the same name.
#[test]
fn it_knows_the_vocabulary_of_the_shipped_checkpoint() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/lookbook-mini/vocabulary.json");
    let text = std::fs::read_to_string(path).unwrap();
    let vocabulary: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).unwrap();
    assert_eq!(vocabulary.len(), ALL.len());
    let set = AttributeSet::embedded();
    for (name, values) in vocabulary {
        let attribute = set.attribute(&name).unwrap();
        for value in values {
            assert_eq!(
                attribute.value(&value).map(|known| known.name.as_str()),
                Some(&*value)
            );
        }
    }
}

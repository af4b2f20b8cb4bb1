//! The drawn catalogue.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use attributes::AttributeSet;
use catalogue::drawing::{PHOTO_HEIGHT, PHOTO_WIDTH};
use catalogue::drawn::{self, DRAWN_FILE, Flaw, TRUTH_FILE};
use catalogue::samples::Record;
use catalogue::{Collar, DrawOptions, Drawn, Error, Neckline, Pattern, Silent, SleeveStyling};
use serde_json::Value;

const SEED: u64 = 7;

fn options(products: u64, flaws: bool, out: &Path) -> DrawOptions {
    DrawOptions {
        products,
        seed: SEED,
        flaws,
        out: out.to_owned(),
    }
}

fn draw(products: u64, flaws: bool, out: &Path) -> Drawn {
    catalogue::draw(&options(products, flaws, out), &Silent).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            continue;
        }
        files.insert(
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        );
    }
    files
}

fn truth(out: &Path) -> Vec<Record> {
    serde_json::from_slice(&fs::read(out.join(TRUTH_FILE)).unwrap()).unwrap()
}

#[test]
fn a_larger_catalogue_holds_the_smaller_one_and_a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (folder.path().join("small"), folder.path().join("large"));
    assert_eq!(draw(3, false, &small).kept, 0);
    let first = files(&small.join("images"));
    // An interrupted run: one photo is not there yet.
    fs::remove_file(small.join("images/1000001.jpg")).unwrap();
    assert_eq!(draw(3, false, &small).kept, 2);
    assert_eq!(files(&small.join("images")), first);

    draw(5, false, &large);
    for kind in ["images", "styles"] {
        let (small, large) = (files(&small.join(kind)), files(&large.join(kind)));
        assert_eq!((small.len(), large.len()), (3, 5));
        assert!(small.iter().all(|(name, bytes)| large[name] == *bytes));
    }
    assert_eq!(truth(&small), truth(&large)[..3]);
    for bytes in first.values() {
        let photo = image::load_from_memory(bytes).unwrap();
        assert_eq!((photo.width(), photo.height()), (PHOTO_WIDTH, PHOTO_HEIGHT));
    }
    let distinct: BTreeSet<&Vec<u8>> = first.values().collect();
    assert_eq!(distinct.len(), 3);
}

#[test]
fn a_folder_of_another_seed_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    draw(1, false, folder.path());
    let before = files(folder.path());
    for other in [
        DrawOptions {
            seed: 8,
            ..options(1, false, folder.path())
        },
        options(1, true, folder.path()),
    ] {
        let error = catalogue::draw(&other, &Silent).unwrap_err();
        assert!(matches!(error, Error::OtherDrawing { .. }), "{error}");
        assert!(error.to_string().contains("seed 7"), "{error}");
    }
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_catalogue_that_was_not_drawn_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("styles.csv"), "id\n1\n").unwrap();
    let before = files(folder.path());
    let error = catalogue::draw(&options(1, false, folder.path()), &Silent).unwrap_err();
    assert!(error.to_string().contains("another folder"), "{error}");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn too_many_products_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for products in [drawn::MAX_PRODUCTS + 1, u64::MAX] {
        let error = catalogue::draw(&options(products, true, folder.path()), &Silent).unwrap_err();
        assert!(error.to_string().contains("at most 1000000"), "{error}");
    }
    assert!(files(folder.path()).is_empty());
}

#[test]
fn records_say_what_is_true() {
    let folder = tempfile::tempdir().unwrap();
    draw(2, false, folder.path());
    let set = AttributeSet::embedded();
    for record in truth(folder.path()) {
        let path = folder.path().join(format!("styles/{}.json", record.id));
        let text: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let data = &text["data"];
        assert_eq!(data["id"].to_string(), record.id);
        let mut told = data["articleAttributes"].as_object().unwrap().clone();
        told.insert("Colour".to_owned(), data["baseColour"].clone());
        assert_eq!(Value::from(told), Value::from(record.attributes.clone()));
        let category = data["articleType"]["typeName"].as_str().unwrap();
        assert_eq!(set.category(category).unwrap().name, record.category);
    }
}

/// What a picture of 96 pixels would not show is not asked of it; everything
/// else that can be drawn is.
#[test]
fn two_thousand_products_show_every_value_that_is_drawn() {
    let set = AttributeSet::embedded();
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut titles = BTreeSet::new();
    for index in 0..2000 {
        let product = drawn::product(SEED, index);
        let garment = product.garment;
        assert_ne!(garment.colour, garment.accent);
        assert_ne!(garment.neckline, Neckline::Collar(Collar::ButtonDown));
        if garment.sleeves.styling == SleeveStyling::Raglan {
            assert_eq!(garment.pattern, Pattern::Colourblocked);
        }
        let (_, apply) = set.attributes_of(garment.category.value());
        for (name, value) in garment.visible_attributes() {
            assert!(apply.iter().any(|attribute| attribute.name == name));
            *counts.entry((name, value)).or_default() += 1;
        }
        titles.insert(product.title);
        if index % 12 == 11 {
            let before = drawn::product(SEED, index - 1).garment;
            assert_ne!(before.colour, garment.colour);
            assert_eq!(before.sleeves, garment.sleeves);
        }
    }
    assert!(titles.len() > 1900, "{}", titles.len());
    for ((name, value), count) in &counts {
        assert!(*count >= 20, "{name}: {value} is drawn {count} times");
    }
    let number = |name| counts.keys().filter(|(of, _)| *of == name).count();
    let numbers = [
        "Fit",
        "Collar",
        "Pattern",
        "Sleeve Length",
        "Neck",
        "Sleeve Styling",
        "Colour",
    ];
    assert_eq!(numbers.map(number), [2, 3, 5, 4, 7, 6, 16]);
}

#[test]
fn every_flaw_is_listed_and_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let drawn = draw(24, true, out);
    assert_eq!(drawn.flawed, 12);
    let text: Value = serde_json::from_slice(&fs::read(out.join(DRAWN_FILE)).unwrap()).unwrap();
    let ids = |flaw: Flaw| -> String {
        let ids = text["flawed"][flaw.name()].as_array().unwrap();
        assert_eq!(ids.len(), 1, "{flaw:?}");
        ids[0].as_str().unwrap().to_owned()
    };
    let styles = fs::read_to_string(out.join("styles.csv")).unwrap();
    let images = fs::read_to_string(out.join("images.csv")).unwrap();
    let record = |flaw| fs::read_to_string(out.join(format!("styles/{}.json", ids(flaw))));
    let photo = |flaw| out.join(format!("images/{}.jpg", ids(flaw)));
    let lines = |flaw| -> Vec<&str> {
        let id = ids(flaw);
        styles
            .lines()
            .filter(|line| line.starts_with(&id))
            .collect()
    };
    for flaw in Flaw::ALL {
        match flaw {
            Flaw::BrokenLine => assert_eq!(lines(flaw)[0].split(',').count(), 11),
            Flaw::RepeatedLine => assert_eq!(lines(flaw).len(), 2),
            Flaw::MissingPhoto => assert!(!photo(flaw).exists()),
            Flaw::UndefinedPhoto => {
                assert!(!photo(flaw).exists());
                assert!(images.contains(&format!("{}.jpg,undefined\n", ids(flaw))));
            }
            Flaw::DamagedPhoto => {
                assert!(photo::decode(&fs::read(photo(flaw)).unwrap(), 1 << 20).is_err())
            }
            Flaw::RepeatedPhoto => {
                let again = image::open(photo(flaw)).unwrap().into_rgb8();
                let id: u64 = ids(flaw).parse().unwrap();
                let before = image::open(out.join(format!("images/{}.jpg", id - 1))).unwrap();
                let before = before.into_rgb8();
                let pairs = again.iter().zip(before.iter());
                let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                assert!(sum / (before.len() as u64) < 6);
                assert_ne!(
                    fs::read(photo(flaw)).unwrap(),
                    fs::read(photo(Flaw::Synonyms)).unwrap()
                );
            }
            Flaw::MissingRecord => assert!(record(flaw).is_err()),
            Flaw::CutRecord => {
                assert!(serde_json::from_str::<Value>(&record(flaw).unwrap()).is_err());
            }
            Flaw::FlatRecord => {
                let record: Value = serde_json::from_str(&record(flaw).unwrap()).unwrap();
                assert!(record["id"].is_string() && record.get("data").is_none());
            }
            Flaw::NoAttributes => {
                assert!(record(flaw).unwrap().contains("\"articleAttributes\":[]"))
            }
            Flaw::NotAvailable => assert!(record(flaw).unwrap().contains("\"NA\"")),
            Flaw::Synonyms => {
                let record: Value = serde_json::from_str(&record(flaw).unwrap()).unwrap();
                let told = record["data"]["articleAttributes"].as_object().unwrap();
                let truths = truth(out);
                let truth = truths.iter().find(|truth| truth.id == ids(flaw)).unwrap();
                assert!(
                    told.iter()
                        .any(|(name, value)| truth.attributes[name] != *value)
                );
            }
        }
    }
    // Sound products stand beside them.
    assert!(out.join("images/1000000.jpg").exists());
}

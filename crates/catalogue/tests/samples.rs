//! The sample pictures and their records.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use attributes::AttributeSet;
use catalogue::drawing::{HEIGHT, WIDTH, draw_jpeg};
use catalogue::samples::{self, DEFAULT_SEED, RECORDS_FILE, Record};
use catalogue::{Category, Collar, Colour, Error, Fit, Neck, Pattern, SleeveLength, SleeveStyling};

fn folder_in_repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

fn decoded(bytes: &[u8]) -> image::RgbImage {
    image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg)
        .unwrap()
        .into_rgb8()
}

fn known(set: &AttributeSet, attribute: &str, value: &str) -> bool {
    set.attribute(attribute)
        .and_then(|attribute| attribute.value(value))
        .is_some_and(|known| known.name == value)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let product = &samples::products()[7];
    let first = draw_jpeg(product, DEFAULT_SEED, 7).unwrap();
    assert!(first == draw_jpeg(product, DEFAULT_SEED, 7).unwrap());
    assert!(first != draw_jpeg(product, DEFAULT_SEED + 1, 7).unwrap());
    assert!(first != draw_jpeg(product, DEFAULT_SEED, 8).unwrap());
}

#[test]
fn the_records_in_the_repository_are_those_of_the_code() {
    let stored = std::fs::read_to_string(folder_in_repository().join(RECORDS_FILE)).unwrap();
    assert_eq!(stored, samples::records_json(&samples::products()).unwrap());
}

#[test]
fn the_repository_holds_a_picture_for_each_record_and_no_other() {
    let folder = folder_in_repository();
    let pictures: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".jpg"))
        .collect();
    let records: Vec<Record> = samples::products().iter().map(samples::record).collect();
    assert_eq!(records.len(), 12);
    assert_eq!(
        pictures,
        records.iter().map(|record| record.file.clone()).collect()
    );
    for record in &records {
        let picture = decoded(&std::fs::read(folder.join(&record.file)).unwrap());
        assert_eq!(picture.dimensions(), (WIDTH, HEIGHT), "{}", record.file);
        assert!(record.drawn);
    }
}

/// Another machine's arithmetic may round otherwise, so equal bytes are asked
/// of one machine only; a changed drawing shows here all the same.
#[test]
fn the_pictures_in_the_repository_are_those_of_the_code() {
    let products = samples::products();
    for stream in [0, 7, 11] {
        let product = &products[stream];
        let path = folder_in_repository().join(samples::record(product).file);
        let stored = decoded(&std::fs::read(path).unwrap());
        let drawn = decoded(&draw_jpeg(product, DEFAULT_SEED, stream as u64).unwrap());
        let sum: u64 = stored
            .iter()
            .zip(drawn.iter())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        let mean = sum as f64 / stored.len() as f64;
        assert!(
            mean < 0.2,
            "{}: {mean} levels; run draw-samples",
            product.id
        );
    }
}

#[test]
fn every_record_speaks_the_default_attribute_set() {
    let set = AttributeSet::embedded();
    for product in samples::products() {
        let record = samples::record(&product);
        assert_eq!(
            set.category(&record.category).unwrap().name,
            record.category
        );
        let (_, apply) = set.attributes_of(&record.category);
        let order: Vec<&str> = apply
            .iter()
            .map(|attribute| attribute.name.as_str())
            .filter(|name| record.attributes.contains_key(*name))
            .collect();
        let names: Vec<&str> = record.attributes.keys().map(String::as_str).collect();
        assert_eq!(
            names, order,
            "{}: attributes that apply, in the set's order",
            record.id
        );
        for (name, value) in &record.attributes {
            assert!(
                known(&set, name, value.as_str().unwrap()),
                "{}: {name}: {value}",
                record.id
            );
        }
    }
}

#[test]
fn everything_that_can_be_drawn_has_a_name_in_the_default_attribute_set() {
    let set = AttributeSet::embedded();
    let values = [
        (
            "Fit",
            Fit::ALL.iter().map(|item| item.value()).collect::<Vec<_>>(),
        ),
        (
            "Collar",
            Collar::ALL.iter().map(|item| item.value()).collect(),
        ),
        (
            "Pattern",
            Pattern::ALL.iter().map(|item| item.value()).collect(),
        ),
        (
            "Sleeve Length",
            SleeveLength::ALL.iter().map(|item| item.value()).collect(),
        ),
        ("Neck", Neck::ALL.iter().map(|item| item.value()).collect()),
        (
            "Sleeve Styling",
            SleeveStyling::ALL.iter().map(|item| item.value()).collect(),
        ),
        (
            "Colour",
            Colour::ALL.iter().map(|item| item.value()).collect(),
        ),
    ];
    for (attribute, values) in values {
        for value in values {
            assert!(known(&set, attribute, value), "{attribute}: {value}");
        }
    }
    for category in Category::ALL {
        assert_eq!(
            set.category(category.value()).unwrap().name,
            category.value()
        );
    }
}

#[test]
fn writing_leaves_pictures_and_records_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new").join("samples");
    let products = &samples::products()[4..5];
    let mut done = Vec::new();
    samples::write(products, DEFAULT_SEED, &out, |product| {
        done.push(product.id.clone())
    })
    .unwrap();
    assert_eq!(done, ["drawn-05"]);

    let mut files: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["drawn-05.jpg", RECORDS_FILE]);
    let text = std::fs::read_to_string(out.join(RECORDS_FILE)).unwrap();
    let records: Vec<Record> = serde_json::from_str(&text).unwrap();
    assert_eq!(records, [samples::record(&products[0])]);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "").unwrap();
    let error = samples::write(&[], DEFAULT_SEED, &file, |_| {}).unwrap_err();
    assert!(
        matches!(&error, Error::Write { path, .. } if *path == file),
        "{error:?}"
    );
    assert!(error.to_string().contains("taken"), "{error}");
}

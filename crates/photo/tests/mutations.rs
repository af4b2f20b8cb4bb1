//! Damaged photographs: what decodes has the size that its limit allows, what
//! does not says why, and nothing panics or takes without end.
//!
//! As a test a few hundred files; `make fuzz` tries them for some time
//! (`FUZZ_PHOTO_SECONDS`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cell::Cell;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::ImageFormat;
use photo::PhotoError;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

/// In pixels; the photographs are under it, what damage makes of their headers
/// often is not.
const LIMIT: u64 = 600_000;

/// Above the slowest, by far.
const PATIENCE: Duration = Duration::from_secs(30);

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The kinds of files that the format test has, and a drawn sample of the
/// repository whole and scaled down, in every format.
fn photographs() -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("tests/data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end != "py"))
        .filter(|path| !path.to_str().unwrap().contains(".expected."))
        .collect();
    files.sort();
    let drawn = std::fs::read(folder("../../samples/drawn-01.jpg")).unwrap();
    let small = image::load_from_memory(&drawn).unwrap().thumbnail(120, 160);
    let mut photographs: Vec<Vec<u8>> = files
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let mut bytes = Cursor::new(Vec::new());
        let rgb = small.to_rgb8();
        rgb.write_to(&mut bytes, format).unwrap();
        photographs.push(bytes.into_inner());
    }
    photographs.push(drawn);
    photographs
}

/// One thing that happens to a file.
#[derive(Clone, Debug)]
enum Damage {
    /// Bytes are overwritten: of headers and lengths most of all.
    Overwrite(Index, Vec<u8>),
    /// The file ends here.
    End(Index),
    /// A part is missing.
    Remove(Index, usize),
    /// A part stands there twice.
    Repeat(Index, usize),
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let part = |at: Index, count: usize| {
            let at = at.index(length);
            at..(at + count).min(length)
        };
        match self {
            Damage::Overwrite(at, with) => {
                let at = part(at, with.len());
                let with = &with[..at.len()];
                bytes[at].copy_from_slice(with);
            }
            Damage::End(at) => bytes.truncate(at.index(length)),
            Damage::Remove(at, count) => drop(bytes.drain(part(at, count))),
            Damage::Repeat(at, count) => {
                let part = part(at, count);
                let repeated = bytes[part.clone()].to_vec();
                bytes.splice(part.start..part.start, repeated);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    // Most of a small file's headers are in its first bytes.
    let place = || any::<Index>();
    let bytes = || {
        prop_oneof![
            vec(any::<u8>(), 1..5),
            select(vec![
                vec![0; 4],
                vec![0xff; 4],
                vec![0x7f, 0xff],
                vec![0, 0, 0, 1]
            ]),
        ]
    };
    prop_oneof![
        6 => (place(), bytes()).prop_map(|(at, with)| Damage::Overwrite(at, with)),
        1 => place().prop_map(Damage::End),
        1 => (place(), 1usize..40).prop_map(|(at, count)| Damage::Remove(at, count)),
        1 => (place(), 1usize..400).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

fn damaged(photographs: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> {
    let head = (0usize..64, any::<u8>());
    let heads = vec(head, 0..3);
    (select(photographs.to_vec()), heads, vec(damage(), 0..4)).prop_map(
        |(mut bytes, heads, damages)| {
            for (at, byte) in heads {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            damages
                .into_iter()
                .for_each(|damage| damage.apply(&mut bytes));
            bytes
        },
    )
}

/// Decodes so many damaged files and gives back how many were pictures all the
/// same.
fn check(files: u32, photographs: &[Vec<u8>]) -> u32 {
    let mut runner = TestRunner::new(Config {
        cases: files,
        failure_persistence: None,
        ..Config::default()
    });
    let pictures = Cell::new(0);
    let result = runner.run(&damaged(photographs), |bytes| {
        let started = Instant::now();
        match photo::decode(&bytes, LIMIT) {
            Ok(picture) => {
                let pixels = u64::from(picture.width()) * u64::from(picture.height());
                prop_assert!((1..=LIMIT).contains(&pixels));
                pictures.set(pictures.get() + 1);
            }
            Err(PhotoError::TooManyPixels { width, height, .. }) => {
                prop_assert!(u64::from(width) * u64::from(height) > LIMIT);
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        prop_assert!(started.elapsed() < PATIENCE);
        Ok(())
    });
    if let Err(failure) = result {
        // Whatever hook there is.
        eprintln!("{failure}");
        panic!("{failure}");
    }
    pictures.get()
}

#[test]
fn a_few_hundred_damaged_files() {
    let pictures = check(300, &photographs());
    assert!((1..300).contains(&pictures), "{pictures} of 300");
}

#[test]
#[ignore = "takes a minute: make fuzz"]
fn fuzz_photos() {
    let seconds = std::env::var("FUZZ_PHOTO_SECONDS").map_or(45, |text| text.parse().unwrap());
    let photographs = photographs();
    // Decoders that give up by a panic are caught, and say so at length.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let started = Instant::now();
    let (mut files, mut pictures) = (0, 0);
    while started.elapsed() < Duration::from_secs(seconds) {
        pictures += check(500, &photographs);
        files += 500;
    }
    std::panic::set_hook(hook);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "\n{:<24}{:>10}{:>12}{:>9}",
        "decoder", "inputs", "pictures", "seconds"
    );
    println!(
        "{:<24}{files:>10}{pictures:>12}{seconds:>9.1}\n",
        "damaged photographs"
    );
}

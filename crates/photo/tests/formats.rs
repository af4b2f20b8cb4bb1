//! Every kind of file that is read, against what Pillow makes of it
//! (`tests/data/make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

#[test]
fn every_kind_of_photo_is_decoded_as_pillow_does() {
    // Largest difference in levels of 255; lossy formats leave the decoder
    // some freedom, WebP's chroma upsampling most.
    let files = [
        ("baseline.jpg", 3),
        ("progressive.jpg", 3),
        ("full-chroma.jpg", 3),
        ("half-chroma.jpg", 3),
        ("grey.jpg", 1),
        ("cmyk.jpg", 3),
        ("palette.png", 0),
        ("palette-transparent.png", 0),
        ("alpha.png", 1),
        ("one-bit.png", 0),
        ("lossless-alpha.webp", 1),
        ("lossy.webp", 4),
        ("animated.webp", 0),
    ];
    for (name, tolerance) in files {
        let bytes = std::fs::read(data(name)).unwrap();
        let actual = photo::decode(&bytes, 1 << 20).unwrap();
        let expected = image::open(data(&format!("{name}.expected.png")))
            .unwrap()
            .into_rgb8();
        assert_eq!(actual.dimensions(), expected.dimensions(), "{name}");
        let each = actual
            .as_raw()
            .iter()
            .zip(expected.as_raw())
            .map(|(a, b)| a.abs_diff(*b));
        let largest = each.clone().max().unwrap();
        let mean = each.map(f64::from).sum::<f64>() / actual.as_raw().len() as f64;
        println!("{name}: mean difference {mean:.3} levels, largest {largest}");
        assert!(largest <= tolerance, "{name}: {largest}");
    }
}

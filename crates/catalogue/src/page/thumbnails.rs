//! Small pictures for the page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::thumbnail;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::progress::Progress;

const HEIGHT: u32 = 88;
const WIDEST: u32 = 88;
const JPEG_QUALITY: u8 = 68;
const MAX_PIXELS: u64 = 100_000_000;

/// Data URIs by photograph. One that can't be decoded has none.
pub(super) fn of(
    photos: impl IntoIterator<Item = PathBuf>,
    progress: &dyn Progress,
) -> BTreeMap<PathBuf, String> {
    let photos: std::collections::BTreeSet<PathBuf> = photos.into_iter().collect();
    progress.stage("making thumbnails", photos.len() as u64);
    photos
        .into_par_iter()
        .filter_map(|photo| {
            let uri = data_uri(&photo);
            progress.advance(1);
            Some((photo, uri?))
        })
        .collect()
}

fn data_uri(photo: &Path) -> Option<String> {
    let bytes = std::fs::read(photo).ok()?;
    let picture = photo::decode_small(&bytes, HEIGHT as u16, MAX_PIXELS).ok()?;
    let (width, height) = (picture.width().max(1), picture.height().max(1));
    let width = (u64::from(width) * u64::from(HEIGHT) / u64::from(height)) as u32;
    let small = thumbnail(&picture, width.clamp(1, WIDEST), HEIGHT);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode_image(&small)
        .ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

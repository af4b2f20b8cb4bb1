//! The photographs that are asked about, and files that are none.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use image::{GrayImage, ImageFormat, RgbImage};
use tests::photos::{jpeg, jpegs, large_photo, samples};

/// Real photographs, where they lie beside the repository.
const REAL: &str = "../shared/data/kaggle/images";
const REAL_COUNT: usize = 40;

#[derive(Debug)]
pub struct Photo {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

pub struct Photos {
    /// Of the sizes that shops show.
    pub ordinary: Vec<Arc<Photo>>,
    /// As large as a camera makes them.
    pub large: Vec<Arc<Photo>>,
}

impl Photos {
    /// Reads and makes them.
    pub fn gather(repository: &Path) -> Result<Photos> {
        let mut ordinary = Vec::new();
        let mut large = vec![photo("large drawn", "image/jpeg", large_photo(repository)?)];
        for sample in samples(repository)? {
            let name = &sample.name;
            let small = sample.within(240, 320);
            let file = match ordinary.len() % 6 {
                1 => photo(name, "image/png", encoded(&small, ImageFormat::Png)?),
                3 => photo(name, "image/webp", encoded(&small, ImageFormat::WebP)?),
                _ => photo(name, "image/jpeg", jpeg(&small, 85)?),
            };
            ordinary.push(file);
            large.push(photo(&format!("whole {name}"), "image/jpeg", sample.file));
        }
        let real = repository.join(REAL);
        if real.is_dir() {
            for path in jpegs(&real)?.into_iter().take(REAL_COUNT) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                ordinary.push(photo(&format!("real {name}"), "image/jpeg", read(&path)?));
            }
        } else {
            println!("real photographs left out: there is no folder {REAL}");
        }
        Ok(Photos { ordinary, large })
    }
}

fn photo(name: &str, content_type: &'static str, bytes: Vec<u8>) -> Arc<Photo> {
    Arc::new(Photo {
        name: name.to_owned(),
        content_type,
        bytes,
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// A JPEG of some kilobytes that says it is 65,500 pixels each way.
pub fn jpeg_bomb(jpeg: &[u8]) -> Result<Vec<u8>> {
    let mut bomb = jpeg.to_vec();
    let frame = bomb
        .windows(2)
        .position(|marker| matches!(marker, [0xff, 0xc0..=0xc2]))
        .context("the JPEG has no frame")?;
    let size = 65_500u16.to_be_bytes();
    bomb[frame + 5..frame + 9].copy_from_slice(&[size[0], size[1], size[0], size[1]]);
    Ok(bomb)
}

/// A PNG of some hundred kilobytes whose pixels, all there, take 144 MB.
pub fn png_bomb() -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::new(12_000, 12_000).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// A small PNG whose colour profile inflates to 144 MB: the compressed stream
/// of `bomb`, a PNG, put into the `iCCP` chunk of `picture`, another.
pub fn profile_bomb(picture: &[u8], bomb: &[u8]) -> Result<Vec<u8>> {
    let header_end = SIGNATURE + 12 + 13;
    let mut profile = b"bomb\0\0".to_vec();
    for (name, data) in chunks(bomb) {
        if name == b"IDAT" {
            profile.extend_from_slice(data);
        }
    }
    let mut bytes = picture
        .get(..header_end)
        .context("the PNG is cut short")?
        .to_vec();
    let length = u32::try_from(profile.len()).context("the profile is too long")?;
    bytes.extend(length.to_be_bytes());
    let chunk = [&b"iCCP"[..], &profile].concat();
    bytes.extend_from_slice(&chunk);
    bytes.extend(crc32(&chunk).to_be_bytes());
    bytes.extend_from_slice(&picture[header_end..]);
    Ok(bytes)
}

/// Length of what every PNG begins with.
const SIGNATURE: usize = 8;

/// Names and data of a PNG's chunks.
fn chunks(png: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut chunks = Vec::new();
    let mut rest = png.get(SIGNATURE..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (Some(name), Some(data)) = (after.get(..4), after.get(4..4 + length)) else {
            break;
        };
        chunks.push((name, data));
        rest = after.get(length + 8..).unwrap_or_default();
    }
    chunks
}

/// The checksum of PNG's chunks (ISO/IEC 15948, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut crc: u32, &byte| {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
        crc
    })
}

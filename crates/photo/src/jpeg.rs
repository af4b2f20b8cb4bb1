//! JPEG by a decoder that upsamples chroma as libjpeg does.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::{Decoder, ImageInfo, PixelFormat};

use super::{PhotoError, check_size};

/// More scans than any encoder writes; each one is a pass over all pixels, so
/// that a small file of many scans would keep a decoder busy for minutes.
const MAX_SCANS: usize = 64;

/// Decodes a JPEG file, baseline or progressive, of any of its colour spaces; to
/// a part of its size where `side` pixels in one direction are enough.
pub(super) fn decode(
    bytes: &[u8],
    max_pixels: u64,
    side: Option<u16>,
) -> Result<RgbImage, PhotoError> {
    let damaged = |reason: String| PhotoError::Damaged {
        format: "JPEG",
        reason,
    };
    let mut decoder = Decoder::new(bytes);
    decoder
        .read_info()
        .map_err(|error| damaged(error.to_string()))?;
    let mut info = decoder
        .info()
        .ok_or_else(|| damaged("it has no picture".to_owned()))?;
    check_size(u32::from(info.width), u32::from(info.height), max_pixels)?;
    if scans(bytes) > MAX_SCANS {
        return Err(damaged(format!("it has more than {MAX_SCANS} scans")));
    }
    if let Some(side) = side {
        (info.width, info.height) = decoder
            .scale(side, side)
            .map_err(|error| damaged(error.to_string()))?;
    }
    let levels = decoder
        .decode()
        .map_err(|error| damaged(error.to_string()))?;
    let orientation = decoder
        .exif_data()
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms);
    let picture =
        to_rgb(info, levels).ok_or_else(|| damaged("it has too few pixels".to_owned()))?;
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// How often a scan begins in the picture, by its segments (ITU-T T.81, annex
/// B): what they hold, such as thumbnails, and what follows the picture's end,
/// such as a film, is not looked into.
fn scans(bytes: &[u8]) -> usize {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: u8 = 0xd9;
    let mut scans = 0;
    let mut rest = bytes;
    // The next marker; compressed data, where 0 or a restart follows its 0xff,
    // has none.
    while let Some(at) = rest.iter().position(|byte| *byte == 0xff) {
        rest = &rest[at + 1..];
        match rest.first() {
            Some(&END_OF_IMAGE) | None => break,
            // Nothing, fill, and markers without a length.
            Some(0x00 | 0xff | 0x01 | 0xd0..=0xd8) => continue,
            Some(&marker) => scans += usize::from(marker == START_OF_SCAN),
        }
        let length = match rest.get(1..3) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => break,
        };
        rest = rest.get(1 + length..).unwrap_or_default();
    }
    scans
}

/// `None` where there are fewer levels than the header says.
fn to_rgb(info: ImageInfo, levels: Vec<u8>) -> Option<RgbImage> {
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    match info.pixel_format {
        PixelFormat::RGB24 => RgbImage::from_raw(width, height, levels),
        PixelFormat::L8 => {
            let grey = GrayImage::from_raw(width, height, levels)?;
            Some(DynamicImage::ImageLuma8(grey).into_rgb8())
        }
        PixelFormat::L16 => {
            let high: Vec<u8> = levels.chunks_exact(2).map(|level| level[1]).collect();
            let grey = GrayImage::from_raw(width, height, high)?;
            Some(DynamicImage::ImageLuma8(grey).into_rgb8())
        }
        PixelFormat::CMYK32 => {
            let rgb = levels.chunks_exact(4).flat_map(|ink| {
                // As Pillow converts: what the inks leave of white.
                let white = 255 - u32::from(ink[3]);
                [ink[0], ink[1], ink[2]]
                    .map(|ink| ((white * (255 - u32::from(ink)) + 127) / 255) as u8)
            });
            RgbImage::from_raw(width, height, rgb.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_endless_scans_is_refused_at_once() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/progressive.jpg");
        let good = std::fs::read(path).unwrap();
        decode(&good, 1 << 20, None).unwrap();
        let last = good
            .windows(2)
            .rposition(|pair| pair == [0xff, 0xda])
            .unwrap();
        let (head, scan) = (&good[..last], &good[last..good.len() - 2]);
        let mut bomb = head.to_vec();
        for _ in 0..1000 {
            bomb.extend_from_slice(scan);
        }
        bomb.extend([0xff, 0xd9]);
        assert!(scans(&good) > 1 && scans(&bomb) > 1000);
        let error = decode(&bomb, 1 << 20, None).unwrap_err().to_string();
        assert!(error.contains("scans"), "{error}");
    }

    /// Phones put a film behind a picture, and cameras several previews before it.
    #[test]
    fn what_is_no_part_of_the_picture_is_not_counted() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/progressive.jpg");
        let good = std::fs::read(path).unwrap();
        let starts = [0xff, 0xda].repeat(1000);
        let mut previews = good[..2].to_vec();
        previews.extend([0xff, 0xe2, 0x07, 0xd2]);
        previews.extend(&starts);
        previews.extend(&good[2..]);
        let film = [good.as_slice(), &starts].concat();
        for bytes in [previews, film] {
            assert_eq!(scans(&bytes), scans(&good));
            decode(&bytes, 1 << 20, None).unwrap();
        }
    }
}

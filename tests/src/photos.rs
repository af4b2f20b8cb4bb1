//! Photographs for benchmarks.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};

/// Width and height of a photograph as a camera or a shop's studio makes it.
pub const LARGE: (u32, u32) = (1800, 2400);

/// A drawn sample, scaled to [`LARGE`], as JPEG.
///
/// # Errors
/// When the sample is not there.
pub fn large_photo(repository: &Path) -> Result<Vec<u8>> {
    let path = repository.join("samples/drawn-01.jpg");
    let sample = image::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (width, height) = LARGE;
    let large = sample.resize_exact(width, height, FilterType::CatmullRom);
    jpeg(&large.into_rgb8(), 90)
}

/// A photograph of `samples/`.
#[derive(Debug)]
pub struct Sample {
    /// Its file's name without the extension.
    pub name: String,
    /// Its file, a JPEG.
    pub file: Vec<u8>,
    /// What is in it.
    pub picture: DynamicImage,
}

impl Sample {
    /// The picture, as large as it fits into `width` and `height`.
    #[must_use]
    pub fn within(&self, width: u32, height: u32) -> RgbImage {
        self.picture
            .resize(width, height, FilterType::Triangle)
            .into_rgb8()
    }
}

/// All of `samples/`, in the order of their names.
///
/// # Errors
/// When they can't be read.
pub fn samples(repository: &Path) -> Result<Vec<Sample>> {
    let sample = |path: PathBuf| -> Result<Sample> {
        let file =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let picture = image::load_from_memory(&file)
            .with_context(|| format!("{} is damaged", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Sample {
            name: name.into_owned(),
            file,
            picture,
        })
    };
    let paths = jpegs(&repository.join("samples"))?;
    paths.into_iter().map(sample).collect()
}

/// The JPEG files of a folder, in the order of their names.
///
/// # Errors
/// When there is no such folder.
pub fn jpegs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder
        .read_dir()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A picture as JPEG.
///
/// # Errors
/// When it is larger than a JPEG can be.
pub fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    picture
        .write_with_encoder(encoder)
        .context("cannot encode a JPEG")?;
    Ok(bytes.into_inner())
}

/// The same photograph in other bytes: a comment segment (COM, ITU-T T.81
/// B.2.4.5) is put behind the application segments at the file's start, so that
/// whoever knows a photograph by its bytes sees another one, of equal pixels.
///
/// # Errors
/// When the file is no JPEG.
pub fn with_comment(jpeg: &[u8], comment: &str) -> Result<Vec<u8>> {
    ensure!(jpeg.starts_with(&[0xff, 0xd8]), "this is no JPEG file");
    let mut at = 2;
    while let Some(&[0xff, 0xe0..=0xef, high, low]) = jpeg.get(at..at + 4) {
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    let rest = jpeg.get(at..).context("the JPEG file is cut short")?;
    let length = u16::try_from(comment.len() + 2).context("the comment is too long")?;
    let mut bytes = Vec::with_capacity(jpeg.len() + comment.len() + 4);
    bytes.extend_from_slice(&jpeg[..at]);
    bytes.extend([0xff, 0xfe]);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(comment.as_bytes());
    bytes.extend_from_slice(rest);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_changes_the_bytes_and_not_the_pixels() {
        let picture = RgbImage::from_fn(40, 30, |x, y| image::Rgb([x as u8 * 5, y as u8, 90]));
        let plain = jpeg(&picture, 90).unwrap();
        let other = with_comment(&plain, "one").unwrap();
        assert_ne!(plain, other);
        assert_ne!(other, with_comment(&plain, "two").unwrap());
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgb8();
        assert_eq!(pixels(&plain), pixels(&other));
    }

    #[test]
    fn only_a_jpeg_takes_a_comment() {
        assert!(with_comment(b"\x89PNG", "x").is_err());
    }
}

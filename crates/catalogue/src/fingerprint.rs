//! What a photograph looks like, in a few bytes.

use image::RgbImage;
use photo::PhotoError;

/// Changes whenever the same file gives another fingerprint, or another reason for
/// none, so that what is kept of an earlier time is not believed.
pub(crate) const VERSION: u32 = 1;

/// Larger photographs are refused.
const MAX_PIXELS: u64 = 100_000_000;

/// Cells along a side of the grid whose cosine transform is the hash.
const GRID: usize = 32;
/// The lowest frequencies that count, along a side.
const FREQUENCIES: usize = 8;
/// Cells along a side of the grid of colours.
const COLOURS: usize = 8;

/// The marks by which near-identical photographs are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// A perceptual hash. The photograph's luma (Rec. 601) is averaged over a
    /// grid of 32×32 cells, whatever its shape; of the grid's cosine transform
    /// (DCT-II) the 8×8 lowest frequencies are taken, without the mean; bit
    /// `8 v + u` is set where frequency `u` across and `v` down is above the
    /// median of the 63. Bit 0 is never set.
    pub hash: u64,
    /// Red, green and blue in levels, averaged over a grid of 8×8 cells. The
    /// hash knows no colours, and catalogues are full of garments of one cut.
    pub colours: [u8; COLOURS * COLOURS * 3],
}

impl Fingerprint {
    /// The fingerprint of a file.
    ///
    /// # Errors
    /// What is wrong with the photograph.
    pub(crate) fn of_file(bytes: &[u8]) -> Result<Fingerprint, PhotoError> {
        let photo = photo::decode_small(bytes, 4 * GRID as u16, MAX_PIXELS)?;
        Ok(Fingerprint::of(&photo))
    }

    fn of(photo: &RgbImage) -> Fingerprint {
        let cells = averaged(photo, GRID);
        let luma = cells
            .iter()
            .map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b);
        let hash = hash(&luma.collect::<Vec<f32>>());
        let mut colours = [0; COLOURS * COLOURS * 3];
        let means = averaged(photo, COLOURS);
        for (level, mean) in colours.iter_mut().zip(means.iter().flatten()) {
            *level = mean.round().clamp(0.0, 255.0) as u8;
        }
        Fingerprint { hash, colours }
    }

    /// In how many bits the hashes differ.
    pub(crate) fn distance(&self, other: &Fingerprint) -> u32 {
        (self.hash ^ other.hash).count_ones()
    }

    /// By how many levels of 255 the colours differ, on average.
    pub(crate) fn colour_difference(&self, other: &Fingerprint) -> f32 {
        let pairs = self.colours.iter().zip(&other.colours);
        let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 / self.colours.len() as f32
    }
}

/// The mean colour of each cell of a grid of `side`×`side` cells over the
/// picture; of a picture with fewer pixels the nearest one.
fn averaged(picture: &RgbImage, side: usize) -> Vec<[f32; 3]> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let raw = picture.as_raw();
    let edges = |cell: usize, length: usize| {
        let start = cell * length / side;
        start..((cell + 1) * length / side).max(start + 1).min(length)
    };
    let mut cells = Vec::with_capacity(side * side);
    for row in 0..side {
        for column in 0..side {
            let (across, down) = (edges(column, width), edges(row, height));
            let count = (across.len() * down.len()) as f32;
            let mut sum = [0_u32; 3];
            for y in down {
                for pixel in
                    raw[(y * width + across.start) * 3..][..across.len() * 3].chunks_exact(3)
                {
                    for (sum, &level) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(level);
                    }
                }
            }
            cells.push(sum.map(|sum| sum as f32 / count));
        }
    }
    cells
}

fn hash(luma: &[f32]) -> u64 {
    let waves = waves();
    // Rows first: frequency u of every row.
    let mut across = [[0.0_f32; FREQUENCIES]; GRID];
    for (row, sums) in luma.chunks_exact(GRID).zip(&mut across) {
        for (sum, wave) in sums.iter_mut().zip(&waves) {
            *sum = row.iter().zip(wave).map(|(level, wave)| level * wave).sum();
        }
    }
    let mut strengths = [0.0_f32; FREQUENCIES * FREQUENCIES];
    for (place, strength) in strengths.iter_mut().enumerate() {
        let (u, v) = (place % FREQUENCIES, place / FREQUENCIES);
        let column = across.iter().zip(&waves[v]);
        *strength = column.map(|(row, wave)| row[u] * wave).sum();
    }
    let mut sorted = strengths;
    let without_mean = &mut sorted[1..];
    without_mean.sort_by(f32::total_cmp);
    let median = without_mean[without_mean.len() / 2];
    let bits = strengths.iter().enumerate().skip(1);
    bits.filter(|(_, strength)| **strength > median)
        .fold(0, |hash, (place, _)| hash | 1 << place)
}

/// cos(π (2 x + 1) u / 2 n): row `u` is frequency `u` at the places `x`.
fn waves() -> [[f32; GRID]; FREQUENCIES] {
    let mut waves = [[0.0; GRID]; FREQUENCIES];
    for (u, wave) in waves.iter_mut().enumerate() {
        for (x, at) in wave.iter_mut().enumerate() {
            let angle = std::f64::consts::PI * (2 * x + 1) as f64 * u as f64 / (2 * GRID) as f64;
            *at = angle.cos() as f32;
        }
    }
    waves
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::imageops::{FilterType, resize};

    use super::*;
    use crate::drawing::draw;
    use crate::samples;

    fn file(picture: &RgbImage, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        picture.write_with_encoder(encoder).unwrap();
        bytes
    }

    #[test]
    fn a_photo_saved_again_or_scaled_keeps_its_marks_and_another_has_others() {
        let products = samples::products();
        let picture = draw(&products[1].garment, 7, 1);
        let first = Fingerprint::of_file(&file(&picture, 92)).unwrap();
        let small = resize(&picture, 240, 320, FilterType::Triangle);
        for again in [file(&picture, 55), file(&small, 80)] {
            let again = Fingerprint::of_file(&again).unwrap();
            assert!(first.distance(&again) <= 4, "{}", first.distance(&again));
            assert!(first.colour_difference(&again) < 2.0);
        }
        let other = Fingerprint::of_file(&file(&draw(&products[8].garment, 7, 8), 92)).unwrap();
        assert!(first.distance(&other) > 8, "{}", first.distance(&other));
        assert!(first.colour_difference(&other) > 8.0);
    }

    #[test]
    fn the_hash_is_that_of_its_definition() {
        // One wave across: only frequency 1 across is strong, all others are 0
        // but for rounding, so the median is near 0 and bit 1 is set.
        let wave = RgbImage::from_fn(64, 64, |x, _| {
            let angle = std::f32::consts::PI * (x as f32 + 0.5) / 64.0;
            image::Rgb([(128.0 + 100.0 * angle.cos()) as u8; 3])
        });
        let hash = Fingerprint::of(&wave).hash;
        assert_eq!(hash & 3, 2);
        let turned = image::imageops::rotate90(&wave);
        let hash = Fingerprint::of(&image::imageops::flip_vertical(&turned)).hash;
        // Down: frequency 1 down is bit 8, or its opposite sign leaves it clear.
        assert!(hash & 1 == 0);
        assert_eq!(
            (hash >> 8) & 1,
            u64::from(turned.get_pixel(0, 63).0[0] > 128)
        );
    }

    #[test]
    fn tiny_and_flat_photos_have_a_fingerprint() {
        for (width, height) in [(1, 1), (3, 40), (200, 2)] {
            let flat = RgbImage::from_pixel(width, height, image::Rgb([200, 10, 30]));
            let print = Fingerprint::of(&flat);
            assert_eq!(print.colours[..3], [200, 10, 30]);
        }
        assert!(Fingerprint::of_file(b"no photo").is_err());
    }
}

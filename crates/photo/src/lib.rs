//! Photographs: bytes to a picture in RGB.
//!
//! Two things differ from the reference on purpose, in serving and training
//! alike: the orientation that a camera wrote into EXIF is applied, and
//! transparency is laid over white.

mod jpeg;

use std::fmt::Display;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, RgbImage};

/// A photograph that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PhotoError {
    /// There are no bytes.
    #[error("the photo is empty; send the bytes of a JPEG, PNG or WebP file")]
    Empty,
    /// The bytes are of no format that is read.
    #[error("the photo is no JPEG, PNG or WebP file (its first bytes are {first_bytes})")]
    Unrecognised {
        /// The first bytes, in hexadecimal.
        first_bytes: String,
    },
    /// The picture has more pixels than the caller decodes.
    #[error("the photo has {width}×{height} pixels, more than the limit of {limit}; scale it down")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit, in pixels.
        limit: u64,
    },
    /// The file is cut short, damaged or of a kind that is not supported.
    #[error("the {format} photo cannot be decoded, it may be damaged or cut short: {reason}")]
    Damaged {
        /// Its format.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
}

/// The format of a file by its first bytes, whatever its name says.
fn recognise(bytes: &[u8]) -> Result<ImageFormat, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => Ok(format),
        _ => {
            let first: Vec<String> = bytes
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            Err(PhotoError::Unrecognised {
                first_bytes: first.join(" "),
            })
        }
    }
}

/// Decodes a JPEG, PNG or WebP file; of an animation, the first frame.
///
/// The size is read from the header, and a picture of more than `max_pixels`
/// is refused before its pixels are decoded.
///
/// # Errors
/// What is wrong with the file, in words for the person who sent it.
pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<RgbImage, PhotoError> {
    decode_to(bytes, max_pixels, None)
}

/// As [`decode`], for a look that needs no more than `side` pixels in one
/// direction: a JPEG is decoded to a half, a quarter or an eighth of its size
/// where that is enough, which is much faster. The picture may be larger.
///
/// # Errors
/// As [`decode`], and as surely: the whole file is read.
pub fn decode_small(bytes: &[u8], side: u16, max_pixels: u64) -> Result<RgbImage, PhotoError> {
    decode_to(bytes, max_pixels, Some(side))
}

fn decode_to(bytes: &[u8], max_pixels: u64, side: Option<u16>) -> Result<RgbImage, PhotoError> {
    let format = recognise(bytes)?;
    // Decoders meet hostile files, and some have given them up with a panic. It
    // leaves nothing behind: what was begun is dropped.
    let decoding = AssertUnwindSafe(|| decode_as(format, bytes, max_pixels, side));
    catch_unwind(decoding).unwrap_or_else(|_| Err(damaged(format, "its decoder gave up")))
}

fn decode_as(
    format: ImageFormat,
    bytes: &[u8],
    max_pixels: u64,
    side: Option<u16>,
) -> Result<RgbImage, PhotoError> {
    let failed = |error: image::ImageError| damaged(format, error);
    match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, max_pixels, side),
        ImageFormat::Png => {
            let limits = png_limits(bytes);
            let decoder = image::codecs::png::PngDecoder::with_limits(Cursor::new(bytes), limits)
                .map_err(failed)?;
            decode_by(decoder, max_pixels, failed)
        }
        _ => {
            let decoder =
                image::codecs::webp::WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
            decode_by(decoder, max_pixels, failed)
        }
    }
}

fn damaged(format: ImageFormat, reason: impl Display) -> PhotoError {
    PhotoError::Damaged {
        format: match format {
            ImageFormat::Jpeg => "JPEG",
            ImageFormat::Png => "PNG",
            _ => "WebP",
        },
        reason: reason.to_string(),
    }
}

/// What a PNG may take beside its pixels: profiles and texts are compressed as
/// well, and inflate to any size.
const PNG_SPARE_BYTES: u64 = 16 << 20;

/// Memory for the pixels that the header promises, 16 bits by four channels
/// at most, and a little more.
fn png_limits(bytes: &[u8]) -> image::Limits {
    // Signature, length and name of the first chunk, then width and height.
    let side = |at: usize| {
        let side = bytes.get(at..at + 4).and_then(|side| side.try_into().ok());
        side.map_or(0, |side| u64::from(u32::from_be_bytes(side)))
    };
    let pixels = side(16).saturating_mul(side(20)).saturating_mul(8);
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(pixels.saturating_add(PNG_SPARE_BYTES));
    limits
}

fn decode_by(
    mut decoder: impl ImageDecoder,
    max_pixels: u64,
    damaged: impl Fn(image::ImageError) -> PhotoError,
) -> Result<RgbImage, PhotoError> {
    let (width, height) = decoder.dimensions();
    check_size(width, height, max_pixels)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(over_white(picture))
}

fn check_size(width: u32, height: u32, limit: u64) -> Result<(), PhotoError> {
    if u64::from(width) * u64::from(height) > limit {
        return Err(PhotoError::TooManyPixels {
            width,
            height,
            limit,
        });
    }
    Ok(())
}

/// To RGB, what is transparent laid over white.
fn over_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut opaque = RgbImage::new(picture.width(), picture.height());
    for (to, from) in opaque.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        to.0 = [red, green, blue]
            .map(|level| ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    opaque
}

#[cfg(test)]
mod tests {
    use image::{ImageEncoder, Luma, LumaA, Rgb, Rgba};

    use super::*;

    const LIMIT: u64 = 1 << 20;

    fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn scene() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, 90]))
    }

    #[test]
    fn png_and_lossless_webp_give_back_their_pixels() {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            assert_eq!(decode(&file(scene(), format), LIMIT).unwrap(), scene());
        }
    }

    #[test]
    fn transparency_is_laid_over_white() {
        let glass =
            image::RgbaImage::from_fn(3, 1, |x, _| Rgba([200, 0, 0, [0, 128, 255][x as usize]]));
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let photo = decode(&file(glass.clone(), format), LIMIT).unwrap();
            assert_eq!(photo.get_pixel(0, 0).0, [255, 255, 255]);
            assert_eq!(photo.get_pixel(1, 0).0, [227, 127, 127]);
            assert_eq!(photo.get_pixel(2, 0).0, [200, 0, 0]);
        }
        let grey = image::GrayAlphaImage::from_pixel(2, 2, LumaA([0, 0]));
        assert_eq!(
            decode(&file(grey, ImageFormat::Png), LIMIT)
                .unwrap()
                .as_raw(),
            &[255; 12]
        );
    }

    #[test]
    fn sixteen_bit_and_grey_png_become_eight_bit_rgb() {
        let deep =
            image::ImageBuffer::<Rgb<u16>, Vec<u16>>::from_pixel(2, 1, Rgb([65535, 32896, 0]));
        let photo = decode(
            &file(DynamicImage::ImageRgb16(deep), ImageFormat::Png),
            LIMIT,
        )
        .unwrap();
        assert_eq!(photo.get_pixel(0, 0).0, [255, 128, 0]);
        let grey = image::GrayImage::from_pixel(1, 1, Luma([77]));
        let photo = decode(&file(grey, ImageFormat::Png), LIMIT).unwrap();
        assert_eq!(photo.get_pixel(0, 0).0, [77, 77, 77]);
    }

    #[test]
    fn a_picture_over_the_limit_is_refused_before_it_is_decoded() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            // The header is there, the pixels are not: only the size can be read.
            let bytes = file(scene(), format);
            let error = decode(&bytes[..bytes.len() * 3 / 4], 1199).unwrap_err();
            let expected = PhotoError::TooManyPixels {
                width: 40,
                height: 30,
                limit: 1199,
            };
            assert_eq!(error, expected, "{format:?}");
            decode(&bytes, 1200).unwrap();
        }
    }

    #[test]
    fn a_small_look_at_a_large_photo_shows_the_same() {
        let large = RgbImage::from_fn(640, 480, |x, y| {
            Rgb([(x * 255 / 640) as u8, (y * 255 / 480) as u8, 90])
        });
        let bytes = file(large, ImageFormat::Jpeg);
        let small = decode_small(&bytes, 70, LIMIT).unwrap();
        assert_eq!(small.dimensions(), (80, 60));
        for (x, y) in [(3, 3), (40, 30), (76, 57)] {
            let pixel = small.get_pixel(x, y).0;
            let expected = [(x * 8 + 4) * 255 / 640, (y * 8 + 4) * 255 / 480, 90];
            let close = pixel.iter().zip(expected);
            assert!(
                close.clone().all(|(&a, b)| a.abs_diff(b as u8) < 6),
                "{pixel:?} {expected:?}"
            );
        }
        assert_eq!(
            decode_small(&bytes, 640, LIMIT).unwrap().dimensions(),
            (640, 480)
        );
        assert!(decode_small(&bytes[..bytes.len() / 2], 70, LIMIT).is_err());
        assert!(decode_small(&bytes, 70, 640 * 480 - 1).is_err());
        let png = file(scene(), ImageFormat::Png);
        assert_eq!(decode_small(&png, 8, LIMIT).unwrap(), scene());
    }

    #[test]
    fn what_is_no_photo_says_what_to_send() {
        assert_eq!(decode(b"", LIMIT), Err(PhotoError::Empty));
        for bytes in [&b"hello"[..], b"GIF89a\x01\x00\x01\x00", b"<svg/>", b"\x00"] {
            let error = decode(bytes, LIMIT).unwrap_err();
            assert!(matches!(error, PhotoError::Unrecognised { .. }), "{error}");
            assert!(error.to_string().contains("JPEG, PNG or WebP"), "{error}");
        }
    }

    #[test]
    fn a_file_cut_short_is_damaged_wherever_it_ends() {
        let noisy = RgbImage::from_fn(97, 61, |x, y| {
            let level = (x * 7919 + y * 104_729 + x * y * 31) as u8;
            Rgb([level, level.rotate_left(3), 255 - level])
        });
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let bytes = file(noisy.clone(), format);
            // The last bytes are an end marker or a checksum, not pixels.
            for end in (12..bytes.len() - 16).step_by(37) {
                let result = decode(&bytes[..end], LIMIT);
                assert!(
                    matches!(result, Err(PhotoError::Damaged { .. })),
                    "{format:?} {end}"
                );
            }
        }
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize
        };
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let good = file(scene(), format);
            for _ in 0..300 {
                let mut bytes = good.clone();
                for _ in 0..1 + random() % 8 {
                    let at = random() % bytes.len();
                    bytes[at] = random() as u8;
                }
                let _ = decode(&bytes, LIMIT);
            }
        }
    }

    /// An EXIF block that says only how the camera was held.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        block
    }

    #[test]
    fn the_orientation_of_exif_is_applied() {
        // Left half dark, right half bright, held in every way a camera can be.
        let upright = RgbImage::from_fn(32, 16, |x, y| {
            Rgb([if x < 16 { 20 } else { 220 }, (y * 8) as u8, 0])
        });
        let stored: [(u8, RgbImage); 4] = [
            (1, upright.clone()),
            (3, image::imageops::rotate180(&upright)),
            (6, image::imageops::rotate270(&upright)),
            (8, image::imageops::rotate90(&upright)),
        ];
        for (orientation, stored) in stored {
            let (width, height) = stored.dimensions();
            let mut jpeg = Vec::new();
            let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 100);
            encoder.set_exif_metadata(exif(orientation)).unwrap();
            encoder
                .encode(&stored, width, height, image::ExtendedColorType::Rgb8)
                .unwrap();
            let mut png = Vec::new();
            let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
            encoder.set_exif_metadata(exif(orientation)).unwrap();
            encoder
                .write_image(&stored, width, height, image::ExtendedColorType::Rgb8)
                .unwrap();
            for bytes in [jpeg, png] {
                let photo = decode(&bytes, LIMIT).unwrap();
                assert_eq!(
                    photo.dimensions(),
                    upright.dimensions(),
                    "orientation {orientation}"
                );
                assert!(photo.get_pixel(2, 8).0[0] < 60, "orientation {orientation}");
                assert!(
                    photo.get_pixel(29, 8).0[0] > 180,
                    "orientation {orientation}"
                );
                assert!(photo.get_pixel(8, 2).0[1] < photo.get_pixel(8, 13).0[1]);
            }
        }
    }
}

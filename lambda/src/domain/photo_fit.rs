//! Making a photo small enough for a request body.

use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use super::photo::MAX_PIXELS;
use super::{Photo, PhotoError};

/// The longest side that is tried first. Vision encoders of this family look at
/// 224 to 490 pixels, so this loses nothing that they would see.
const LONGEST_SIDE: u32 = 2048;
/// Below this a photo is of no use to the model.
const SHORTEST_LONGEST_SIDE: u32 = 64;
const JPEG_QUALITY: u8 = 90;

/// A photo that fits, and what was done to it.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// At most as many bytes as were asked for.
    pub photo: Photo,
    /// A sentence for the caller when it is not the photo as it came.
    pub warning: Option<String>,
}

/// Gives a photo back as it is when it has at most `max_bytes`; else upright
/// (EXIF orientation applied), over white, scaled down and encoded as JPEG.
///
/// Decodes in the calling thread, which takes up to seconds.
pub fn fit(photo: Photo, max_bytes: usize) -> Result<Fitted, PhotoError> {
    if photo.bytes.len() <= max_bytes {
        return Ok(Fitted {
            photo,
            warning: None,
        });
    }
    let picture = decode_upright(&photo)?;
    let (width, height) = picture.dimensions();
    let mut longest_side = width.max(height).min(LONGEST_SIDE);
    while longest_side >= SHORTEST_LONGEST_SIDE.min(width.max(height)) {
        let scaled = scale(&picture, longest_side)?;
        let jpeg = encode(&scaled)?;
        if jpeg.len() <= max_bytes {
            let warning = format!(
                "The photo was scaled from {width} × {height} pixels ({} bytes) to {} × {} pixels \
                 ({} bytes) to fit into a request to the endpoint.",
                photo.bytes.len(),
                scaled.width(),
                scaled.height(),
                jpeg.len(),
            );
            let photo = Photo {
                bytes: jpeg.into(),
                width: scaled.width(),
                height: scaled.height(),
            };
            return Ok(Fitted {
                photo,
                warning: Some(warning),
            });
        }
        longest_side = longest_side * 7 / 10;
    }
    Err(PhotoError::CannotFit { max_bytes })
}

/// By the decoder that the model server uses, so that a photo which it would
/// refuse is refused here as well.
fn decode_upright(photo: &Photo) -> Result<RgbImage, PhotoError> {
    ::photo::decode(&photo.bytes, MAX_PIXELS).map_err(|error| PhotoError::Damaged {
        reason: match error {
            ::photo::PhotoError::Damaged { reason, .. } => reason,
            other => other.to_string(),
        },
    })
}

fn scale(picture: &RgbImage, longest_side: u32) -> Result<RgbImage, PhotoError> {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest_side >= longest {
        return Ok(picture.clone());
    }
    let side = |pixels: u32| {
        let scaled = u64::from(pixels) * u64::from(longest_side) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(longest_side).max(1)
    };
    let (new_width, new_height) = (side(width), side(height));
    let damaged = |reason: String| PhotoError::Damaged { reason };
    let source = Image::from_vec_u8(width, height, picture.as_raw().clone(), PixelType::U8x3)
        .map_err(|error| damaged(error.to_string()))?;
    let mut target = Image::new(new_width, new_height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| damaged(error.to_string()))?;
    RgbImage::from_raw(new_width, new_height, target.into_vec())
        .ok_or_else(|| damaged("the scaled picture has the wrong size".to_owned()))
}

fn encode(picture: &RgbImage) -> Result<Vec<u8>, PhotoError> {
    let mut jpeg = Vec::new();
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
        .map_err(|error| PhotoError::Damaged {
            reason: error.to_string(),
        })?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, Rgba, RgbaImage};

    /// Noise, which no codec makes small.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 7_u32;
        RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Rgb([(state >> 8) as u8, (state >> 16) as u8, (state >> 24) as u8])
        })
    }

    fn png(picture: &DynamicImage) -> Photo {
        let mut bytes = Vec::new();
        picture
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        Photo::read(bytes.into()).unwrap()
    }

    fn decoded(photo: &Photo) -> RgbImage {
        image::load_from_memory(&photo.bytes).unwrap().into_rgb8()
    }

    #[test]
    fn a_photo_that_fits_is_left_alone() {
        let photo = png(&noise(40, 30).into());
        let size = photo.bytes.len();
        let fitted = fit(photo.clone(), size).unwrap();
        assert_eq!(fitted.photo.bytes, photo.bytes);
        assert_eq!(fitted.warning, None);
    }

    #[test]
    fn a_large_photo_is_scaled_until_it_fits_and_keeps_its_shape() {
        let photo = png(&noise(2400, 1200).into());
        let before = photo.bytes.len();
        let fitted = fit(photo, 200_000).unwrap();
        assert!(fitted.photo.bytes.len() <= 200_000);
        let picture = decoded(&fitted.photo);
        assert_eq!(
            picture.dimensions(),
            (fitted.photo.width, fitted.photo.height)
        );
        let shape = f64::from(picture.width()) / f64::from(picture.height());
        assert!((shape - 2.0).abs() < 0.05, "{shape}");
        let warning = fitted.warning.unwrap();
        assert!(warning.contains("2400 × 1200"), "{warning}");
        assert!(warning.contains(&before.to_string()), "{warning}");
    }

    #[test]
    fn a_small_picture_in_a_large_file_is_encoded_anew_at_its_own_size() {
        let photo = png(&noise(300, 200).into());
        let limit = photo.bytes.len() - 1;
        let fitted = fit(photo, limit).unwrap();
        assert_eq!((fitted.photo.width, fitted.photo.height), (300, 200));
    }

    #[test]
    fn the_camera_s_orientation_is_applied() {
        // Left half black, right half white, stored turned: "rotate 90 clockwise".
        let stored = RgbImage::from_fn(400, 200, |x, _| Rgb([if x < 200 { 0 } else { 255 }; 3]));
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        let orientation_6 = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        encoder.set_exif_metadata(orientation_6.to_vec()).unwrap();
        encoder
            .write_image(&stored, 400, 200, ExtendedColorType::Rgb8)
            .unwrap();
        let photo = Photo::read(bytes.into()).unwrap();
        let limit = photo.bytes.len() - 1;
        let picture = decoded(&fit(photo, limit).unwrap().photo);
        assert!(picture.height() > picture.width());
        assert!(picture.get_pixel(picture.width() / 2, 2)[0] < 50);
        assert!(picture.get_pixel(picture.width() / 2, picture.height() - 3)[0] > 200);
    }

    #[test]
    fn transparency_is_laid_over_white() {
        let clear = RgbaImage::from_pixel(64, 64, Rgba([0, 0, 0, 0]));
        let photo = png(&clear.into());
        let upright = decode_upright(&photo).unwrap();
        assert_eq!(upright.get_pixel(0, 0), &Rgb([255; 3]));
    }

    #[test]
    fn a_jpeg_that_is_cut_short_is_damaged_and_not_filled_up() {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
        noise(600, 400).write_with_encoder(encoder).unwrap();
        for share in [2, 5, 9] {
            let cut = bytes[..bytes.len() * share / 10].to_vec();
            let limit = cut.len() / 2;
            let error = fit(Photo::read(cut.into()).unwrap(), limit).unwrap_err();
            assert!(matches!(error, PhotoError::Damaged { .. }), "{error}");
        }
    }

    #[test]
    fn an_impossible_limit_is_an_error() {
        let photo = png(&noise(300, 200).into());
        assert_eq!(
            fit(photo, 100).unwrap_err(),
            PhotoError::CannotFit { max_bytes: 100 }
        );
    }

    #[test]
    fn a_photo_that_is_cut_short_is_damaged() {
        let photo = png(&noise(300, 200).into());
        let cut = Photo {
            bytes: photo.bytes.slice(..photo.bytes.len() / 2),
            ..photo
        };
        assert!(matches!(fit(cut, 100), Err(PhotoError::Damaged { .. })));
    }
}

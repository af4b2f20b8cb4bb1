//! Pictures small enough to lie in the page itself.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};

/// The longest side, in pixels.
const LONGEST_SIDE: u32 = 480;
const JPEG_QUALITY: u8 = 82;

/// A picture as the page embeds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `data:image/jpeg;base64,…`
    pub data_uri: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Picture {
    /// The picture upright, on white where it is transparent, and scaled down
    /// if it is larger than the page needs; nothing where it cannot be decoded.
    pub fn scaled(bytes: &[u8]) -> Option<Self> {
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .ok()?;
        let mut decoder = reader.into_decoder().ok()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut photo = DynamicImage::from_decoder(decoder).ok()?;
        if photo.width().max(photo.height()) > LONGEST_SIDE {
            photo = photo.resize(LONGEST_SIDE, LONGEST_SIDE, FilterType::CatmullRom);
        }
        photo.apply_orientation(orientation);
        let photo = on_white(photo);
        let mut jpeg = Vec::new();
        photo
            .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
            .ok()?;
        Some(Self {
            data_uri: format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg)),
            width: photo.width(),
            height: photo.height(),
        })
    }
}

fn on_white(photo: DynamicImage) -> RgbImage {
    if !photo.color().has_alpha() {
        return photo.into_rgb8();
    }
    let photo = photo.into_rgba8();
    RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
        let [red, green, blue, alpha] = photo.get_pixel(x, y).0.map(u32::from);
        let over_white = |value: u32| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        Rgb([red, green, blue].map(over_white))
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn png(photo: &RgbaImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        photo
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
            .unwrap();
        bytes
    }

    fn shown(picture: &Picture) -> RgbImage {
        let encoded = picture
            .data_uri
            .strip_prefix("data:image/jpeg;base64,")
            .unwrap();
        let jpeg = BASE64_STANDARD.decode(encoded).unwrap();
        image::load_from_memory(&jpeg).unwrap().into_rgb8()
    }

    #[test]
    fn a_large_picture_is_scaled_and_keeps_its_shape() {
        let picture = Picture::scaled(&png(&RgbaImage::new(1200, 1600))).unwrap();
        assert_eq!((picture.width, picture.height), (360, 480));
        assert_eq!(shown(&picture).dimensions(), (360, 480));
    }

    #[test]
    fn a_small_picture_is_not_enlarged() {
        let picture = Picture::scaled(&png(&RgbaImage::new(30, 20))).unwrap();
        assert_eq!((picture.width, picture.height), (30, 20));
    }

    #[test]
    fn what_is_transparent_is_white() {
        let photo = RgbaImage::from_pixel(16, 16, Rgba([0, 0, 0, 0]));
        let picture = Picture::scaled(&png(&photo)).unwrap();
        assert!(
            shown(&picture)
                .pixels()
                .all(|pixel| pixel.0.iter().all(|value| *value > 250))
        );
    }

    #[test]
    fn what_is_no_picture_is_nothing() {
        assert_eq!(Picture::scaled(b"not a picture"), None);
        assert_eq!(Picture::scaled(b""), None);
    }
}

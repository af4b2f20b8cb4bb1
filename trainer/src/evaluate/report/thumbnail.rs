//! Photos small enough to lie in the report itself.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blip2::photo;
use image::DynamicImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

use crate::evaluate::ask::MAX_PIXELS;

/// The longest side, in pixels.
const LONGEST_SIDE: u32 = 200;
const JPEG_QUALITY: u8 = 78;

/// A photo as the report embeds it, `data:image/jpeg;base64,…`; nothing where
/// it can't be decoded.
pub fn data_uri(bytes: &[u8]) -> Option<String> {
    let picture = DynamicImage::from(photo::decode(bytes, MAX_PIXELS).ok()?);
    let small = if picture.width().max(picture.height()) > LONGEST_SIDE {
        picture.resize(LONGEST_SIDE, LONGEST_SIDE, FilterType::CatmullRom)
    } else {
        picture
    };
    let mut jpeg = Vec::new();
    small
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
        .ok()?;
    Some(format!(
        "data:image/jpeg;base64,{}",
        BASE64_STANDARD.encode(jpeg)
    ))
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn a_photo_becomes_a_small_jpeg_and_what_is_none_nothing() {
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = RgbImage::from_pixel(600, 800, image::Rgb([9, 99, 199]));
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        let uri = data_uri(png.get_ref()).unwrap();
        let jpeg = uri.strip_prefix("data:image/jpeg;base64,").unwrap();
        let shown = image::load_from_memory(&BASE64_STANDARD.decode(jpeg).unwrap()).unwrap();
        assert_eq!((shown.width(), shown.height()), (150, 200));
        assert_eq!(data_uri(b"no photo"), None);
    }
}

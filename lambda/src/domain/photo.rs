//! A photograph that is at least recognisable as one.

use std::fmt;
use std::io::Cursor;

use bytes::Bytes;
use image::{ImageFormat, ImageReader};

/// The largest photo that is read, in bytes.
pub const MAX_PHOTO_BYTES: u64 = 64 * 1024 * 1024;
/// The most pixels of a photo: about 300 MB once decoded.
pub(super) const MAX_PIXELS: u64 = 100_000_000;

/// An encoded JPEG, PNG or WebP whose header has been read.
#[derive(Clone)]
pub struct Photo {
    /// The file as it came.
    pub bytes: Bytes,
    /// Width in pixels, as stored (before any EXIF orientation).
    pub width: u32,
    /// Height in pixels, as stored.
    pub height: u32,
}

/// Why bytes are no usable photo.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    /// There are no bytes.
    #[error("the photo is empty")]
    Empty,
    /// Neither JPEG nor PNG nor WebP.
    #[error("the photo is no JPEG, PNG or WebP file{}", looks_like(.found))]
    Unrecognised {
        /// The format that it seems to have, where it has one.
        found: Option<String>,
    },
    /// The file can't be read as what it says it is.
    #[error("the photo is damaged ({reason}): send the whole, unaltered file")]
    Damaged {
        /// The decoder's own words.
        reason: String,
    },
    /// Decoding would take too much memory.
    #[error(
        "the photo has {width} × {height} pixels, the limit is {MAX_PIXELS}: send a smaller one"
    )]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The file is larger than anything that is read.
    #[error("the photo has {bytes} bytes, the limit is {MAX_PHOTO_BYTES}: send a smaller one")]
    TooManyBytes {
        /// The size of the file.
        bytes: u64,
    },
    /// Even a small rendition of it is larger than the endpoint's limit.
    #[error(
        "the photo can't be made small enough for the endpoint, which leaves {max_bytes} bytes \
         for it: raise ENDPOINT_MAX_PAYLOAD_BYTES"
    )]
    CannotFit {
        /// What a request leaves for the photo.
        max_bytes: usize,
    },
}

fn looks_like(format: &Option<String>) -> String {
    format
        .as_ref()
        .map(|format| format!(" (it looks like {format})"))
        .unwrap_or_default()
}

impl Photo {
    /// Recognises the format by the first bytes and reads the header; nothing is
    /// decoded. A file that is damaged further in passes.
    pub fn read(bytes: Bytes) -> Result<Photo, PhotoError> {
        if bytes.is_empty() {
            return Err(PhotoError::Empty);
        }
        if bytes.len() as u64 > MAX_PHOTO_BYTES {
            return Err(PhotoError::TooManyBytes {
                bytes: bytes.len() as u64,
            });
        }
        let head = match image::guess_format(&bytes) {
            Ok(ImageFormat::Jpeg) => before_picture(&bytes),
            Ok(ImageFormat::Png | ImageFormat::WebP) => bytes.as_ref(),
            other => {
                let found = other.ok().map(|format| format.to_mime_type().to_owned());
                return Err(PhotoError::Unrecognised { found });
            }
        };
        let (width, height) = ImageReader::new(Cursor::new(head))
            .with_guessed_format()
            .map_err(|error| PhotoError::Damaged {
                reason: error.to_string(),
            })?
            .into_dimensions()
            .map_err(|error| PhotoError::Damaged {
                reason: error.to_string(),
            })?;
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(PhotoError::TooManyPixels { width, height });
        }
        Ok(Photo {
            bytes,
            width,
            height,
        })
    }
}

/// A JPEG up to the data of its picture (ITU-T T.81, annex B): its decoder makes a copy of
/// all that it is given. All of one whose segments do not lead there.
fn before_picture(bytes: &[u8]) -> &[u8] {
    const START_OF_SCAN: u8 = 0xda;
    // The decoder may look ahead.
    const SPARE_BYTES: usize = 1024;
    // After the marker that every JPEG begins with.
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        at += match marker {
            // No marker: whatever this is, the decoder may know better.
            0x00 => return bytes,
            // Fill.
            0xff => 1,
            // Markers without a length.
            0x01 | 0xd0..=0xd8 => 2,
            _ => 2 + usize::from(u16::from_be_bytes([high, low])),
        };
        if marker == START_OF_SCAN {
            return bytes.get(..at + SPARE_BYTES).unwrap_or(bytes);
        }
    }
    bytes
}

// Photos are kept out of logs, and `{:?}` is how they would get there.
impl fmt::Debug for Photo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Photo({} × {}, {} bytes)",
            self.width,
            self.height,
            self.bytes.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        RgbImage::new(width, height)
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    #[test]
    fn three_formats_are_recognised_by_their_bytes() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let photo = Photo::read(encoded(7, 5, format).into()).unwrap();
            assert_eq!((photo.width, photo.height), (7, 5), "{format:?}");
        }
    }

    #[test]
    fn a_jpeg_is_read_up_to_its_picture_whatever_stands_before_it() {
        let picture = RgbImage::from_fn(300, 200, |x, y| {
            image::Rgb([(x * y) as u8, (x * 7) as u8, (y * 5) as u8])
        });
        let mut bytes = Vec::new();
        picture
            .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
            .unwrap();
        // Fill, and a segment of 60,000 bytes that holds what looks like the start of a scan.
        let mut long = bytes[..2].to_vec();
        long.extend([0xff, 0xff, 0xe2, 0xea, 0x62]);
        long.extend([0xff, 0xda].repeat(30_000));
        long.extend(&bytes[2..]);
        for (bytes, header) in [(bytes, 0), (long, 60_000)] {
            let head = before_picture(&bytes).len();
            assert!(head > header && head < bytes.len(), "{head}");
            let photo = Photo::read(bytes.into()).unwrap();
            assert_eq!((photo.width, photo.height), (300, 200));
        }
    }

    #[test]
    fn what_is_no_photo_is_refused_with_a_reason() {
        assert_eq!(Photo::read(Bytes::new()).unwrap_err(), PhotoError::Empty);
        let text = Photo::read(Bytes::from_static(b"<html>not here</html>")).unwrap_err();
        assert_eq!(text, PhotoError::Unrecognised { found: None });
        let gif = Photo::read(Bytes::from_static(b"GIF89a\x01\x00\x01\x00")).unwrap_err();
        assert!(gif.to_string().contains("image/gif"), "{gif}");
        let cut = Photo::read(encoded(7, 5, ImageFormat::Jpeg)[..12].to_vec().into());
        assert!(matches!(cut, Err(PhotoError::Damaged { .. })), "{cut:?}");
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        // The header of a PNG that claims 60,000 × 60,000 pixels: signature, IHDR.
        let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
        bytes.extend(60_000_u32.to_be_bytes());
        bytes.extend(60_000_u32.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0]);
        let crc = crc32(&bytes[12..]);
        bytes.extend(crc.to_be_bytes());
        bytes.extend(b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e");
        let error = Photo::read(bytes.into()).unwrap_err();
        assert_eq!(
            error,
            PhotoError::TooManyPixels {
                width: 60_000,
                height: 60_000
            }
        );
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
        }
        !crc
    }
}

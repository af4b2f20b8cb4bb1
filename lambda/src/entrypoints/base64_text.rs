//! Base64 as people and programs really write it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

/// Padding may be there or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64 with or without padding, line breaks and a data URL's head.
/// The error says what is wrong, without the text.
pub fn decode(text: &str) -> Result<Bytes, base64::DecodeError> {
    let text = match text.split_once(',') {
        Some((head, data)) if head.starts_with("data:") && head.ends_with(";base64") => data,
        _ => text,
    };
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let compact: Vec<u8> = text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        return LENIENT.decode(compact).map(Bytes::from);
    }
    LENIENT.decode(text).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_is_decoded() {
        for text in [
            "cGhvdG8=",
            "cGhvdG8",
            "cGhv\r\ndG8=\n",
            "data:image/jpeg;base64,cGhvdG8=",
            " cGhvdG8= ",
        ] {
            assert_eq!(decode(text).unwrap(), "photo", "{text:?}");
        }
    }

    #[test]
    fn what_is_no_base64_is_an_error() {
        for text in ["not base64!", "c", "data:image/jpeg,cGhvdG8="] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}

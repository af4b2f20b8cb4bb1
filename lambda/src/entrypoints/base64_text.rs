//! Base64 as people and programs really write it.

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD_INDIFFERENT;
use bytes::Bytes;

/// Decodes base64 of the standard or the URL-safe alphabet, with or without
/// padding, line breaks and a data URL's head.
/// The error says what is wrong, without the text.
pub fn decode(text: &str) -> Result<Bytes, base64::DecodeError> {
    let text = match text.split_once(',') {
        Some((head, data)) if head.starts_with("data:") && head.ends_with(";base64") => data,
        _ => text,
    };
    // Nearly all are the usual form, and long: what is unusual is looked for in the others.
    let is_unusual = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_');
    // Padding may be there or not.
    let lenient = Simd::standard(PAD_INDIFFERENT);
    let decoded = match lenient.decode(text) {
        Err(_) if text.bytes().any(is_unusual) => {
            let usual: Vec<u8> = text
                .bytes()
                .filter(|byte| !byte.is_ascii_whitespace())
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => other,
                })
                .collect();
            lenient.decode(usual)
        }
        decoded => decoded,
    };
    decoded.map(Bytes::from)
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
    fn both_alphabets_are_decoded() {
        for text in ["+/+/", "-_-_", "-/+_", "-_\n-_"] {
            assert_eq!(
                decode(text).unwrap().as_ref(),
                [0xfb, 0xff, 0xbf],
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_base64_is_an_error() {
        for text in ["not base64!", "c", "data:image/jpeg,cGhvdG8="] {
            assert!(decode(text).is_err(), "{text:?}");
        }
    }
}

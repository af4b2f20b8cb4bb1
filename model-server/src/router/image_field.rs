//! The image in a JSON request: base64, as forgiving as it can be without
//! guessing.

use base64::Engine;
use base64::engine::general_purpose::PAD_INDIFFERENT;
use base64::engine::{GeneralPurposeConfig, Simd};

use super::{ApiError, ErrorCode};

const LENIENT: GeneralPurposeConfig = PAD_INDIFFERENT.with_decode_allow_trailing_bits(true);

/// The bytes of an image given as base64, in the standard or the URL-safe
/// alphabet, with or without padding, line breaks or a data URL's head.
pub(super) fn decode_image(text: &str) -> Result<Vec<u8>, ApiError> {
    let (head_bytes, data) = without_data_url_head(text)?;
    let engine = Simd::standard(LENIENT);
    // Nearly all are the usual form, and long: what is unusual, or wrong, is looked for in
    // the others.
    if let Ok(bytes) = engine.decode(data)
        && !bytes.is_empty()
    {
        return Ok(bytes);
    }
    let symbols = symbols(data, head_bytes)?;
    if symbols.is_empty() {
        return Err(invalid(
            "is empty: send the bytes of a JPEG, PNG or WebP as base64",
        ));
    }
    engine.decode(&symbols).map_err(|_| {
        invalid(format!(
            "is base64 that was cut: {} symbols are no whole number of bytes",
            symbols.len()
        ))
    })
}

/// The length of what stands before the data, and the data.
fn without_data_url_head(text: &str) -> Result<(usize, &str), ApiError> {
    let start = text.len() - text.trim_start().len();
    let trimmed = &text[start..];
    let is_data_url = trimmed
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    if !is_data_url {
        return match trimmed
            .get(..trimmed.len().min(64))
            .unwrap_or_default()
            .find("://")
        {
            Some(_) => Err(invalid(
                "is a URL, which is not fetched: send the bytes as base64",
            )),
            None => Ok((0, text)),
        };
    }
    let (head, data) = trimmed
        .split_once(',')
        .ok_or_else(|| invalid("is a data URL without a comma: data:image/jpeg;base64,…"))?;
    if !head.trim_end().to_ascii_lowercase().ends_with(";base64") {
        return Err(invalid(
            "is a data URL that is not base64: data:image/jpeg;base64,…",
        ));
    }
    Ok((text.len() - data.len(), data))
}

/// The symbols of the standard alphabet that `data` consists of.
fn symbols(data: &str, offset: usize) -> Result<Vec<u8>, ApiError> {
    let mut symbols = Vec::with_capacity(data.len());
    let mut is_padded = false;
    for (index, &byte) in data.as_bytes().iter().enumerate() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' => is_padded = true,
            _ if is_padded => {
                let at = offset + index;
                return Err(invalid(format!(
                    "is no base64: data follows the padding at byte {at}"
                )));
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => symbols.push(byte),
            b'-' => symbols.push(b'+'),
            b'_' => symbols.push(b'/'),
            _ => {
                let found = data.get(index..).and_then(|rest| rest.chars().next());
                let found = found.unwrap_or(char::REPLACEMENT_CHARACTER);
                let at = offset + index;
                return Err(invalid(format!("is no base64: {found:?} at byte {at}")));
            }
        }
    }
    Ok(symbols)
}

fn invalid(what: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::InvalidImage, format!("`image` {what}"))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    const BYTES: [u8; 7] = [0xfb, 0xff, 0xfe, 0x00, 0x10, 0xff, 0xd8];

    fn message(text: &str) -> String {
        decode_image(text).unwrap_err().message().to_owned()
    }

    #[test]
    fn every_usual_form_is_read() {
        let standard = BASE64_STANDARD.encode(BYTES);
        let url_safe = BASE64_URL_SAFE_NO_PAD.encode(BYTES);
        assert_ne!(standard.trim_end_matches('='), url_safe);
        for text in [
            standard.clone(),
            standard.trim_end_matches('=').to_owned(),
            url_safe.clone(),
            format!("{url_safe}=="),
            format!("data:image/jpeg;base64,{standard}"),
            format!("  DATA:image/png;charset=x;BASE64,\n{url_safe}"),
            format!("{}\r\n {}\n", &standard[..4], &standard[4..]),
            standard.replace("==", "=\n=\n"),
        ] {
            assert_eq!(decode_image(&text).unwrap(), BYTES, "{text}");
        }
    }

    #[test]
    fn a_wrong_character_is_named_with_its_place() {
        assert_eq!(message("AAAA*AAA"), "`image` is no base64: '*' at byte 4");
        assert_eq!(message("AAäA"), "`image` is no base64: 'ä' at byte 2");
        assert_eq!(
            message("data:image/png;base64,AA\u{0}A"),
            "`image` is no base64: '\\0' at byte 24"
        );
    }

    #[test]
    fn what_cannot_be_base64_says_why() {
        for (text, part) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("====", "is empty"),
            ("data:image/png;base64,", "is empty"),
            ("AAAAA", "was cut: 5 symbols"),
            ("AAA=AAAA", "data follows the padding at byte 4"),
            ("data:image/png,AAAA", "is not base64"),
            ("data:image/png;base64", "without a comma"),
            ("https://example.com/a.jpg", "is not fetched"),
            ("s3://bucket/a.jpg", "is not fetched"),
        ] {
            assert!(message(text).contains(part), "{text}: {}", message(text));
        }
    }

    #[test]
    fn any_text_is_decoded_or_refused() {
        for length in 0..200usize {
            let text: String = (0..length)
                .map(|index| char::from_u32((index * 7919 + length * 31) as u32 % 0x500))
                .map(|found| found.unwrap_or('A'))
                .collect();
            let _ = decode_image(&text);
        }
    }
}

//! Serde's errors without the photo that they may quote.

use crate::domain::excerpt;

/// What stands between the value that is quoted and what was expected of it.
const EXPECTED: &str = ", expected ";

/// The error's own words, with an excerpt in place of a long value.
pub fn words(error: &serde_json::Error) -> String {
    shorten(&error.to_string())
}

/// `invalid type: string "…", expected …` and ``unknown field `…`, expected …``
/// quote the value as it came. What is expected comes last and is fixed text,
/// so the last of its marks is the true one, whatever the value holds.
fn shorten(text: &str) -> String {
    let bounds = text.find(['"', '`']).zip(text.rfind(EXPECTED));
    match bounds {
        Some((start, end)) if start < end => {
            let (before, quoted, after) = (&text[..start], &text[start..end], &text[end..]);
            let mark = &quoted[..1];
            let value = quoted[1..].strip_suffix(mark).unwrap_or(&quoted[1..]);
            format!("{before}{mark}{}{mark}{after}", excerpt(value))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_quoted_in_part() {
        let photo = "A".repeat(1_000);
        let start = "A".repeat(40);
        for (text, short) in [
            (
                format!("invalid type: string \"{photo}\", expected a sequence at line 1 column 2"),
                format!(
                    "invalid type: string \"{start}…\", expected a sequence at line 1 column 2"
                ),
            ),
            (
                format!("unknown field `{photo}`, expected `a` or `b`"),
                format!("unknown field `{start}…`, expected `a` or `b`"),
            ),
            (
                format!("invalid type: string \"{photo}, expected \\\"{photo}\", expected u8"),
                format!("invalid type: string \"{start}…\", expected u8"),
            ),
        ] {
            assert_eq!(shorten(&text), short);
        }
    }

    #[test]
    fn other_words_stay_as_they_are() {
        for text in [
            "missing field `image`",
            "invalid type: map, expected a string",
            "invalid type: integer `7`, expected a string",
            "unknown field `url`, expected `base64` or `s3_uri`",
            "expected value at line 1 column 1",
        ] {
            assert_eq!(shorten(text), text);
        }
    }
}

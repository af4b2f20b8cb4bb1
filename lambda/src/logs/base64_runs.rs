//! Texts without the base64 in them.

use std::borrow::Cow;

/// The longest run of base64's characters that is left in a text. Keys, ids and ARNs have
/// shorter ones, photos longer ones.
const LONGEST_RUN: usize = 100;

/// The text with the number of its characters in the place of every long run of base64. An
/// endpoint that fails may give its request back, and with it the photo.
pub fn without_base64(text: &[u8]) -> Cow<'_, [u8]> {
    without_runs(text, is_base64)
}

/// The same where the base64 may be URL-safe, in lines, or escaped as in JSON. Long names with
/// hyphens go with it: a log needs them, the words of another program's error do not.
pub fn without_any_base64(text: &[u8]) -> Cow<'_, [u8]> {
    without_runs(text, is_any_base64)
}

fn without_runs(text: &[u8], is_part: fn(&u8) -> bool) -> Cow<'_, [u8]> {
    let is_long = |run: &&[u8]| run.len() > LONGEST_RUN && run.iter().all(is_part);
    let runs = || text.chunk_by(|left, right| is_part(left) == is_part(right));
    if !runs().any(|run| is_long(&run)) {
        return Cow::Borrowed(text);
    }
    let mut short = Vec::with_capacity(text.len());
    for run in runs() {
        if is_long(&run) {
            short.extend_from_slice(format!("({} characters)", run.len()).as_bytes());
        } else {
            short.extend_from_slice(run);
        }
    }
    Cow::Owned(short)
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn is_any_base64(byte: &u8) -> bool {
    is_base64(byte) || matches!(byte, b'-' | b'_' | b'\\' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        String::from_utf8(without_base64(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn long_runs_are_counted_and_the_rest_stays() {
        let run = |length: usize| {
            "aB3+/="
                .repeat(length)
                .chars()
                .take(length)
                .collect::<String>()
        };
        let long = run(101);
        assert_eq!(
            without(&format!("{{\"a é\":\"{long}\",\"b\":\"{long}\"}}\n")),
            "{\"a é\":\"(101 characters)\",\"b\":\"(101 characters)\"}\n"
        );
        let short = format!("{{\"a\":\"{}\"}}\n", run(100));
        assert_eq!(without(&short), short);
    }

    #[test]
    fn names_stay() {
        for text in [
            "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
            "s3://lookbook-catalogue/incoming/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.jpg",
            "",
        ] {
            assert_eq!(without(text), text);
        }
    }
}

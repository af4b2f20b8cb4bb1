//! What others say, which their callers may hear and the log may not.

use std::borrow::Cow;

/// Around the words of another program in a message.
const OPENING: char = '«';
const CLOSING: char = '»';

/// Another program's words as they stand in a message: between marks by which the log knows
/// them and leaves them out. A body of an error may give the request back, and with it a
/// photo, in any form; what it is called, its status and the request's id stand before.
pub fn said(words: &str) -> String {
    let words = words.replace([OPENING, CLOSING], "\"");
    format!("{OPENING}{words}{CLOSING}")
}

/// A line of JSON with an ellipsis in the place of all that [`said`] has marked.
pub fn without_said(line: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Cow::Borrowed(line);
    };
    if !text.contains(OPENING) {
        return Cow::Borrowed(line);
    }
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(OPENING) {
        let (before, words) = rest.split_at(start + OPENING.len_utf8());
        short.push_str(before);
        rest = words;
        if let Some(end) = end_of(words) {
            short.push('…');
            rest = &words[end..];
        }
    }
    short.push_str(rest);
    Cow::Owned(short.into_bytes())
}

/// Where the closing mark is, within the JSON text that the words stand in: a mark that was in
/// a name, and has none, must not take the line's other members along.
fn end_of(words: &str) -> Option<usize> {
    let mut characters = words.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            CLOSING => return Some(at),
            '"' => return None,
            '\\' => {
                characters.next();
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn logged(line: &Value) -> Value {
        serde_json::from_slice(&without_said(line.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn only_what_was_said_is_left_out() {
        let line = json!({
            "error": format!("answered 400 (request id r): {}; then {}", said("a \"b\"\n\\"), said("")),
            "key": "incoming/été.jpg",
            "last": said("»«"),
        });
        let expected = json!({
            "error": "answered 400 (request id r): «…»; then «…»",
            "key": "incoming/été.jpg",
            "last": "«…»",
        });
        assert_eq!(logged(&line), expected);
    }

    #[test]
    fn marks_that_nobody_closed_take_nothing_along() {
        for line in [
            json!({"a": "«", "b": "», c"}),
            json!({"a": "»«"}),
            json!({"a": "no marks"}),
        ] {
            assert_eq!(logged(&line), line);
        }
        assert_eq!(without_said(b"\xff\xab"), b"\xff\xab".as_slice());
    }
}

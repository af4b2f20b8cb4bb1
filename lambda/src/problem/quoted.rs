//! Messages without what they quote.

use std::borrow::Cow;

/// The marks between which messages quote.
const MARKS: [char; 2] = ['"', '`'];

/// The text with an ellipsis in the place of all that stands from its first mark of quotation
/// to its last. What is quoted may have such marks itself, so no mark between them tells
/// where a quotation ends.
pub fn without_quoted(text: &str) -> Cow<'_, str> {
    match text.find(MARKS).zip(text.rfind(MARKS)) {
        // Both marks are one byte long.
        Some((start, end)) => Cow::Owned(format!("{}…{}", &text[..start], &text[end + 1..])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_left_out() {
        for (text, without) in [
            (
                "unknown field `Jane`, expected u8",
                "unknown field …, expected u8",
            ),
            ("\"a\" and \"b\" are too many", "… are too many"),
            ("\"Jane\" said\" is no \"é\"", "…"),
            ("the request has no body", "the request has no body"),
            ("", ""),
        ] {
            assert_eq!(without_quoted(text), without);
        }
    }
}

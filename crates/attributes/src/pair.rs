//! The answer text "Name: value".

/// What separates a name from its value; the second is the full-width colon.
pub(crate) const COLONS: [char; 2] = [':', '：'];

/// A longer text before the colon is a sentence, not a name.
pub(crate) const MAX_NAME_BYTES: usize = 64;

const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
];

/// The name and the value of a text such as "Sleeve Length: Long Sleeves".
///
/// The first colon separates them, so a value may contain others; white space
/// around both is dropped, as are quotes around the whole or around the value.
/// `None` where there is no pair: no colon, an empty side, or a left side that
/// is no name (no letter in it, a line break, or longer than 64 bytes).
#[must_use]
pub fn parse_pair(text: &str) -> Option<(String, String)> {
    let (name, value) = split_name(unquoted(text))?;
    (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

/// The name that `text` begins with and what follows its colon, possibly nothing.
pub(crate) fn split_name(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(COLONS)?;
    let name = name.trim();
    is_name(name).then(|| (name, unquoted(value)))
}

/// Whether `text`, the left side of a colon, can be the name of an attribute.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && !text.contains(['\n', '\r'])
        && text.chars().any(char::is_alphabetic)
}

/// `text` without white space and matching quotes around it. The Hugging Face
/// container answers with a JSON string, quotes included.
pub(crate) fn unquoted(text: &str) -> &str {
    let mut inner = text.trim();
    while let Some(next) = QUOTES.iter().find_map(|&(open, close)| {
        inner
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
    }) {
        inner = next.trim();
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::{parse_pair, unquoted};

    fn pair(name: &str, value: &str) -> Option<(String, String)> {
        Some((name.to_owned(), value.to_owned()))
    }

    #[test]
    fn any_spacing() {
        for text in [
            "Sleeve Length: Long Sleeves",
            "Sleeve Length:Long Sleeves",
            "  Sleeve Length  :  Long Sleeves \n",
            "Sleeve Length\u{a0}：Long Sleeves",
        ] {
            assert_eq!(
                parse_pair(text),
                pair("Sleeve Length", "Long Sleeves"),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_first_colon_separates() {
        assert_eq!(parse_pair("Ratio: 3:2"), pair("Ratio", "3:2"));
        assert_eq!(
            parse_pair("Pattern: Print: Floral"),
            pair("Pattern", "Print: Floral")
        );
        assert_eq!(parse_pair("Fabric:: Cotton"), pair("Fabric", ": Cotton"));
    }

    #[test]
    fn what_is_no_pair() {
        for text in [
            "",
            " ",
            ":",
            " : ",
            "Cotton",
            "Fabric:",
            "Fabric: ",
            ": Cotton",
            "3:2",
            "?!: Cotton",
        ] {
            assert_eq!(parse_pair(text), None, "{text:?}");
        }
        assert_eq!(parse_pair("Fabric: \"\""), None);
        assert_eq!(parse_pair("Dear all,\nthis is it: Cotton"), None);
        assert_eq!(parse_pair(&format!("{}: Cotton", "long ".repeat(20))), None);
    }

    #[test]
    fn quotes_around_the_whole_or_the_value_go() {
        for text in [
            "\"Fabric: Cotton\"",
            "'Fabric: Cotton'",
            " “Fabric: Cotton” ",
            "\"'Fabric: Cotton'\"",
            "Fabric: \"Cotton\"",
        ] {
            assert_eq!(parse_pair(text), pair("Fabric", "Cotton"), "{text:?}");
        }
    }

    #[test]
    fn quotes_that_do_not_match_stay() {
        assert_eq!(unquoted("\"Cotton"), "\"Cotton");
        assert_eq!(unquoted("\""), "\"");
        assert_eq!(unquoted("“Cotton\""), "“Cotton\"");
        assert_eq!(unquoted("12\""), "12\"");
        assert_eq!(unquoted("\"\""), "");
    }
}

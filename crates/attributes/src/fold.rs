//! The form in which names and values are compared.

/// `text` in lower case without white space, hyphens, dashes and underscores,
/// so that "T-shirt", "Tshirt" and "t shirt" are equal. Linear in `text`.
#[must_use]
pub fn fold(text: &str) -> String {
    folded(text).collect()
}

/// Whether [`fold`] makes `key` of `text`. It makes no text for that.
#[must_use]
pub fn folds_to(text: &str, key: &str) -> bool {
    folded(text).eq(key.chars())
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|&c| !is_separator(c))
        .flat_map(char::to_lowercase)
}

fn is_separator(c: char) -> bool {
    // U+2010 to U+2015 are the hyphens and dashes, U+2212 the minus sign.
    c.is_whitespace() || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::{fold, folds_to};

    #[test]
    fn case_spaces_hyphens_and_underscores_do_not_count() {
        for text in [
            "V-Neck",
            "v neck",
            "V_NECK",
            " VNeck ",
            "v\u{2011}neck",
            "V\tN\u{a0}eck",
        ] {
            assert_eq!(fold(text), "vneck", "{text:?}");
            assert!(folds_to(text, "vneck"), "{text:?}");
            assert!(!folds_to(text, "vnecks"), "{text:?}");
            assert!(!folds_to(text, "vnec"), "{text:?}");
        }
    }

    #[test]
    fn letters_of_other_scripts_and_their_marks_stay() {
        assert_eq!(fold("ÉTÉ Bleu"), "étébleu");
        assert_eq!(fold("सूती कपड़ा"), "सूतीकपड़ा");
        assert_ne!(fold("3/4"), fold("34"));
    }
}

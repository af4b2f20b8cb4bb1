//! Characters that nobody sees.

/// Whether `c` has no shape of its own: it joins, parts, turns or marks what stands beside it,
/// or is blank where a letter is expected. Such are all characters that renderers ignore
/// (`Default_Ignorable_Code_Point` of Unicode 16, which `DerivedCoreProperties.txt` lists), the
/// marks of interlinear notes and the blank Braille pattern. Spaces and control characters are
/// not among them.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::is_unseen;

    #[test]
    fn what_has_no_shape_is_told_from_letters_spaces_and_accents() {
        for c in [
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{180E}',
            '\u{200D}',
            '\u{202E}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{FE0F}',
            '\u{1D173}',
            '\u{E0041}',
            '\u{E0100}',
        ] {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in [
            'a', ' ', '\n', '\u{A0}', '\u{301}', '\u{94D}', '綿', '🙂', '\u{2028}',
        ] {
            assert!(!is_unseen(c), "{c:?}");
        }
    }
}

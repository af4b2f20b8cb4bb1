//! Characters by which a text can say what nobody sees, or show what it does not say.

use faithfulness::is_unseen;

/// The characters of `text` that are hidden, in its order.
pub fn hidden(text: &str) -> impl Iterator<Item = char> {
    marked(text).filter_map(|(c, hides)| hides.then_some(c))
}

/// The text without them.
pub fn without_hidden(text: &str) -> String {
    marked(text)
        .filter_map(|(c, hides)| (!hides).then_some(c))
        .collect()
}

/// Each character, and whether it is hidden behind the last one that is not.
fn marked(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.chars().map(move |c| {
        let hides = is_hidden(before, c);
        if !hides {
            before = Some(c);
        }
        (c, hides)
    })
}

/// Two kinds of what is not seen are needed: joiners behind letters of scripts that join, and
/// one sign behind a symbol that says to draw it in colour. Behind anything else they hide
/// something, as all others do everywhere.
fn is_hidden(before: Option<char>, c: char) -> bool {
    if !is_unseen(c) {
        return false;
    }
    let is_needed = before.is_some_and(|before| match c {
        '\u{200C}' | '\u{200D}' => joins(before) || is_symbol(before) || before == '\u{FE0F}',
        '\u{FE0E}' | '\u{FE0F}' => is_symbol(before),
        _ => false,
    });
    !is_needed
}

/// Letters and marks of Arabic, of the scripts of India and of their neighbours.
fn joins(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{1CFF}' | '\u{A840}'..='\u{A8FF}' | '\u{FB50}'..='\u{FDFF}')
        && !is_unseen(c)
}

/// Arrows, signs and emoji.
fn is_symbol(c: char) -> bool {
    let signs = matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}');
    signs && !is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found_and_taken_out() {
        let text = "B\u{200B}l\u{202E}ue\u{E0041}\u{2800}";
        assert_eq!(hidden(text).count(), 4);
        assert_eq!(without_hidden(text), "Blue");
    }

    #[test]
    fn what_scripts_and_emoji_need_stays_and_no_more_of_it() {
        for text in ["क्\u{200D}ष", "می\u{200C}خواهم", "✍\u{FE0F}", "👩\u{200D}🎨"]
        {
            assert_eq!(without_hidden(text), text);
            assert_eq!(hidden(text).count(), 0, "{text}");
        }
        assert_eq!(without_hidden("क्\u{200D}\u{200D}ष"), "क्\u{200D}ष");
        assert_eq!(without_hidden("a\u{FE0F}✍\u{FE0F}\u{FE0F}"), "a✍\u{FE0F}");
        assert_eq!(without_hidden("co\u{200D}t\u{200C}ton"), "cotton");
    }
}

//! How messages quote what a caller sent.

/// The most characters that a message quotes: a photo may stand anywhere by
/// mistake, and photos are kept out of logs and answers.
const LONGEST_CHARS: usize = 40;

/// The beginning of `text`, marked where something is left out.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_characters_are_quoted() {
        let whole = "é".repeat(40);
        assert_eq!(excerpt(&whole), whole);
        assert_eq!(excerpt(&"é".repeat(41)), format!("{whole}…"));
    }
}

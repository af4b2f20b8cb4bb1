//! The languages of descriptions.

/// A language that descriptions can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// Its code: two letters, as BCP 47 has them, and a country or script where it matters.
    pub code: &'static str,
    /// Its English name, as the writer is told it.
    pub name: &'static str,
}

macro_rules! languages {
    ($($code:literal = $name:literal,)*) => {
        /// All of them, English first.
        pub const LANGUAGES: &[Language] = &[$(Language { code: $code, name: $name }),*];
    };
}

languages! {
    "en" = "English",
    "ar" = "Arabic",
    "bn" = "Bengali",
    "da" = "Danish",
    "de" = "German",
    "es" = "Spanish",
    "fi" = "Finnish",
    "fr" = "French",
    "hi" = "Hindi, in Devanagari script",
    "it" = "Italian",
    "ja" = "Japanese",
    "ko" = "Korean",
    "nl" = "Dutch",
    "pl" = "Polish",
    "pt" = "European Portuguese",
    "pt-BR" = "Brazilian Portuguese",
    "ru" = "Russian",
    "sv" = "Swedish",
    "ta" = "Tamil",
    "tr" = "Turkish",
    "zh-Hans" = "Chinese, in simplified characters",
    "zh-Hant" = "Chinese, in traditional characters",
}

impl Language {
    /// The language with this code, in whatever case.
    pub fn of_code(code: &str) -> Option<Language> {
        LANGUAGES
            .iter()
            .copied()
            .find(|language| language.code.eq_ignore_ascii_case(code))
    }

    /// Whether there is a lexicon by which texts are checked against attributes.
    pub fn has_lexicon(self) -> bool {
        self.code == "en"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_found_by_its_code() {
        assert!(LANGUAGES.len() >= 10);
        for language in LANGUAGES {
            assert_eq!(Language::of_code(language.code), Some(*language));
        }
        assert_eq!(Language::of_code("ZH-hans").unwrap().code, "zh-Hans");
        assert_eq!(Language::of_code("xx"), None);
        assert!(LANGUAGES[0].has_lexicon());
        assert!(!LANGUAGES[1].has_lexicon());
    }
}

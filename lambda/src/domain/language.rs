//! The languages of descriptions.

use std::ops::RangeInclusive;

use super::Script;

/// A language that descriptions can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// Its code: two letters, as BCP 47 has them, and a country or script where it matters.
    pub code: &'static str,
    /// Its English name, as the writer is told it.
    pub name: &'static str,
    /// How it is written.
    pub script: Script,
}

/// So many characters of a script without spaces stand for a word.
const CHARACTERS_OF_A_WORD: u32 = 2;

macro_rules! languages {
    ($($code:literal = $name:literal in $script:ident,)*) => {
        /// All of them, English first.
        pub const LANGUAGES: &[Language] = &[$(
            Language { code: $code, name: $name, script: Script::$script }
        ),*];
    };
}

languages! {
    "en" = "English" in Latin,
    "ar" = "Arabic" in Arabic,
    "bn" = "Bengali" in Bengali,
    "da" = "Danish" in Latin,
    "de" = "German" in Latin,
    "es" = "Spanish" in Latin,
    "fi" = "Finnish" in Latin,
    "fr" = "French" in Latin,
    "hi" = "Hindi, in Devanagari script" in Devanagari,
    "it" = "Italian" in Latin,
    "ja" = "Japanese" in Japanese,
    "ko" = "Korean" in Hangul,
    "nl" = "Dutch" in Latin,
    "pl" = "Polish" in Latin,
    "pt" = "European Portuguese" in Latin,
    "pt-BR" = "Brazilian Portuguese" in Latin,
    "ru" = "Russian" in Cyrillic,
    "sv" = "Swedish" in Latin,
    "ta" = "Tamil" in Tamil,
    "tr" = "Turkish" in Latin,
    "zh-Hans" = "Chinese, in simplified characters" in SimplifiedHan,
    "zh-Hant" = "Chinese, in traditional characters" in TraditionalHan,
}

impl Language {
    /// The language with this code, in whatever case.
    pub fn of_code(code: &str) -> Option<Language> {
        LANGUAGES
            .iter()
            .copied()
            .find(|language| language.code.eq_ignore_ascii_case(code))
    }

    /// A length in words, as the writer of this language is told it: "80 to 150 words".
    pub fn length(self, words: &RangeInclusive<u32>) -> String {
        let unit = if self.script.is_unspaced() {
            "characters"
        } else {
            "words"
        };
        let [start, end] = [words.start(), words.end()].map(|count| self.in_units(*count));
        format!("{start} to {end} {unit}")
    }

    /// The most of such a length, in the units that the writer is told: words, or characters
    /// of a script without spaces.
    pub fn most(self, words: &RangeInclusive<u32>) -> usize {
        usize::try_from(self.in_units(*words.end())).unwrap_or(usize::MAX)
    }

    fn in_units(self, words: u32) -> u32 {
        let factor = if self.script.is_unspaced() {
            CHARACTERS_OF_A_WORD
        } else {
            1
        };
        words.saturating_mul(factor)
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

    #[test]
    fn a_length_is_one_in_words_where_there_are_words() {
        let length = |code: &str| Language::of_code(code).unwrap().length(&(80..=150));
        assert_eq!(length("en"), "80 to 150 words");
        assert_eq!(length("ko"), "80 to 150 words");
        for code in ["ja", "zh-Hans", "zh-Hant"] {
            assert_eq!(length(code), "160 to 300 characters");
        }
    }
}

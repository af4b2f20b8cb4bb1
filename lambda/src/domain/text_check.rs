//! Whether a description is true to what the writer was told.

use std::sync::OnceLock;

use attributes::AttributeSet;
use faithfulness::{Checker, Findings, Known};
use indexmap::IndexMap;

use super::Style;

/// Reads descriptions beside the attributes that their writer was given.
#[derive(Debug)]
pub struct TextCheck {
    set: AttributeSet,
    style: Style,
    /// Made for the first text: while a process starts, nobody has one yet.
    checker: OnceLock<Checker>,
}

impl TextCheck {
    /// A check of texts in this style about products with attributes of `set`.
    pub fn new(set: &AttributeSet, style: &Style) -> TextCheck {
        TextCheck {
            set: set.clone(),
            style: style.clone(),
            checker: OnceLock::new(),
        }
    }

    /// What is wrong with `text` about a garment called `noun` with these attributes: in a
    /// language without a lexicon, the banned words alone.
    pub fn check(&self, noun: &str, attributes: &IndexMap<String, String>, text: &str) -> Findings {
        let checker = self.checker.get_or_init(|| Checker::new(&self.set));
        let mut known = Known {
            banned: self.style.banned_words.clone(),
            ..Known::default()
        };
        if !self.style.language.has_lexicon() {
            let mut findings = checker.check(&known, text);
            findings.claims.clear();
            return findings;
        }
        known.category = Some(noun.to_owned());
        known.attributes = attributes.clone();
        checker.check(&known, text)
    }

    /// A sentence for the caller where only a part of what a check may find is looked for.
    pub fn limits(&self) -> Option<String> {
        let language = self.style.language;
        (!language.has_lexicon()).then(|| {
            format!(
                "A description in {} is checked for banned words alone.",
                language.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    fn check(attributes: &[(&str, &str)], text: &str) -> Findings {
        check_in("en", attributes, text).1
    }

    fn check_in(code: &str, attributes: &[(&str, &str)], text: &str) -> (Option<String>, Findings) {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let style = Style {
            voice: None,
            audience: None,
            words: 80..=150,
            language: Language::of_code(code).unwrap(),
            banned_words: vec!["cheap".into(), "billig".into()],
        };
        let check = TextCheck::new(&AttributeSet::embedded(), &style);
        (check.limits(), check.check("shirt", &attributes, text))
    }

    #[test]
    fn a_banned_word_is_found() {
        let findings = check(&[("Fabric", "Cotton")], "A cheap cotton shirt.");
        assert_eq!(findings.banned[0].word, "cheap");
        assert!(findings.unmentioned.is_empty(), "{findings:?}");
    }

    #[test]
    fn in_other_languages_banned_words_are_found_and_no_more() {
        let text = "Ein Hemd aus Baumwolle, billig, made in Italy, 100% silk.";
        let (limits, findings) = check_in("de", &[("Fabric", "Cotton")], text);
        assert_eq!(findings.banned[0].word, "billig");
        assert!(limits.unwrap().contains("German"));
        let others = [findings.unmentioned.len(), findings.claims.len()];
        assert_eq!(others, [0, 0]);
        assert!(findings.contradicted.is_empty());
        assert_eq!(check_in("en", &[], text).0, None);
    }

    #[test]
    fn a_true_text_is_clean_and_a_false_one_is_not() {
        let attributes = [("Fabric", "Cotton"), ("Sleeve Length", "Long Sleeves")];
        let findings = check(&attributes, "A long-sleeved cotton shirt.");
        assert!(findings.is_clean(), "{findings:?}");
        let findings = check(&attributes, "A short-sleeved cotton shirt.");
        assert_eq!(findings.contradicted_attributes(), ["Sleeve Length"]);
    }

    /// The form of `local-cloud --writer template`: load tests must not be about mending.
    #[test]
    fn the_local_cloud_s_template_is_clean() {
        let attributes = [
            ("Fabric", "Cotton"),
            ("Fit", "Regular Fit"),
            ("Pattern", "Solid"),
            ("Sleeve Length", "Long Sleeves"),
            ("Neck", "Round Neck"),
            ("Sleeve Styling", "Regular Sleeves"),
            ("Colour", "Navy Blue"),
        ];
        let sentences: Vec<String> = attributes
            .iter()
            .map(|(name, value)| format!("Its {} is {value}.", name.to_lowercase()))
            .collect();
        let text = format!("This text comes from a template. {}", sentences.join(" "));
        let findings = check(&attributes, &text);
        assert!(findings.is_clean(), "{findings:?}");
    }
}

//! Whether a description is true to what the writer was told.

use std::sync::OnceLock;

use attributes::AttributeSet;
use faithfulness::{Checker, Findings, Known};
use indexmap::IndexMap;

/// Reads descriptions beside the attributes that their writer was given.
#[derive(Debug)]
pub struct TextCheck {
    set: AttributeSet,
    /// Made for the first text: while a process starts, nobody has one yet.
    checker: OnceLock<Checker>,
}

impl TextCheck {
    /// A check of texts about products with attributes of `set`.
    pub fn new(set: &AttributeSet) -> TextCheck {
        TextCheck {
            set: set.clone(),
            checker: OnceLock::new(),
        }
    }

    /// What is wrong with `text` about a garment called `noun` with these attributes.
    pub fn check(&self, noun: &str, attributes: &IndexMap<String, String>, text: &str) -> Findings {
        let known = Known {
            category: Some(noun.to_owned()),
            attributes: attributes.clone(),
            ..Known::default()
        };
        self.checker
            .get_or_init(|| Checker::new(&self.set))
            .check(&known, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attributes: &[(&str, &str)], text: &str) -> Findings {
        let attributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        TextCheck::new(&AttributeSet::embedded()).check("shirt", &attributes, text)
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

//! Ways to word the questions and answers that a model is trained on.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::question::question;
use crate::set::Attribute;

const EMBEDDED: &str = include_str!("wordings.toml");

/// A way to word questions and answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wording {
    name: String,
    /// Asked about instead of the category's noun.
    noun: Option<String>,
    /// An attribute's words instead of its own, by its name.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// The name in an answer instead of the attribute's.
    #[serde(default)]
    answer_names: BTreeMap<String, String>,
    /// Questions beside the usual one.
    #[serde(default)]
    others: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    wording: Vec<Wording>,
}

impl Wording {
    /// All wordings: "default", "reference", "mixed".
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test parses it"
    )]
    pub fn all() -> Vec<Wording> {
        let file: File = toml::from_str(EMBEDDED).expect("the embedded wordings are valid");
        file.wording
    }

    /// The wording of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Wording> {
        Wording::all()
            .into_iter()
            .find(|wording| wording.name == name)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many questions it has about one attribute.
    #[must_use]
    pub fn questions(&self) -> usize {
        1 + self.others.len()
    }

    /// The question about an attribute of a garment that its category calls
    /// `noun`. `variant` counts through [`Wording::questions`], round and round.
    #[must_use]
    pub fn question(&self, attribute: &Attribute, noun: &str, variant: usize) -> String {
        let noun = self.noun.as_deref().unwrap_or(noun);
        let words = self.words.get(&attribute.name).unwrap_or(&attribute.words);
        match (variant % self.questions()).checked_sub(1) {
            Some(other) => self.others[other]
                .replace("{words}", words)
                .replace("{noun}", noun),
            None if *words == attribute.words => question(attribute, noun),
            None => {
                let named = Attribute {
                    words: words.clone(),
                    ..attribute.clone()
                };
                question(&named, noun)
            }
        }
    }

    /// The answer "Name: value".
    #[must_use]
    pub fn answer(&self, attribute: &Attribute, value: &str) -> String {
        let name = self.answer_names.get(&attribute.name);
        format!("{}: {value}", name.unwrap_or(&attribute.name))
    }
}

#[cfg(test)]
mod tests {
    use super::Wording;
    use crate::AttributeSet;

    fn asked(wording: &str, attribute: &str, noun: &str) -> Vec<String> {
        let set = AttributeSet::embedded();
        let wording = Wording::named(wording).unwrap();
        let attribute = set.attribute(attribute).unwrap();
        (0..wording.questions())
            .map(|variant| wording.question(attribute, noun, variant))
            .collect()
    }

    #[test]
    fn the_default_asks_as_the_function_does() {
        let set = AttributeSet::embedded();
        let default = Wording::named("default").unwrap();
        for attribute in set.attributes() {
            assert_eq!(
                default.question(attribute, "kurta", 0),
                crate::question(attribute, "kurta")
            );
            assert_eq!(
                default.answer(attribute, "X"),
                format!("{}: X", attribute.name)
            );
        }
    }

    #[test]
    fn the_reference_has_a_capital_fit_shirts_only_and_base_colours() {
        assert_eq!(
            asked("reference", "Fit", "T-shirt"),
            ["What is the Fit of the shirt in this picture?"]
        );
        assert_eq!(
            asked("reference", "Neck", "T-shirt"),
            ["What is the neck type of the shirt in this picture?"]
        );
        let set = AttributeSet::embedded();
        let reference = Wording::named("reference").unwrap();
        let colour = set.attribute("Colour").unwrap();
        assert_eq!(
            reference.answer(colour, "Navy Blue"),
            "baseColour: Navy Blue"
        );
        assert_eq!(
            reference.question(colour, "top", 0),
            "What is the colour of the shirt in this picture?"
        );
        // What it writes is understood.
        assert_eq!(
            set.interpret(colour, "baseColour: Navy Blue"),
            crate::Answer::Value("Navy Blue".to_owned())
        );
    }

    #[test]
    fn mixed_questions_differ_and_are_complete() {
        let mut questions = asked("mixed", "Sleeve Length", "T-shirt");
        let count = questions.len();
        assert!(count >= 4);
        for question in &questions {
            assert!(question.contains("sleeve length") && question.contains("T-shirt"));
            assert!(!question.contains(['{', '}']), "{question}");
        }
        questions.sort();
        questions.dedup();
        assert_eq!(questions.len(), count);
    }

    #[test]
    fn wordings_name_attributes_of_the_default_set() {
        let set = AttributeSet::embedded();
        for wording in Wording::all() {
            for name in wording.words.keys().chain(wording.answer_names.keys()) {
                assert_eq!(&set.attribute(name).unwrap().name, name);
            }
        }
        assert!(Wording::named("none").is_none());
    }
}

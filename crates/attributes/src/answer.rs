//! What a model's answer says about the attribute that it was asked about.

use crate::fold::fold;
use crate::pair;
use crate::set::{Attribute, AttributeSet};

/// How the data set writes that there is no value; so does an answer that says
/// the same.
pub const NOT_AVAILABLE: &str = "NA";

/// Words for "there is no value", folded: [`NOT_AVAILABLE`], and "Other" for what
/// the data set's vocabulary lacks.
const NO_VALUE: [&str; 16] = [
    "na",
    "n/a",
    "n.a",
    "n.a.",
    "none",
    "nil",
    "no",
    "null",
    "nan",
    "unknown",
    "unspecified",
    "undefined",
    "other",
    "others",
    "notapplicable",
    "notavailable",
];

/// Sentence punctuation that a model may put after a value.
const SENTENCE_ENDS: [char; 7] = ['.', ',', ';', '!', '?', pair::COLONS[0], pair::COLONS[1]];

/// The meaning of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A value of the attribute that was asked about: by its name in the set
    /// where the set knows it, otherwise as the model said it.
    Value(String),
    /// The answer is about something else, so the question stays open. Small
    /// models do that when an attribute does not apply to a garment.
    OtherAttribute {
        /// Its name in the set, or as the model said it.
        attribute: String,
        /// What is said about it.
        value: String,
    },
    /// Empty, "NA", or no words at all.
    Nothing,
}

impl AttributeSet {
    /// What `answer` says to a question about `asked`.
    ///
    /// - "Name: value" is about the attribute of that name or alias. A name
    ///   that the set does not have ("Occasion: Casual", "Ratio: 3:2") is still
    ///   a name, so such an answer is about another attribute: a model may know
    ///   more attributes than the set that it is used with.
    /// - Of names in a row ("Fabric: Fabric: Cotton") the last one counts.
    /// - A text without a name is a value of `asked`, unless `asked` has known
    ///   values, it is none of them, and it is a value of another attribute.
    ///   A colon makes no name of what stands before it where that is a known
    ///   value of `asked` ("Cotton: 60 %") or has no letter ("60:40 cotton").
    /// - Values are given by their name in the set ("no sleeves" is
    ///   "Sleeveless"); sentence punctuation after a known one is ignored. An
    ///   unknown value is kept as it is.
    /// - A name without a value ("Fabric:") says nothing.
    ///
    /// Linear in the length of `answer`.
    #[must_use]
    pub fn interpret(&self, asked: &Attribute, answer: &str) -> Answer {
        let mut text = pair::unquoted(answer);
        let mut named = None;
        while let Some((name, value)) = pair::split_name(text) {
            let Some(next) = self.named(asked, name, named.is_none()) else {
                break;
            };
            named = Some(next);
            text = value;
        }

        let said = Said::new(text);
        match named {
            None => self.bare_value(asked, &said),
            Some(Named::Unknown(name)) => match self.unknown_value(&said) {
                Some(value) => other(name, value),
                None => Answer::Nothing,
            },
            Some(Named::Known(attribute)) => match self.value(attribute, &said) {
                Some(value) if attribute.name == asked.name => Answer::Value(value),
                Some(value) => other(&attribute.name, value),
                None => Answer::Nothing,
            },
        }
    }

    /// Whom `name`, the left side of a colon, names. A name outside the set
    /// counts only at the start of an answer: further in, it belongs to a value.
    fn named<'a>(
        &'a self,
        asked: &'a Attribute,
        name: &'a str,
        at_start: bool,
    ) -> Option<Named<'a>> {
        if asked.is_called(name) {
            return Some(Named::Known(asked));
        }
        if let Some(attribute) = self.attribute(name) {
            return Some(Named::Known(attribute));
        }
        (at_start && asked.value(name).is_none()).then_some(Named::Unknown(name))
    }

    fn bare_value(&self, asked: &Attribute, said: &Said<'_>) -> Answer {
        let elsewhere = || {
            let mut others = self.attributes().iter();
            others.find_map(|attribute| Some(other(&attribute.name, said.known_of(attribute)?)))
        };
        if let Some(value) = said.known_of(asked) {
            return Answer::Value(value);
        }
        if !asked.values.is_empty()
            && let Some(answer) = elsewhere()
        {
            return answer;
        }
        match self.value(asked, said) {
            Some(value) => Answer::Value(value),
            None => Answer::Nothing,
        }
    }

    fn value(&self, attribute: &Attribute, said: &Said<'_>) -> Option<String> {
        if let Some(value) = said.known_of(attribute) {
            return Some(value);
        }
        let repeats_the_question = said.keys().any(|key| attribute.is_called(key));
        if repeats_the_question {
            None
        } else {
            self.unknown_value(said)
        }
    }

    /// What was said, unless it is no value of anything.
    fn unknown_value(&self, said: &Said<'_>) -> Option<String> {
        let names_an_attribute = said.keys().any(|key| self.attribute(key).is_some());
        let says_something = said.text.chars().any(char::is_alphanumeric)
            && !said.keys().any(|key| NO_VALUE.contains(&key));
        (says_something && !names_an_attribute).then(|| said.text.to_owned())
    }
}

enum Named<'a> {
    Known(&'a Attribute),
    Unknown(&'a str),
}

/// The value part of an answer. It is folded once: an answer may be long and is
/// compared with every known value.
struct Said<'a> {
    text: &'a str,
    whole: String,
    without_sentence_end: String,
}

impl<'a> Said<'a> {
    fn new(text: &'a str) -> Said<'a> {
        let ends = |c: char| SENTENCE_ENDS.contains(&c) || c.is_whitespace();
        let without_sentence_end = fold(text.trim_end_matches(ends));
        Said {
            text,
            whole: fold(text),
            without_sentence_end,
        }
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        [self.whole.as_str(), self.without_sentence_end.as_str()].into_iter()
    }

    /// The known value of `attribute` that was said, by its name in the set.
    fn known_of(&self, attribute: &Attribute) -> Option<String> {
        let value = self.keys().find_map(|key| attribute.value_of_key(key))?;
        Some(value.name.clone())
    }
}

fn other(attribute: &str, value: String) -> Answer {
    Answer::OtherAttribute {
        attribute: attribute.to_owned(),
        value,
    }
}

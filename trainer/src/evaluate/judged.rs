//! Answers beside what is true.

use attributes::{Answer, AttributeSet};

use super::ask::Reply;
use super::data::{TestSet, Vocabulary};

/// How an answer is counted that is about another attribute than the question.
pub const OTHER_ATTRIBUTE: &str = "(another attribute)";

/// How an answer is counted that names no value.
pub const NO_VALUE: &str = "(no value)";

/// What an answer says about the attribute that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A value: by its name in the set, or as it was said.
    Value(String),
    /// Something about another attribute.
    OtherAttribute,
    /// Nothing: "NA", no words.
    Nothing,
}

impl Said {
    /// What a text says. Values compare by their names in the attribute set, so
    /// that synonyms, case, spaces and hyphens do not count; one that the set
    /// does not know compares as it is written.
    #[must_use]
    pub fn understood(set: &AttributeSet, attribute: &str, text: &str) -> Said {
        let Some(asked) = set.attribute(attribute) else {
            return Said::Nothing;
        };
        match set.interpret(asked, text) {
            Answer::Value(value) => Said::Value(value),
            Answer::OtherAttribute { .. } => Said::OtherAttribute,
            Answer::Nothing => Said::Nothing,
        }
    }

    /// How it is called in a confusion.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Said::Value(value) => value,
            Said::OtherAttribute => OTHER_ATTRIBUTE,
            Said::Nothing => NO_VALUE,
        }
    }
}

/// An answer, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it says.
    pub said: Said,
    /// How sure the answerer is of it, in [0, 1].
    pub confidence: f64,
}

impl Judged {
    /// Whether it is the true value.
    #[must_use]
    pub fn is(&self, truth: &str) -> bool {
        matches!(&self.said, Said::Value(value) if value == truth)
    }

    /// The confidence in a value: 0 where none was named, which is how an
    /// answerer abstains by itself.
    #[must_use]
    pub fn value_confidence(&self) -> f64 {
        match self.said {
            Said::Value(_) => self.confidence,
            Said::OtherAttribute | Said::Nothing => 0.0,
        }
    }
}

/// The free answers, then those that were held to the vocabulary; by item,
/// nothing where there is no reply.
#[must_use]
pub fn judge(
    replies: &[Option<Reply>],
    test: &TestSet,
    set: &AttributeSet,
    vocabulary: &Vocabulary,
) -> (Vec<Option<Judged>>, Vec<Option<Judged>>) {
    let judged = test.items.iter().zip(replies).map(|(item, reply)| {
        let reply = reply.as_ref()?;
        let attribute = &test.attributes[item.attribute];
        let choice = &vocabulary.choices[item.attribute][reply.choice];
        let free = Judged {
            said: Said::understood(set, attribute, &reply.text),
            confidence: reply.confidence,
        };
        let held = Judged {
            said: Said::Value(choice.value.clone()),
            confidence: reply.choice_confidence,
        };
        Some((free, held))
    });
    judged.map(Option::unzip).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_equal_and_other_attributes_are_no_value() {
        let set = AttributeSet::embedded();
        let said = |attribute, text| Said::understood(&set, attribute, text);
        assert_eq!(
            said("Sleeve Length", "Sleeves: no sleeves"),
            Said::Value("Sleeveless".to_owned())
        );
        assert_eq!(
            said("Fabric", "Fabric: Tweed"),
            Said::Value("Tweed".to_owned())
        );
        assert_eq!(said("Fit", "Pattern: Solid"), Said::OtherAttribute);
        assert_eq!(said("Fit", "Fit: NA"), Said::Nothing);
        let judged = |text| Judged {
            said: said("Fabric", text),
            confidence: 0.5,
        };
        assert!(judged("Fabric: pure cotton").is("Cotton"));
        assert!(!judged("Fabric: NA").is(NO_VALUE));
        assert_eq!(judged("NA").value_confidence(), 0.0);
        assert_eq!(judged("Cotton").value_confidence(), 0.5);
    }
}

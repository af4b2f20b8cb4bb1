//! Answers as the client sees them.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::core::Answer;

/// An answer with all that is known about it.
#[derive(Debug, Serialize)]
pub struct DetailedAnswer<'a> {
    generated_text: &'a str,
    attribute: Option<&'a str>,
    value: Option<&'a str>,
    confidence: f64,
    generated_tokens: usize,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_object")]
    choices: Option<&'a [(String, f64)]>,
}

/// The answer with its text, attribute, value, confidence and token count, and
/// the probability of each of the choices that it was held to.
#[must_use]
pub fn detailed(answer: &Answer) -> DetailedAnswer<'_> {
    let pair = answer.pair.as_ref();
    DetailedAnswer {
        generated_text: &answer.text,
        attribute: pair.map(|(name, _)| name.as_str()),
        value: pair
            .filter(|_| !answer.abstained)
            .map(|(_, value)| value.as_str()),
        confidence: answer.confidence,
        generated_tokens: answer.generated_tokens,
        choices: answer.choices.as_deref(),
    }
}

/// Value to probability, in the order in which the values were given.
fn as_object<S: Serializer>(
    choices: &Option<&[(String, f64)]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let choices = choices.iter().copied().flatten();
    serializer.collect_map(choices.map(|(value, probability)| (value, probability)))
}

/// In which form the answers to one request are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseForm {
    /// How many questions were asked.
    pub(super) prompts: usize,
    /// Whether they were asked with `prompts`, and so get an array.
    pub(super) wants_array: bool,
    pub(super) details: bool,
    /// The name of the adapter that answers.
    pub(super) adapter: Option<String>,
}

impl ResponseForm {
    /// The body of a successful response: an array, or one object.
    pub(super) fn render(&self, answers: &[Answer]) -> Value {
        let render = |answer| {
            if !self.details {
                return plain(answer);
            }
            let mut details = json!(detailed(answer));
            if let Some(adapter) = &self.adapter {
                details["adapter"] = adapter.as_str().into();
            }
            details
        };
        match answers {
            [answer] if !self.wants_array => render(answer),
            _ => answers.iter().map(render).collect(),
        }
    }
}

fn plain(answer: &Answer) -> Value {
    let (name, value) = match &answer.pair {
        Some((name, value)) => (name.as_str(), value.as_str()),
        None => ("generated_text", answer.text.as_str()),
    };
    let value = if answer.abstained {
        Value::Null
    } else {
        value.into()
    };
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: ResponseForm = ResponseForm {
        prompts: 1,
        wants_array: false,
        details: false,
        adapter: None,
    };
    const PLAIN_ARRAY: ResponseForm = ResponseForm {
        wants_array: true,
        ..PLAIN
    };
    const DETAILS: ResponseForm = ResponseForm {
        details: true,
        ..PLAIN
    };
    const DETAILS_ARRAY: ResponseForm = ResponseForm {
        details: true,
        ..PLAIN_ARRAY
    };

    fn answer(text: &str) -> Answer {
        Answer {
            text: text.to_owned(),
            pair: attributes::parse_pair(text),
            confidence: 0.75,
            generated_tokens: 4,
            choices: None,
            abstained: false,
        }
    }

    fn chosen(abstained: bool) -> Answer {
        let probabilities = [("Silk", 0.25), ("Cotton", 0.75)];
        let choices = probabilities.map(|(value, share)| (value.to_owned(), share));
        Answer {
            choices: Some(choices.to_vec()),
            abstained,
            ..answer("Fabric: Cotton")
        }
    }

    #[test]
    fn a_pair_is_an_object_of_one_entry() {
        let answers = [answer("Sleeve Length: Long Sleeves")];
        assert_eq!(
            PLAIN.render(&answers),
            json!({"Sleeve Length": "Long Sleeves"})
        );
        assert_eq!(
            PLAIN_ARRAY.render(&answers),
            json!([{"Sleeve Length": "Long Sleeves"}])
        );
    }

    #[test]
    fn what_is_no_pair_comes_back_as_text() {
        assert_eq!(PLAIN.render(&[answer("")]), json!({"generated_text": ""}));
    }

    #[test]
    fn details_are_complete_for_pairs_and_others() {
        assert_eq!(
            DETAILS_ARRAY.render(&[answer("Fabric: Cotton"), answer("red")]),
            json!([
                {"generated_text": "Fabric: Cotton", "attribute": "Fabric", "value": "Cotton",
                 "confidence": 0.75, "generated_tokens": 4},
                {"generated_text": "red", "attribute": null, "value": null,
                 "confidence": 0.75, "generated_tokens": 4},
            ])
        );
    }

    #[test]
    fn details_name_the_adapter() {
        let form = ResponseForm {
            adapter: Some("dresses".to_owned()),
            ..DETAILS
        };
        assert_eq!(form.render(&[answer("red")])["adapter"], "dresses");
        let plain = ResponseForm {
            details: false,
            ..form
        };
        assert_eq!(
            plain.render(&[answer("red")]),
            json!({"generated_text": "red"})
        );
    }

    #[test]
    fn choices_come_with_their_probabilities_in_the_order_given() {
        let details = DETAILS.render(&[chosen(false)]);
        assert_eq!(
            details.to_string(),
            json!({"generated_text": "Fabric: Cotton", "attribute": "Fabric", "value": "Cotton",
                "confidence": 0.75, "generated_tokens": 4,
                "choices": {"Silk": 0.25, "Cotton": 0.75}})
            .to_string()
        );
        assert_eq!(PLAIN.render(&[chosen(false)]), json!({"Fabric": "Cotton"}));
    }

    #[test]
    fn who_abstains_names_no_value() {
        let details = DETAILS.render(&[chosen(true)]);
        assert_eq!(details["value"], json!(null));
        assert_eq!(details["attribute"], "Fabric");
        assert_eq!(details["generated_text"], "Fabric: Cotton");
        assert_eq!(details["choices"]["Cotton"], 0.75);
        assert_eq!(PLAIN.render(&[chosen(true)]), json!({"Fabric": null}));
    }
}

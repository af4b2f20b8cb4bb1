//! Answers as the client sees them.

use serde::Serialize;
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
}

/// The answer with its text, attribute, value, confidence and token count.
#[must_use]
pub fn detailed(answer: &Answer) -> DetailedAnswer<'_> {
    let pair = answer.pair.as_ref();
    DetailedAnswer {
        generated_text: &answer.text,
        attribute: pair.map(|(name, _)| name.as_str()),
        value: pair.map(|(_, value)| value.as_str()),
        confidence: answer.confidence,
        generated_tokens: answer.generated_tokens,
    }
}

/// The body of a successful response: an array where the request had `prompts`,
/// else one object.
pub(super) fn response_body(answers: &[Answer], wants_array: bool, details: bool) -> Value {
    let render = |answer| {
        if details {
            json!(detailed(answer))
        } else {
            plain(answer)
        }
    };
    match answers {
        [answer] if !wants_array => render(answer),
        _ => answers.iter().map(render).collect(),
    }
}

fn plain(answer: &Answer) -> Value {
    let (name, value) = match &answer.pair {
        Some((name, value)) => (name.as_str(), value.as_str()),
        None => ("generated_text", answer.text.as_str()),
    };
    Value::Object(Map::from_iter([(name.to_owned(), Value::from(value))]))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_pair_is_an_object_of_one_entry() {
        let answers = [answer("Sleeve Length: Long Sleeves")];
        assert_eq!(
            response_body(&answers, false, false),
            json!({"Sleeve Length": "Long Sleeves"})
        );
        assert_eq!(
            response_body(&answers, true, false),
            json!([{"Sleeve Length": "Long Sleeves"}])
        );
    }

    #[test]
    fn what_is_no_pair_comes_back_as_text() {
        assert_eq!(
            response_body(&[answer("")], false, false),
            json!({"generated_text": ""})
        );
    }

    #[test]
    fn details_are_complete_for_pairs_and_others() {
        assert_eq!(
            response_body(&[answer("Fabric: Cotton"), answer("red")], true, true),
            json!([
                {"generated_text": "Fabric: Cotton", "attribute": "Fabric", "value": "Cotton",
                 "confidence": 0.75, "generated_tokens": 4},
                {"generated_text": "red", "attribute": null, "value": null,
                 "confidence": 0.75, "generated_tokens": 4},
            ])
        );
    }
}

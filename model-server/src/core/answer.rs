//! What the model answered, read as an attribute where it is one.

use blip2::Generated;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The text as it was generated.
    pub text: String,
    /// Name and value, where the text is a pair such as "Fabric: Cotton".
    pub pair: Option<(String, String)>,
    /// Probability of the whole generated sequence, in [0, 1].
    pub confidence: f64,
    /// How many tokens were generated, the end of the sequence included.
    pub generated_tokens: usize,
    /// Where the answer was held to given values: each of them as it was given,
    /// with its probability among them. The likeliest is what `text` and `pair`
    /// tell, its probability is `confidence`.
    pub choices: Option<Vec<(String, f64)>>,
    /// Whether the likeliest of the choices is less probable than was asked
    /// for, so that none is to be given.
    pub abstained: bool,
}

impl From<Generated> for Answer {
    fn from(generated: Generated) -> Self {
        Answer {
            pair: attributes::parse_pair(&generated.text),
            // A sum of log-probabilities in floating point may end a little
            // above zero.
            confidence: generated.confidence().clamp(0.0, 1.0),
            generated_tokens: generated.token_ids.len(),
            text: generated.text,
            choices: None,
            abstained: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, log_probability: f64) -> Answer {
        Generated {
            text: text.to_owned(),
            token_ids: vec![5, 6, 1],
            log_probability,
        }
        .into()
    }

    #[test]
    fn a_pair_is_taken_apart() {
        let answer = answer("Sleeve Length: Long Sleeves", 0.5f64.ln());
        let pair = ("Sleeve Length".to_owned(), "Long Sleeves".to_owned());
        assert_eq!(answer.pair, Some(pair));
        assert_eq!(answer.generated_tokens, 3);
        assert!((answer.confidence - 0.5).abs() < 1e-12);
    }

    #[test]
    fn another_text_is_no_pair_and_confidence_stays_a_probability() {
        let answer = answer("a red shirt", 1e-9);
        assert_eq!(answer.pair, None);
        assert_eq!(answer.confidence, 1.0);
    }
}

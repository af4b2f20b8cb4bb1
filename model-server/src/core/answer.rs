//! What the model answered, read as an attribute where it is one.

use blip2::{Chosen, Generated, Outcome};

use super::Choices;

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The text as it was generated, or the likeliest of the given ones.
    pub text: String,
    /// Name and value, where the text is a pair such as "Fabric: Cotton".
    pub pair: Option<(String, String)>,
    /// Probability of the whole generated sequence, in [0, 1]; with choices,
    /// that of the likeliest among them.
    pub confidence: f64,
    /// How many tokens the text has, the end of the sequence included.
    pub generated_tokens: usize,
    /// Where the answer was held to given values: each of them as it was given,
    /// with its probability among them.
    pub choices: Option<Vec<(String, f64)>>,
    /// Whether the likeliest of the choices is less probable than was asked
    /// for, so that none is to be given.
    pub abstained: bool,
}

impl Answer {
    /// Reads an outcome; `choices` are those that the question was held to.
    /// `None` where the model answered another kind of question, or about
    /// another number of choices.
    pub(super) fn new(outcome: Outcome, choices: Option<Choices>) -> Option<Answer> {
        match (outcome, choices) {
            (Outcome::Generated(generated), None) => Some(Answer::of_generated(generated)),
            (Outcome::Chosen(chosen), Some(choices)) => Answer::of_chosen(&chosen, choices),
            _ => None,
        }
    }

    fn of_generated(generated: Generated) -> Answer {
        Answer {
            pair: attributes::parse_pair(&generated.text),
            confidence: generated.confidence(),
            generated_tokens: generated.token_ids.len(),
            text: generated.text,
            choices: None,
            abstained: false,
        }
    }

    fn of_chosen(chosen: &Chosen, choices: Choices) -> Option<Answer> {
        let probabilities = chosen.normalised();
        let Choices {
            values,
            mut texts,
            abstain_below,
        } = choices;
        if probabilities.len() != texts.len() || chosen.token_counts.len() != texts.len() {
            return None;
        }
        // Of equals, the one that was given first.
        let likeliest = probabilities
            .iter()
            .enumerate()
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        let (index, &confidence) = likeliest?;
        let text = texts.swap_remove(index);
        Some(Answer {
            pair: attributes::parse_pair(&text),
            text,
            confidence: confidence.clamp(0.0, 1.0),
            generated_tokens: chosen.token_counts[index],
            choices: Some(values.into_iter().zip(probabilities).collect()),
            abstained: abstain_below.is_some_and(|threshold| confidence < threshold),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated(text: &str, log_probability: f64) -> Answer {
        let generated = Generated {
            text: text.to_owned(),
            token_ids: vec![5, 6, 1],
            log_probability,
        };
        Answer::new(Outcome::Generated(generated), None).unwrap()
    }

    fn choices(values: &[&str], abstain_below: Option<f64>) -> Choices {
        Choices {
            values: values.iter().map(|&value| value.to_owned()).collect(),
            texts: values
                .iter()
                .map(|value| format!("Fabric: {value}"))
                .collect(),
            abstain_below,
        }
    }

    fn chosen(log_probabilities: &[f64], choices: Choices) -> Option<Answer> {
        let chosen = Chosen {
            log_probabilities: log_probabilities.to_vec(),
            token_counts: (3..).take(log_probabilities.len()).collect(),
        };
        Answer::new(Outcome::Chosen(chosen), Some(choices))
    }

    #[test]
    fn a_pair_is_taken_apart() {
        let answer = generated("Sleeve Length: Long Sleeves", 0.5f64.ln());
        let pair = ("Sleeve Length".to_owned(), "Long Sleeves".to_owned());
        assert_eq!(answer.pair, Some(pair));
        assert_eq!(answer.generated_tokens, 3);
        assert!((answer.confidence - 0.5).abs() < 1e-12);
    }

    #[test]
    fn another_text_is_no_pair_and_confidence_stays_a_probability() {
        let answer = generated("a red shirt", 1e-9);
        assert_eq!(answer.pair, None);
        assert_eq!(answer.confidence, 1.0);
    }

    #[test]
    fn the_likeliest_choice_is_the_answer() {
        let scores = [0.1f64.ln(), 0.3f64.ln()];
        let answer = chosen(&scores, choices(&["Wool", "Cotton"], Some(0.75))).unwrap();
        assert_eq!(answer.text, "Fabric: Cotton");
        assert_eq!(answer.pair.unwrap().1, "Cotton");
        assert!((answer.confidence - 0.75).abs() < 1e-12);
        assert_eq!(answer.generated_tokens, 4);
        let of_choices = answer.choices.unwrap();
        assert_eq!(of_choices[0].0, "Wool");
        assert!((of_choices[0].1 - 0.25).abs() < 1e-12);
    }

    #[test]
    fn of_equals_the_first_is_chosen() {
        let answer = chosen(&[-2.0, -2.0], choices(&["Wool", "Cotton"], None)).unwrap();
        assert_eq!(answer.text, "Fabric: Wool");
        assert!(!answer.abstained);
    }

    #[test]
    fn below_the_threshold_none_is_given() {
        let answer = chosen(&[-2.0, -2.1], choices(&["Wool", "Cotton"], Some(0.6))).unwrap();
        assert!(answer.abstained);
        assert_eq!(answer.text, "Fabric: Wool");
        let answer = chosen(&[-2.0], choices(&["Wool"], Some(1.0))).unwrap();
        assert!(!answer.abstained);
    }

    #[test]
    fn an_outcome_of_another_question_is_none() {
        assert_eq!(chosen(&[-2.0], choices(&["Wool", "Cotton"], None)), None);
        let generated = Generated {
            text: String::new(),
            token_ids: Vec::new(),
            log_probability: 0.0,
        };
        let outcome = Outcome::Generated(generated);
        assert_eq!(Answer::new(outcome, Some(choices(&["Wool"], None))), None);
    }
}

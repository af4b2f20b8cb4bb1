//! Answers that are held to given texts.

use super::{Limits, RequestError};

/// Longer texts are refused before they are tokenized: no token that a
/// vocabulary has is so long that 40 of them would make more.
const MAX_CHARACTERS: usize = 2_048;

/// The texts that one question's answer is held to.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// The values as the client gave them, in its order.
    pub values: Vec<String>,
    /// The whole answer text of each value, such as "Fabric: Cotton".
    pub texts: Vec<String>,
    /// Where the likeliest is less probable than this, none is given.
    pub abstain_below: Option<f64>,
}

impl Choices {
    /// Checks what can be known without a tokenizer. `question` is counted
    /// from 1.
    pub(super) fn check(&self, question: usize, limits: &Limits) -> Result<(), RequestError> {
        let choices = self.texts.len();
        if choices == 0 {
            return Err(RequestError::NoChoices { question });
        }
        if self.values.len() != choices {
            let values = self.values.len();
            return Err(RequestError::Choices {
                question,
                reason: format!("there are {values} values for {choices} texts"),
            });
        }
        if choices > limits.max_choices {
            return Err(RequestError::TooManyChoices {
                question,
                choices,
                limit: limits.max_choices,
            });
        }
        if let Some(value) = self.abstain_below
            && !(0.0..=1.0).contains(&value)
        {
            return Err(RequestError::AbstainBelow { question, value });
        }
        for (value, text) in self.values.iter().zip(&self.texts) {
            if value.trim().is_empty() || text.trim().is_empty() {
                return Err(RequestError::EmptyChoice { question });
            }
            let characters = text.chars().count();
            if characters > MAX_CHARACTERS {
                return Err(RequestError::ChoiceTooLong {
                    question,
                    choice: beginning(value),
                    length: format!("{characters} characters"),
                    limit: limits.max_choice_tokens,
                });
            }
        }
        Ok(())
    }
}

/// Enough of a text to know which it is.
pub(super) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn check(choices: &Choices) -> Result<(), RequestError> {
        choices.check(2, &Limits::default())
    }

    #[test]
    fn the_limits_themselves_are_granted() {
        let values: Vec<String> = (0..1_000).map(|number| format!("v{number}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        for abstain_below in [None, Some(0.0), Some(1.0)] {
            assert_eq!(check(&choices(&values, abstain_below)), Ok(()));
        }
    }

    #[test]
    fn what_is_over_them_is_refused_by_name() {
        for (choices, part) in [
            (choices(&[], None), "question 2 has no choices"),
            (choices(&["x"; 1_001], None), "question 2 has 1001 choices"),
            (choices(&["Cotton", " "], None), "empty choice"),
            (choices(&["Cotton"], Some(-0.1)), "`abstain_below` is -0.1"),
            (
                choices(&["Cotton"], Some(f64::NAN)),
                "`abstain_below` is NaN",
            ),
            (
                choices(&["Cotton", &"ü".repeat(3_000)], None),
                "üü…\" of question 2 has 3008 characters",
            ),
        ] {
            let message = check(&choices).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert!(message.chars().count() < 250, "{message}");
        }
        let mut uneven = choices(&["Cotton", "Wool"], None);
        uneven.texts.pop();
        assert!(matches!(check(&uneven), Err(RequestError::Choices { .. })));
    }
}

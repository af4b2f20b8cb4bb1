//! `parameters` of a request, by the names of Hugging Face `generate`, and this
//! server's own.

mod table;

use blip2::GenerationParameters;
use serde_json::Value;

use super::choices::ChoicesForm;
use super::field::{Field, describe};
use super::{ApiError, ErrorCode};
use crate::core::{QuestionForm, TaskForm};

pub(super) use table::{PARAMETERS, Parameter};

/// What `parameters` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InvocationParameters {
    /// How to generate; of no meaning for answers that are held to choices.
    pub generation: GenerationParameters,
    /// Whether answers come with their text, confidence and token count.
    pub details: bool,
    /// What answers are held to.
    pub choices: Option<ChoicesForm>,
    /// Where the likeliest of the choices is less probable, none is given; in
    /// [0, 1].
    pub abstain_below: Option<f64>,
}

/// Reads `parameters`; what they do not say is as in `defaults`. `null` stands
/// for the default, of one parameter or of all, as in Python.
///
/// # Errors
/// With a message that names the parameter that is unknown or of a wrong type.
pub fn parse_parameters(
    value: &Value,
    defaults: &GenerationParameters,
) -> Result<InvocationParameters, ApiError> {
    let mut parameters = InvocationParameters {
        generation: defaults.clone(),
        ..InvocationParameters::default()
    };
    let fields = match value {
        Value::Null => return Ok(parameters),
        Value::Object(fields) => fields,
        other => {
            let message = format!("`parameters` must be an object, not {}", describe(other));
            return Err(ApiError::new(ErrorCode::InvalidParameter, message));
        }
    };
    for (name, value) in fields {
        let known = PARAMETERS.iter().find(|known| known.name == name);
        let parameter = known.ok_or_else(|| unknown(name))?;
        if !value.is_null() {
            let path = format!("parameters.{name}");
            let field = Field::new(path, value, ErrorCode::InvalidParameter);
            (parameter.set)(&mut parameters, &field)?;
        }
    }
    if parameters.abstain_below.is_some() && parameters.choices.is_none() {
        let message = "`parameters.abstain_below` is about choices: add `choices`, or compare \
                       `confidence` yourself";
        return Err(ApiError::new(ErrorCode::InvalidParameter, message));
    }
    Ok(parameters)
}

impl InvocationParameters {
    /// What is asked of the model for each of the prompts.
    ///
    /// # Errors
    /// When the choices do not fit the prompts.
    pub fn questions(&self, prompts: Vec<String>) -> Result<Vec<QuestionForm>, ApiError> {
        let choices = match &self.choices {
            Some(form) => form.of_questions(&prompts, self.abstain_below)?,
            None => vec![None; prompts.len()],
        };
        let question = |(prompt, choices): (String, Option<_>)| QuestionForm {
            prompt,
            task: choices.map_or_else(
                || TaskForm::Generate(self.generation.clone()),
                TaskForm::Choose,
            ),
        };
        Ok(prompts.into_iter().zip(choices).map(question).collect())
    }
}

/// Whether `name` belongs into `parameters`.
pub(super) fn is_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|known| known.name == name)
}

fn unknown(name: &str) -> ApiError {
    let known = PARAMETERS.map(|known| known.name).join(", ");
    let message = format!("unknown parameter `{name}`; known are {known}");
    ApiError::new(ErrorCode::InvalidParameter, message)
}

#[cfg(test)]
mod tests {
    use blip2::EarlyStopping;
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<InvocationParameters, ApiError> {
        parse_parameters(value, &GenerationParameters::default())
    }

    fn message(value: Value) -> String {
        parse(&value).unwrap_err().message().to_owned()
    }

    #[test]
    fn nothing_given_is_the_default() {
        for value in [
            json!(null),
            json!({}),
            json!({"top_k": null, "details": null}),
        ] {
            assert_eq!(parse(&value).unwrap(), InvocationParameters::default());
        }
    }

    #[test]
    fn the_defaults_are_the_models() {
        let defaults = GenerationParameters {
            num_beams: 5,
            top_k: 7,
            ..Default::default()
        };
        let parameters = parse_parameters(&json!({"top_k": 9}), &defaults).unwrap();
        assert_eq!(
            (parameters.generation.num_beams, parameters.generation.top_k),
            (5, 9)
        );
    }

    #[test]
    fn every_parameter_sets_its_own_field() {
        let parameters = parse(&json!({
            "max_new_tokens": 31, "min_new_tokens": 2, "num_beams": 4, "length_penalty": 0.6,
            "early_stopping": "never", "repetition_penalty": 1.2, "do_sample": true,
            "temperature": 0.7, "top_k": 0, "top_p": 0.9, "seed": 18446744073709551615_u64,
            "details": true, "choices": ["Cotton"], "abstain_below": 0.5
        }))
        .unwrap();
        let generation = GenerationParameters {
            max_new_tokens: 31,
            min_new_tokens: 2,
            num_beams: 4,
            length_penalty: 0.6,
            early_stopping: EarlyStopping::Never,
            repetition_penalty: 1.2,
            do_sample: true,
            temperature: 0.7,
            top_k: 0,
            top_p: 0.9,
            seed: Some(u64::MAX),
        };
        assert_eq!(
            parameters,
            InvocationParameters {
                generation,
                details: true,
                choices: Some(ChoicesForm::OfOne(vec!["Cotton".to_owned()])),
                abstain_below: Some(0.5)
            }
        );
    }

    #[test]
    fn early_stopping_has_three_values() {
        for (value, expected) in [
            (json!(true), EarlyStopping::True),
            (json!(false), EarlyStopping::False),
            (json!("never"), EarlyStopping::Never),
        ] {
            let parameters = parse(&json!({"early_stopping": value})).unwrap();
            assert_eq!(parameters.generation.early_stopping, expected);
        }
        for value in [json!("always"), json!(1)] {
            let message = message(json!({"early_stopping": value}));
            assert!(message.contains("`parameters.early_stopping` must be true, false or"));
        }
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_known_ones() {
        let message = message(json!({"max_tokens": null}));
        assert!(message.contains("`max_tokens`"), "{message}");
        assert!(
            message.contains("max_new_tokens, min_new_tokens, num_beams"),
            "{message}"
        );
    }

    #[test]
    fn parameters_are_an_object() {
        assert_eq!(
            message(json!([])),
            "`parameters` must be an object, not an array"
        );
        assert_eq!(
            message(json!("x")),
            "`parameters` must be an object, not a string"
        );
    }

    #[test]
    fn a_string_is_no_number() {
        let message = message(json!({"temperature": "0.7"}));
        assert_eq!(
            message,
            "`parameters.temperature` must be a number, not a string"
        );
    }

    #[test]
    fn abstaining_is_a_probability_and_about_choices() {
        for value in [json!(0), json!(0.5), json!(1)] {
            let parameters = parse(&json!({"choices": ["a"], "abstain_below": value})).unwrap();
            assert_eq!(parameters.abstain_below, value.as_f64());
        }
        for value in [json!(-0.1), json!(1.01), json!("0.5"), json!(true)] {
            let message = message(json!({"choices": ["a"], "abstain_below": value}));
            assert!(
                message.contains("`parameters.abstain_below` must be"),
                "{message}"
            );
        }
        let message = message(json!({"abstain_below": 0.5}));
        assert!(message.contains("add `choices`"), "{message}");
    }

    #[test]
    fn a_question_without_choices_is_generated_by_the_parameters() {
        let parameters = parse(&json!({"num_beams": 3, "choices": [["A: b"], null]})).unwrap();
        let questions = parameters
            .questions(vec!["first?".to_owned(), "second?".to_owned()])
            .unwrap();
        let TaskForm::Choose(choices) = &questions[0].task else {
            panic!("{questions:?}");
        };
        assert_eq!(choices.texts, ["A: b"]);
        assert_eq!(questions[1].prompt, "second?");
        assert_eq!(questions[1].task, TaskForm::Generate(parameters.generation));
    }
}

//! `parameters` of a request, by the names of Hugging Face `generate`, and this
//! server's own.

use blip2::{EarlyStopping, GenerationParameters};
use serde_json::{Value, json};

use super::choices::ChoicesForm;
use super::field::{Field, describe};
use super::{ApiError, ErrorCode};
use crate::core::{Limits, QuestionForm, TaskForm};

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

/// One parameter that is understood.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// What it is for, in the words of the documentation.
    pub(super) description: &'static str,
    /// Type, range and default as a JSON Schema.
    pub(super) schema: fn(&GenerationParameters, &Limits) -> Value,
    set: fn(&mut InvocationParameters, &Field<'_>) -> Result<(), ApiError>,
}

/// Every parameter that is understood.
pub(super) const PARAMETERS: [Parameter; 14] = [
    Parameter {
        name: "max_new_tokens",
        description: "At most this many tokens an answer, its end included.",
        schema: |defaults, limits| {
            let (default, maximum) = (defaults.max_new_tokens, limits.max_new_tokens);
            json!({"type": "integer", "minimum": 1, "maximum": maximum, "default": default})
        },
        set: |to, field| put(&mut to.generation.max_new_tokens, field.whole_number()),
    },
    Parameter {
        name: "min_new_tokens",
        description: "No end before this many tokens; at most max_new_tokens.",
        schema: |defaults, limits| {
            let (default, maximum) = (defaults.min_new_tokens, limits.max_new_tokens);
            json!({"type": "integer", "minimum": 0, "maximum": maximum, "default": default})
        },
        set: |to, field| put(&mut to.generation.min_new_tokens, field.whole_number()),
    },
    Parameter {
        name: "num_beams",
        description: "Beams of the search; 1 is greedy, or sampled with do_sample.",
        schema: |defaults, limits| {
            let (default, maximum) = (defaults.num_beams, limits.max_num_beams);
            json!({"type": "integer", "minimum": 1, "maximum": maximum, "default": default})
        },
        set: |to, field| put(&mut to.generation.num_beams, field.whole_number()),
    },
    Parameter {
        name: "length_penalty",
        description: "A finished beam's score is its log-probability over its length to this \
                      power.",
        schema: |defaults, _| {
            let default = defaults.length_penalty;
            json!({"type": "number", "minimum": -100, "maximum": 100, "default": default})
        },
        set: |to, field| put(&mut to.generation.length_penalty, field.number()),
    },
    Parameter {
        name: "early_stopping",
        description: "When a beam search may end before max_new_tokens.",
        schema: |defaults, _| {
            let default = match defaults.early_stopping {
                EarlyStopping::True => json!(true),
                EarlyStopping::False => json!(false),
                EarlyStopping::Never => json!("never"),
            };
            json!({"enum": [true, false, "never"], "default": default})
        },
        set: |to, field| put(&mut to.generation.early_stopping, early_stopping(field)),
    },
    Parameter {
        name: "repetition_penalty",
        description: "Above 1, tokens that were generated before become less likely.",
        schema: |defaults, _| {
            let default = defaults.repetition_penalty;
            json!({"type": "number", "exclusiveMinimum": 0, "default": default})
        },
        set: |to, field| put(&mut to.generation.repetition_penalty, field.number()),
    },
    Parameter {
        name: "do_sample",
        description: "Whether tokens are drawn at random.",
        schema: |defaults, _| json!({"type": "boolean", "default": defaults.do_sample}),
        set: |to, field| put(&mut to.generation.do_sample, field.boolean()),
    },
    Parameter {
        name: "temperature",
        description: "Divides the logits before a token is drawn.",
        schema: |defaults, _| {
            let default = defaults.temperature;
            json!({"type": "number", "exclusiveMinimum": 0, "default": default})
        },
        set: |to, field| put(&mut to.generation.temperature, field.number()),
    },
    Parameter {
        name: "top_k",
        description: "Only the likeliest so many tokens are drawn from; 0 is all.",
        schema: |defaults, _| json!({"type": "integer", "minimum": 0, "default": defaults.top_k}),
        set: |to, field| put(&mut to.generation.top_k, field.whole_number()),
    },
    Parameter {
        name: "top_p",
        description: "Only the likeliest tokens that together reach this probability are drawn \
                      from.",
        schema: |defaults, _| {
            let default = defaults.top_p;
            json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": default})
        },
        set: |to, field| put(&mut to.generation.top_p, field.number()),
    },
    Parameter {
        name: "seed",
        description: "Makes drawing repeatable: an answer depends on it and not on what else is \
                      asked. Without one, every call draws anew.",
        schema: |defaults, _| json!({"type": ["integer", "null"], "minimum": 0, "default": defaults.seed}),
        set: |to, field| put(&mut to.generation.seed, field.unsigned().map(Some)),
    },
    Parameter {
        name: "details",
        description: "Whether an answer comes with its text, confidence and token count.",
        schema: |_, _| json!({"type": "boolean", "default": false}),
        set: |to, field| put(&mut to.details, field.boolean()),
    },
    Parameter {
        name: "choices",
        description: "The texts that an answer is held to: values of the attribute that the \
                      question asks about (\"Cotton\") or whole answers (\"Fabric: Cotton\"). An \
                      array for one question; for several an object by attribute name, or an \
                      array with an array or null for each. The answer is the likeliest of them; \
                      the parameters of generation have no meaning for it.",
        schema: |_, limits| {
            let values = json!({"type": "array", "items": {"type": "string"}, "minItems": 1,
                "maxItems": limits.max_choices});
            let values_or_null = json!({"oneOf": [values, {"type": "null"}]});
            json!({"oneOf": [
                values,
                {"type": "array", "items": values_or_null, "maxItems": limits.max_prompts},
                {"type": "object", "additionalProperties": values_or_null},
                {"type": "null"},
            ], "default": null})
        },
        set: |to, field| put(&mut to.choices, ChoicesForm::read(field).map(Some)),
    },
    Parameter {
        name: "abstain_below",
        description: "Where the likeliest of the choices has a smaller probability among them, \
                      the answer's value is null. Free answers are given in any case.",
        schema: |_, _| json!({"type": ["number", "null"], "minimum": 0, "maximum": 1, "default": null}),
        set: |to, field| put(&mut to.abstain_below, probability(field).map(Some)),
    },
];

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

fn put<T>(place: &mut T, value: Result<T, ApiError>) -> Result<(), ApiError> {
    *place = value?;
    Ok(())
}

fn early_stopping(field: &Field<'_>) -> Result<EarlyStopping, ApiError> {
    const EXPECTED: &str = "true, false or \"never\"";
    match field.boolean() {
        Ok(true) => Ok(EarlyStopping::True),
        Ok(false) => Ok(EarlyStopping::False),
        Err(_) if field.text(EXPECTED)? == "never" => Ok(EarlyStopping::Never),
        Err(_) => Err(field.wrong(EXPECTED)),
    }
}

fn probability(field: &Field<'_>) -> Result<f64, ApiError> {
    let number = field.number()?;
    if (0.0..=1.0).contains(&number) {
        return Ok(number);
    }
    Err(field.wrong("a number from 0 to 1"))
}

fn unknown(name: &str) -> ApiError {
    let known = PARAMETERS.map(|known| known.name).join(", ");
    let message = format!("unknown parameter `{name}`; known are {known}");
    ApiError::new(ErrorCode::InvalidParameter, message)
}

#[cfg(test)]
mod tests {
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

    /// The documentation's type and default of each parameter are what the
    /// parser takes and what it starts from.
    #[test]
    fn the_schema_of_a_parameter_agrees_with_its_parser() {
        let defaults = GenerationParameters {
            num_beams: 3,
            top_p: 0.75,
            ..Default::default()
        };
        let untouched = parse_parameters(&json!({}), &defaults).unwrap();
        for parameter in &PARAMETERS {
            let schema = (parameter.schema)(&defaults, &Limits::default());
            let default = schema
                .get("default")
                .unwrap_or_else(|| panic!("{}", parameter.name));
            let given = parse_parameters(&json!({parameter.name: default}), &defaults).unwrap();
            assert_eq!(given, untouched, "{}", parameter.name);

            let mut other = None;
            for (kind, sample) in [
                ("integer", json!(5)),
                ("number", json!(0.5)),
                ("boolean", json!(true)),
                ("string", json!("never")),
                ("array", json!(["A: b"])),
                ("object", json!({})),
            ] {
                // Choices stand beside what is only taken with them.
                let mut fields = json!({"choices": ["A: b"]});
                fields[parameter.name] = sample.clone();
                let is_taken = parse_parameters(&fields, &defaults).is_ok();
                assert_eq!(
                    is_taken,
                    allows(&schema, kind, &sample),
                    "{}: {kind}",
                    parameter.name
                );
                other = other.or_else(|| (!is_taken).then_some(kind));
            }
            assert!(other.is_some(), "{} takes anything", parameter.name);
        }
    }

    fn allows(schema: &Value, kind: &str, sample: &Value) -> bool {
        let is = |name: &Value| name == kind || (name == "number" && kind == "integer");
        let in_range = sample.as_f64().is_none_or(|number| {
            schema["maximum"]
                .as_f64()
                .is_none_or(|maximum| number <= maximum)
        });
        match (&schema["type"], &schema["enum"], &schema["oneOf"]) {
            (Value::Array(names), ..) => names.iter().any(is) && in_range,
            (name @ Value::String(_), ..) => is(name),
            (_, Value::Array(values), _) => values.contains(sample),
            (.., Value::Array(schemas)) => schemas.iter().any(|one| allows(one, kind, sample)),
            _ => false,
        }
    }
}

//! `parameters` of a request, by the names of Hugging Face `generate`.

use blip2::{EarlyStopping, GenerationParameters};
use serde_json::Value;

use super::field::{Field, describe};
use super::{ApiError, ErrorCode};

/// What `parameters` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InvocationParameters {
    /// How to generate.
    pub generation: GenerationParameters,
    /// Whether answers come with their text, confidence and token count.
    pub details: bool,
}

type Setter = fn(&mut InvocationParameters, &Field<'_>) -> Result<(), ApiError>;

/// Every parameter that is understood, and what it sets.
const PARAMETERS: [(&str, Setter); 12] = [
    ("max_new_tokens", |to, field| {
        put(&mut to.generation.max_new_tokens, field.whole_number())
    }),
    ("min_new_tokens", |to, field| {
        put(&mut to.generation.min_new_tokens, field.whole_number())
    }),
    ("num_beams", |to, field| {
        put(&mut to.generation.num_beams, field.whole_number())
    }),
    ("length_penalty", |to, field| {
        put(&mut to.generation.length_penalty, field.number())
    }),
    ("early_stopping", |to, field| {
        put(&mut to.generation.early_stopping, early_stopping(field))
    }),
    ("repetition_penalty", |to, field| {
        put(&mut to.generation.repetition_penalty, field.number())
    }),
    ("do_sample", |to, field| {
        put(&mut to.generation.do_sample, field.boolean())
    }),
    ("temperature", |to, field| {
        put(&mut to.generation.temperature, field.number())
    }),
    ("top_k", |to, field| {
        put(&mut to.generation.top_k, field.whole_number())
    }),
    ("top_p", |to, field| {
        put(&mut to.generation.top_p, field.number())
    }),
    ("seed", |to, field| {
        put(&mut to.generation.seed, field.unsigned().map(Some))
    }),
    ("details", |to, field| put(&mut to.details, field.boolean())),
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
        details: false,
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
        let set = PARAMETERS
            .iter()
            .find(|(known, _)| known == name)
            .map(|&(_, set)| set);
        let set = set.ok_or_else(|| unknown(name))?;
        if !value.is_null() {
            let path = format!("parameters.{name}");
            set(
                &mut parameters,
                &Field::new(path, value, ErrorCode::InvalidParameter),
            )?;
        }
    }
    Ok(parameters)
}

/// Whether `name` belongs into `parameters`.
pub(super) fn is_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|&(known, _)| known == name)
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

fn unknown(name: &str) -> ApiError {
    let known = PARAMETERS.map(|(name, _)| name).join(", ");
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
            "details": true
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
                details: true
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
}

//! Every parameter of a request: what it is called, what it is for, what it may
//! be and what it sets. The parser and the documentation are made from it.

use blip2::{EarlyStopping, GenerationParameters};
use serde_json::{Value, json};

use super::InvocationParameters;
use crate::core::Limits;
use crate::router::ApiError;
use crate::router::choices::ChoicesForm;
use crate::router::field::Field;

/// One parameter that is understood.
pub(in crate::router) struct Parameter {
    pub(in crate::router) name: &'static str,
    /// What it is for, in the words of the documentation.
    pub(in crate::router) description: &'static str,
    /// Type, range and default as a JSON Schema.
    pub(in crate::router) schema: fn(&GenerationParameters, &Limits) -> Value,
    pub(super) set: fn(&mut InvocationParameters, &Field<'_>) -> Result<(), ApiError>,
}

/// Every parameter that is understood.
pub(in crate::router) const PARAMETERS: [Parameter; 14] = [
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::parse_parameters;

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

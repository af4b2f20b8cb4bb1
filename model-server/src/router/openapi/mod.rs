//! `GET /openapi.json`.
//!
//! `document.json` is written by hand; what the code has a table of is put in
//! from there: the parameters with their defaults, the codes of errors, the
//! limits.

#[cfg(test)]
mod tests;

use blip2::GenerationParameters;
use serde_json::{Map, Value, json};

use super::ErrorCode;
use super::json_size::MAX_JSON_VALUES;
use super::parameters::PARAMETERS;
use crate::core::{Limits, MAX_ADAPTER_NAME_BYTES};

const DOCUMENT: &str = include_str!("document.json");

/// The description of a server with these defaults and limits, in OpenAPI 3.1.
///
/// # Errors
/// Where `document.json` is no JSON, which a test excludes.
pub(super) fn document(
    defaults: &GenerationParameters,
    limits: &Limits,
) -> serde_json::Result<Value> {
    let mut document: Value = serde_json::from_str(DOCUMENT)?;
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let schemas = &mut document["components"]["schemas"];
    schemas["Parameters"]["properties"] = parameters(defaults, limits);
    // No keyword of a schema says what holds for several questions together.
    let choices = &mut schemas["Parameters"]["properties"]["choices"]["description"];
    let what = choices.as_str().unwrap_or_default();
    *choices = format!(
        "{what} A question may have up to {}, all questions of a request up to {} together; a \
         request may have up to {MAX_JSON_VALUES} JSON values in all.",
        limits.max_choices, limits.max_choices_per_request
    )
    .into();
    schemas["Prompt"]["maxLength"] = limits.max_prompt_characters.into();
    schemas["Prompts"]["items"]["maxLength"] = limits.max_prompt_characters.into();
    schemas["Prompts"]["maxItems"] = limits.max_prompts.into();
    schemas["Adapter"]["maxLength"] = MAX_ADAPTER_NAME_BYTES.into();
    let codes = ErrorCode::ALL.map(ErrorCode::name);
    schemas["Error"]["properties"]["error"]["properties"]["code"] = json!({"enum": codes});
    Ok(document)
}

fn parameters(defaults: &GenerationParameters, limits: &Limits) -> Value {
    let schema = |parameter: &super::parameters::Parameter| {
        let mut schema = (parameter.schema)(defaults, limits);
        schema["description"] = parameter.description.into();
        (parameter.name.to_owned(), schema)
    };
    Value::Object(PARAMETERS.iter().map(schema).collect::<Map<_, _>>())
}

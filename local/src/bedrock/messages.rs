//! Anthropic's messages request, as Bedrock takes it.
//!
//! Form: Amazon Bedrock User Guide, "Anthropic Claude Messages API". Read by hand from JSON
//! rather than derived, so that an error names the field as Bedrock does
//! (`messages.0.content: Field required`).

use serde_json::{Map, Value};

use super::error::BedrockError;
use crate::writer::{Speaker, Turn, WritingRequest};

/// The only version of the form.
const ANTHROPIC_VERSION: &str = "bedrock-2023-05-31";

/// Fields that are read. Others are refused, also those that Anthropic's models know and a
/// small language model can't honour (`tools`, `thinking`).
const FIELDS: [&str; 8] = [
    "anthropic_version",
    "max_tokens",
    "messages",
    "system",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
];

/// Reads a request.
///
/// # Errors
///
/// A `ValidationException` that names the field and what is wrong with it.
pub fn parse(body: &[u8]) -> Result<WritingRequest, BedrockError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        BedrockError::Validation(format!(
            "Malformed input request, please reformat your input and try again: {error}"
        ))
    })?;
    let Value::Object(fields) = value else {
        return Err(invalid("body", "Input should be a JSON object"));
    };
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(invalid(unknown, "Extra inputs are not permitted"));
    }
    match required(&fields, "anthropic_version")? {
        Value::String(version) if version == ANTHROPIC_VERSION => {}
        _ => {
            return Err(invalid(
                "anthropic_version",
                &format!("Input should be '{ANTHROPIC_VERSION}'"),
            ));
        }
    }
    Ok(WritingRequest {
        max_tokens: max_tokens(required(&fields, "max_tokens")?)?,
        turns: turns(required(&fields, "messages")?)?,
        system: given(&fields, "system")
            .map_or(Ok(String::new()), |value| text_of("system", value))?,
        temperature: unit_number(&fields, "temperature")?.unwrap_or(1.0),
        top_p: unit_number(&fields, "top_p")?.filter(|top_p| *top_p > 0.0),
        top_k: given(&fields, "top_k").map(top_k).transpose()?.flatten(),
        stop_sequences: given(&fields, "stop_sequences").map_or(Ok(Vec::new()), stop_sequences)?,
    })
}

fn invalid(field: &str, what: &str) -> BedrockError {
    BedrockError::Validation(format!("{field}: {what}"))
}

fn required<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value, BedrockError> {
    fields
        .get(name)
        .ok_or_else(|| invalid(name, "Field required"))
}

/// An optional field; null counts as absent.
fn given<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn max_tokens(value: &Value) -> Result<usize, BedrockError> {
    let tokens = value
        .as_i64()
        .ok_or_else(|| invalid("max_tokens", "Input should be a valid integer"))?;
    match usize::try_from(tokens) {
        Ok(tokens) if tokens >= 1 => Ok(tokens),
        _ => Err(invalid(
            "max_tokens",
            "Input should be greater than or equal to 1",
        )),
    }
}

fn unit_number(fields: &Map<String, Value>, name: &str) -> Result<Option<f64>, BedrockError> {
    let Some(value) = given(fields, name) else {
        return Ok(None);
    };
    match value.as_f64() {
        Some(number) if (0.0..=1.0).contains(&number) => Ok(Some(number)),
        Some(_) => Err(invalid(name, "range: 0..1")),
        None => Err(invalid(name, "Input should be a valid number")),
    }
}

/// 0 and -1 stand for no limit.
fn top_k(value: &Value) -> Result<Option<usize>, BedrockError> {
    match value.as_i64() {
        Some(-1 | 0) => Ok(None),
        Some(number @ 1..=500) => Ok(usize::try_from(number).ok()),
        Some(_) => Err(invalid("top_k", "range: 0..500")),
        None => Err(invalid("top_k", "Input should be a valid integer")),
    }
}

fn stop_sequences(value: &Value) -> Result<Vec<String>, BedrockError> {
    let items = value
        .as_array()
        .ok_or_else(|| invalid("stop_sequences", "Input should be a valid list"))?;
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let field = format!("stop_sequences.{index}");
            match item.as_str() {
                Some(text) if text.trim().is_empty() => Err(invalid(
                    &field,
                    "each stop sequence must contain non-whitespace",
                )),
                Some(text) => Ok(text.to_owned()),
                None => Err(invalid(&field, "Input should be a valid string")),
            }
        })
        .collect()
}

fn turns(value: &Value) -> Result<Vec<Turn>, BedrockError> {
    let messages = value
        .as_array()
        .ok_or_else(|| invalid("messages", "Input should be a valid list"))?;
    if messages.is_empty() {
        return Err(invalid("messages", "at least one message is required"));
    }
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let field = format!("messages.{index}");
        let Value::Object(fields) = message else {
            return Err(invalid(&field, "Input should be a valid dictionary"));
        };
        if let Some(unknown) = fields
            .keys()
            .find(|name| !["role", "content"].contains(&name.as_str()))
        {
            return Err(invalid(
                &format!("{field}.{unknown}"),
                "Extra inputs are not permitted",
            ));
        }
        let role = fields
            .get("role")
            .ok_or_else(|| invalid(&format!("{field}.role"), "Field required"))?;
        let speaker = match role.as_str() {
            Some("user") => Speaker::User,
            Some("assistant") => Speaker::Assistant,
            _ => {
                return Err(invalid(
                    &format!("{field}.role"),
                    "Input should be 'user' or 'assistant'",
                ));
            }
        };
        let field = format!("{field}.content");
        let content = fields
            .get("content")
            .ok_or_else(|| invalid(&field, "Field required"))?;
        let text = text_of(&field, content)?;
        let is_last = index + 1 == messages.len();
        if text.trim().is_empty() && !(is_last && speaker == Speaker::Assistant) {
            return Err(invalid(
                &format!("messages.{index}"),
                "all messages must have non-empty content except for the optional final assistant \
                 message",
            ));
        }
        turns.push(Turn { speaker, text });
    }
    if turns
        .first()
        .is_some_and(|turn| turn.speaker != Speaker::User)
    {
        return Err(invalid(
            "messages",
            "first message must use the \"user\" role",
        ));
    }
    Ok(turns)
}

/// A text that is a string or a list of text blocks.
fn text_of(field: &str, value: &Value) -> Result<String, BedrockError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(blocks) => {
            let texts: Result<Vec<&str>, BedrockError> = blocks
                .iter()
                .enumerate()
                .map(|(index, block)| text_block(&format!("{field}.{index}"), block))
                .collect();
            Ok(texts?.join("\n"))
        }
        _ => Err(invalid(
            field,
            "Input should be a valid string or a list of content blocks",
        )),
    }
}

fn text_block<'a>(field: &str, block: &'a Value) -> Result<&'a str, BedrockError> {
    let kind = block
        .get("type")
        .ok_or_else(|| invalid(&format!("{field}.type"), "Field required"))?;
    if kind != "text" {
        return Err(invalid(
            &format!("{field}.type"),
            &format!("{kind} blocks are not supported here, only 'text'"),
        ));
    }
    let field = format!("{field}.text");
    match block.get("text") {
        Some(Value::String(text)) if text.is_empty() => {
            Err(invalid(&field, "text content blocks must be non-empty"))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(invalid(&field, "Input should be a valid string")),
        None => Err(invalid(&field, "Field required")),
    }
}

#[cfg(test)]
mod tests;

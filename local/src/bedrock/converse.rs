//! Converse's request and response, which have one form for the models of all makers.
//!
//! Form: Amazon Bedrock API Reference, "Converse". What a small language model can't honour
//! (`toolConfig`, images) is refused as an unknown field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::BedrockError;
use crate::writer::{Speaker, Stop, Turn, Writing, WritingRequest};

/// What a model writes at most where the request does not say.
const DEFAULT_MAX_TOKENS: usize = 4_096;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    messages: Vec<Message>,
    #[serde(default)]
    system: Vec<TextBlock>,
    #[serde(default)]
    inference_config: InferenceConfig,
    guardrail_config: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: Role,
    content: Vec<TextBlock>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TextBlock {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InferenceConfig {
    max_tokens: Option<usize>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    #[serde(default)]
    stop_sequences: Vec<String>,
}

/// Reads a request, and whether it names a guardrail.
///
/// # Errors
///
/// A `ValidationException` that names the field and what is wrong with it.
pub fn parse(body: &[u8]) -> Result<(WritingRequest, bool), BedrockError> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| invalid(&format!("the request can't be read: {error}")))?;
    if let Some(guardrail) = &request.guardrail_config {
        for name in ["guardrailIdentifier", "guardrailVersion"] {
            if guardrail.get(name).and_then(Value::as_str).is_none() {
                return Err(invalid(&format!("guardrailConfig.{name} must be a string")));
            }
        }
    }
    let inference = request.inference_config;
    for (name, value) in [
        ("temperature", inference.temperature),
        ("topP", inference.top_p),
    ] {
        if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(invalid(&format!(
                "inferenceConfig.{name} must be from 0 to 1"
            )));
        }
    }
    if inference.max_tokens == Some(0) {
        return Err(invalid("inferenceConfig.maxTokens must be at least 1"));
    }
    let writing = WritingRequest {
        system: text_of(&request.system),
        turns: turns(&request.messages)?,
        max_tokens: inference.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        temperature: inference.temperature.unwrap_or(1.0),
        top_p: inference.top_p.filter(|top_p| *top_p > 0.0),
        top_k: None,
        stop_sequences: inference.stop_sequences,
    };
    Ok((writing, request.guardrail_config.is_some()))
}

fn invalid(what: &str) -> BedrockError {
    BedrockError::Validation(what.to_owned())
}

fn text_of(blocks: &[TextBlock]) -> String {
    let texts: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
    texts.join("\n")
}

/// The conversation, in which the two take turns and the user begins and ends.
fn turns(messages: &[Message]) -> Result<Vec<Turn>, BedrockError> {
    for (index, message) in messages.iter().enumerate() {
        let expected = if index.is_multiple_of(2) {
            Role::User
        } else {
            Role::Assistant
        };
        if message.role != expected {
            return Err(invalid(
                "A conversation must alternate between user and assistant roles, and start with \
                 a user message. Try again with such a conversation.",
            ));
        }
        if text_of(&message.content).trim().is_empty() {
            return Err(invalid(&format!(
                "The text field in the ContentBlock object at messages.{index}.content is blank. \
                 Add text to the text field, and try again."
            )));
        }
    }
    if messages.len().is_multiple_of(2) {
        return Err(invalid("A conversation must end with a user message."));
    }
    Ok(messages
        .iter()
        .map(|message| Turn {
            speaker: match message.role {
                Role::User => Speaker::User,
                Role::Assistant => Speaker::Assistant,
            },
            text: text_of(&message.content),
        })
        .collect())
}

/// The body of a successful answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseResponse {
    output: Output,
    stop_reason: &'static str,
    usage: Usage,
    metrics: Metrics,
}

#[derive(Serialize)]
struct Output {
    message: WrittenMessage,
}

#[derive(Serialize)]
struct WrittenMessage {
    role: &'static str,
    content: [TextBlock; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    input_tokens: usize,
    output_tokens: usize,
    total_tokens: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    latency_ms: u64,
}

impl ConverseResponse {
    /// What was written, or what the guardrail says in its place.
    pub fn new(writing: Writing, intervened: bool, latency_ms: u64) -> Self {
        let stop_reason = match writing.stop {
            _ if intervened => "guardrail_intervened",
            Stop::EndOfTurn => "end_turn",
            Stop::MaxTokens => "max_tokens",
            Stop::Sequence(_) => "stop_sequence",
        };
        Self {
            output: Output {
                message: WrittenMessage {
                    role: "assistant",
                    content: [TextBlock { text: writing.text }],
                },
            },
            stop_reason,
            usage: Usage {
                input_tokens: writing.input_tokens,
                output_tokens: writing.output_tokens,
                total_tokens: writing.input_tokens + writing.output_tokens,
            },
            metrics: Metrics { latency_ms },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> Value {
        json!({
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "system": [{"text": "a"}, {"text": "b"}],
            "inferenceConfig": {"maxTokens": 40, "temperature": 0.5, "stopSequences": ["END"]}
        })
    }

    fn message(request: &Value) -> String {
        match parse(request.to_string().as_bytes()) {
            Err(BedrockError::Validation(message)) => message,
            other => panic!("{request} was not refused: {other:?}"),
        }
    }

    #[test]
    fn a_request_is_read() {
        let (writing, guarded) = parse(request().to_string().as_bytes()).unwrap();
        assert_eq!(writing.system, "a\nb");
        assert_eq!(writing.question(), "Hello");
        assert_eq!((writing.max_tokens, writing.top_p), (40, None));
        assert!((writing.temperature - 0.5).abs() < f64::EPSILON);
        assert_eq!(writing.stop_sequences, ["END"]);
        assert!(!guarded);

        let mut guarded = request();
        guarded["guardrailConfig"] =
            json!({"guardrailIdentifier": "gr1", "guardrailVersion": "1", "trace": "disabled"});
        guarded["messages"].as_array_mut().unwrap().extend([
            json!({"role": "assistant", "content": [{"text": "A text."}]}),
            json!({"role": "user", "content": [{"text": "Again."}]}),
        ]);
        let (writing, guarded) = parse(guarded.to_string().as_bytes()).unwrap();
        assert!(guarded);
        assert_eq!(writing.turns.len(), 3);
        assert_eq!(writing.question(), "Again.");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value, expected) in [
            ("messages", json!([]), "end with a user message"),
            ("messages", json!("Hello"), "can't be read"),
            (
                "messages",
                json!([{"role": "assistant", "content": [{"text": "x"}]}]),
                "alternate",
            ),
            (
                "messages",
                json!([{"role": "user", "content": [{"text": " "}]}]),
                "messages.0.content is blank",
            ),
            (
                "messages",
                json!([{"role": "user", "content": [{"image": {}}]}]),
                "image",
            ),
            ("inferenceConfig", json!({"maxTokens": 0}), "maxTokens"),
            ("inferenceConfig", json!({"temperature": 2}), "temperature"),
            ("inferenceConfig", json!({"topK": 2}), "topK"),
            ("guardrailConfig", json!({}), "guardrailIdentifier"),
            ("toolConfig", json!({}), "toolConfig"),
        ] {
            let mut request = request();
            request[name] = value;
            let message = message(&request);
            assert!(message.contains(expected), "{name}: {message}");
        }
    }
}

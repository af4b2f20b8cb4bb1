//! Anthropic's messages response, as Bedrock gives it.

use serde::Serialize;

use super::model_id::short_name;
use crate::writer::{Stop, Writing};

/// The body of a successful answer.
#[derive(Debug, Serialize)]
pub struct MessagesResponse {
    id: String,
    r#type: &'static str,
    role: &'static str,
    model: String,
    content: Vec<TextBlock>,
    stop_reason: &'static str,
    stop_sequence: Option<String>,
    usage: Usage,
    #[serde(
        rename = "amazon-bedrock-guardrailAction",
        skip_serializing_if = "Option::is_none"
    )]
    guardrail_action: Option<&'static str>,
}

/// What a guardrail did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guardrail {
    /// The request names none.
    Absent,
    /// Request and text passed.
    Passed,
    /// It stopped them.
    Intervened,
}

#[derive(Debug, Serialize)]
struct TextBlock {
    r#type: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Usage {
    input_tokens: usize,
    output_tokens: usize,
}

impl MessagesResponse {
    /// What was written, or what the guardrail says in its place, in the name of the model
    /// that was asked.
    pub fn new(model_id: &str, writing: Writing, guardrail: Guardrail) -> Self {
        let (stop_reason, stop_sequence) = match writing.stop {
            Stop::EndOfTurn => ("end_turn", None),
            Stop::MaxTokens => ("max_tokens", None),
            Stop::Sequence(sequence) => ("stop_sequence", Some(sequence)),
        };
        Self {
            id: format!("msg_bdrk_{}", uuid::Uuid::new_v4().simple()),
            r#type: "message",
            role: "assistant",
            model: short_name(model_id).to_owned(),
            content: vec![TextBlock {
                r#type: "text",
                text: writing.text,
            }],
            stop_reason,
            stop_sequence,
            usage: Usage {
                input_tokens: writing.input_tokens,
                output_tokens: writing.output_tokens,
            },
            guardrail_action: match guardrail {
                Guardrail::Absent => None,
                Guardrail::Passed => Some("NONE"),
                Guardrail::Intervened => Some("INTERVENED"),
            },
        }
    }
}

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
    /// What was written, in the name of the model that was asked.
    pub fn new(model_id: &str, writing: Writing) -> Self {
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
        }
    }
}

//! The Anthropic messages form of `InvokeModel`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::domain::{Correction, Prompt, Usage};

/// The version of this form that Bedrock understands.
const ANTHROPIC_VERSION: &str = "bedrock-2023-05-31";

#[derive(Serialize)]
struct Request<'a> {
    anthropic_version: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    system: &'a str,
    messages: Vec<Message<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: [TextBlock<'a>; 1],
}

#[derive(Serialize)]
struct TextBlock<'a> {
    r#type: &'a str,
    text: &'a str,
}

impl<'a> Message<'a> {
    fn new(role: &'a str, text: &'a str) -> Message<'a> {
        Message {
            role,
            content: [TextBlock {
                r#type: "text",
                text,
            }],
        }
    }
}

/// The body of a request.
pub fn request(prompt: &Prompt, max_tokens: u32, temperature: Option<f64>) -> Bytes {
    let mut messages = vec![Message::new("user", &prompt.user)];
    if let Some(Correction { written, request }) = &prompt.correction {
        messages.push(Message::new("assistant", written));
        messages.push(Message::new("user", request));
    }
    let request = Request {
        anthropic_version: ANTHROPIC_VERSION,
        max_tokens,
        temperature,
        system: &prompt.system,
        messages,
    };
    // Strings and finite numbers alone, which always have a JSON form.
    serde_json::to_vec(&request).unwrap_or_default().into()
}

/// What a model wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Its text, without surrounding space; never empty.
    pub text: String,
    /// What it took.
    pub usage: Usage,
    /// Whether `max_tokens` ended it.
    pub cut_short: bool,
}

#[derive(Deserialize)]
struct Response {
    content: Vec<ContentBlock>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct ContentBlock {
    r#type: String,
    #[serde(default)]
    text: String,
}

/// Reads an answer. Blocks other than text (a model's thinking) are passed over.
/// The error says what is wrong with the answer.
pub fn read(body: &[u8]) -> Result<Written, String> {
    let response: Response = serde_json::from_slice(body)
        .map_err(|error| format!("its answer is not in the messages form: {error}"))?;
    let text: String = response
        .content
        .iter()
        .filter(|block| block.r#type == "text")
        .map(|block| block.text.as_str())
        .collect();
    let text = text.trim();
    let stop_reason = response.stop_reason.as_deref().unwrap_or("unknown");
    if text.is_empty() || stop_reason == "refusal" {
        return Err(format!(
            "its answer has no text (stop reason {stop_reason})"
        ));
    }
    Ok(Written {
        text: text.to_owned(),
        usage: response.usage,
        cut_short: stop_reason == "max_tokens",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn prompt() -> Prompt {
        Prompt {
            system: "Write.".into(),
            user: "<a>\"b\"</a>".into(),
            correction: None,
        }
    }

    fn body(temperature: Option<f64>) -> Value {
        serde_json::from_slice(&request(&prompt(), 400, temperature)).unwrap()
    }

    #[test]
    fn a_correction_goes_on_with_the_conversation() {
        let prompt = prompt().mending("A text.", &["Too short.".into()]);
        let body: Value = serde_json::from_slice(&request(&prompt, 400, None)).unwrap();
        let messages = body["messages"].as_array().unwrap();
        let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        assert_eq!(messages[1]["content"][0]["text"], "A text.");
        let request = messages[2]["content"][0]["text"].as_str().unwrap();
        assert!(request.contains("\n- Too short.\n"), "{request}");
    }

    #[test]
    fn the_request_has_the_messages_form() {
        assert_eq!(
            body(Some(0.1)),
            json!({
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 400,
                "temperature": 0.1,
                "system": "Write.",
                "messages": [{
                    "role": "user",
                    "content": [{"type": "text", "text": "<a>\"b\"</a>"}]
                }]
            })
        );
        assert_eq!(body(None).get("temperature"), None);
    }

    #[test]
    fn the_text_is_read_without_the_thinking() {
        let written = read(
            br#"{"id": "msg_1", "type": "message", "role": "assistant", "content": [
                   {"type": "thinking", "thinking": "hm"},
                   {"type": "text", "text": " A shirt."}, {"type": "text", "text": " Blue.\n"}],
                 "stop_reason": "end_turn", "usage": {"input_tokens": 180, "output_tokens": 96}}"#,
        )
        .unwrap();
        assert_eq!(written.text, "A shirt. Blue.");
        assert_eq!(
            written.usage,
            Usage {
                input_tokens: 180,
                output_tokens: 96
            }
        );
        assert!(!written.cut_short);
    }

    #[test]
    fn a_text_that_ran_out_of_tokens_says_so() {
        let body = br#"{"content": [{"type": "text", "text": "A"}], "stop_reason": "max_tokens"}"#;
        assert!(read(body).unwrap().cut_short);
    }

    #[test]
    fn an_answer_without_a_text_is_an_error() {
        for body in [
            r#"{"content": [], "stop_reason": "end_turn"}"#,
            r#"{"content": [{"type": "text", "text": " "}], "stop_reason": "end_turn"}"#,
            r#"{"content": [{"type": "text", "text": "I"}], "stop_reason": "refusal"}"#,
        ] {
            assert!(
                read(body.as_bytes()).unwrap_err().contains("no text"),
                "{body}"
            );
        }
        assert!(read(b"<html>").unwrap_err().contains("messages form"));
    }
}

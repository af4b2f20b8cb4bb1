//! The Anthropic messages form of `InvokeModel`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Unwritten, Written};
use crate::adapters::said;
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

#[derive(Deserialize)]
struct Response {
    content: Vec<ContentBlock>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Tokens,
    /// What a guardrail did, where there is one: `INTERVENED` or `NONE`.
    #[serde(default, rename = "amazon-bedrock-guardrailAction")]
    guardrail_action: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
}

#[derive(Deserialize)]
struct ContentBlock {
    r#type: String,
    #[serde(default)]
    text: String,
}

/// Whether a guardrail intervened, by what is said of its action.
pub fn has_intervened(action: Option<&str>) -> bool {
    action.is_some_and(|action| action.ends_with("INTERVENED"))
}

/// Reads an answer. Blocks other than text (a model's thinking) are passed over.
pub fn read(body: &[u8]) -> Result<Written, Unwritten> {
    let response: Response = serde_json::from_slice(body).map_err(|error| {
        let words = said(&error.to_string());
        Unwritten::NoText {
            reason: format!("its answer is not in the messages form: {words}"),
            usage: None,
        }
    })?;
    let text: String = response
        .content
        .iter()
        .filter(|block| block.r#type == "text")
        .map(|block| block.text.as_str())
        .collect();
    Answer {
        text: &text,
        stop_reason: response.stop_reason.as_deref().unwrap_or("unknown"),
        intervened: has_intervened(response.guardrail_action.as_deref()),
        usage: Usage {
            input_tokens: response.usage.input_tokens,
            output_tokens: response.usage.output_tokens,
            cost: None,
        },
    }
    .read()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Format;
    use serde_json::{Value, json};

    fn prompt() -> Prompt {
        Prompt {
            system: "Write.".into(),
            user: "<a>\"b\"</a>".into(),
            format: Format::Description,
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
                output_tokens: 96,
                cost: None,
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
        for (body, words) in [
            (r#"{"content": [], "stop_reason": "end_turn"}"#, "no text"),
            (
                r#"{"content": [{"type": "text", "text": " "}], "stop_reason": "end_turn"}"#,
                "no text",
            ),
            (
                r#"{"content": [{"type": "text", "text": "I"}], "stop_reason": "refusal"}"#,
                "no text",
            ),
            ("<html>", "messages form"),
        ] {
            let unwritten = read(body.as_bytes()).unwrap_err();
            assert!(
                matches!(&unwritten, Unwritten::NoText { reason, .. } if reason.contains(words)),
                "{body}: {unwritten:?}"
            );
        }
    }

    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-invoke-api.html>
    #[test]
    fn what_the_guardrail_stopped_is_no_text() {
        let body = |action: &str| {
            json!({
                "content": [{"type": "text", "text": "Sorry, no."}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 50},
                "amazon-bedrock-guardrailAction": action
            })
            .to_string()
        };
        assert_eq!(
            read(body("INTERVENED").as_bytes()),
            Err(Unwritten::Blocked {
                reason: "Sorry, no.".into(),
                usage: Usage {
                    input_tokens: 100,
                    output_tokens: 50,
                    cost: None,
                },
            })
        );
        assert_eq!(read(body("NONE").as_bytes()).unwrap().text, "Sorry, no.");
    }
}

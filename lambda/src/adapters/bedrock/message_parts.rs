//! The parts of an answer in Anthropic's messages form, as `InvokeModelWithResponseStream`
//! gives them: a JSON document each.
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use serde::Deserialize;

use super::growing::Growing;
use super::messages::has_intervened;
use super::{ModelError, ModelErrorKind};
use crate::adapters::{said, shortened};

/// What of a part is read. Its kinds have names of their own, but no name means two things.
#[derive(Deserialize)]
struct Part {
    /// The message as it begins.
    message: Option<Beginning>,
    delta: Option<Delta>,
    usage: Option<Tokens>,
    error: Option<Fault>,
    /// What a guardrail did, where there is one: `INTERVENED` or `NONE`.
    #[serde(rename = "amazon-bedrock-guardrailAction")]
    guardrail_action: Option<String>,
}

#[derive(Deserialize)]
struct Beginning {
    usage: Option<Tokens>,
}

/// What is added to a block or to the message. The thinking of a model is no text.
#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    stop_reason: Option<String>,
}

/// The tokens so far.
#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// An error that comes after the answer has begun.
#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type")]
    name: String,
    #[serde(default)]
    message: String,
}

/// Adds a part to the answer and gives the text that it adds, which may be empty.
pub fn add(answer: &mut Growing, part: &[u8]) -> Result<String, ModelError> {
    let part: Part = serde_json::from_slice(part).map_err(|error| ModelError {
        kind: ModelErrorKind::Refused,
        message: format!(
            "a part of its answer is not in the messages form: {}",
            said(&error.to_string())
        ),
    })?;
    if let Some(Fault { name, message }) = part.error {
        let kind = match name.as_str() {
            "overloaded_error" | "rate_limit_error" => ModelErrorKind::Throttled,
            _ => ModelErrorKind::Transient,
        };
        return Err(ModelError {
            kind,
            message: format!("{}: {}", shortened(&name), said(&message)),
        });
    }
    let of_the_beginning = part.message.and_then(|message| message.usage);
    for tokens in [of_the_beginning, part.usage].into_iter().flatten() {
        let usage = &mut answer.usage;
        usage.input_tokens = tokens.input_tokens.unwrap_or(usage.input_tokens);
        usage.output_tokens = tokens.output_tokens.unwrap_or(usage.output_tokens);
    }
    if has_intervened(part.guardrail_action.as_deref()) {
        answer.intervened = true;
    }
    let Some(Delta { text, stop_reason }) = part.delta else {
        return Ok(String::new());
    };
    if stop_reason.is_some() {
        answer.stop_reason = stop_reason;
    }
    let text = text.unwrap_or_default();
    answer.text.push_str(&text);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::adapters::bedrock::answer::{Unwritten, Written};
    use crate::domain::Usage;

    /// The parts as Anthropic documents them, around two of thinking and two of text.
    fn parts() -> Vec<Value> {
        vec![
            json!({"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant", "content": [],
                "stop_reason": null, "usage": {"input_tokens": 180, "output_tokens": 1}
            }}),
            json!({"type": "content_block_start", "index": 0,
                   "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0,
                   "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "ping"}),
            json!({"type": "content_block_start", "index": 1,
                   "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 1,
                   "delta": {"type": "text_delta", "text": "A shirt."}}),
            json!({"type": "content_block_delta", "index": 1,
                   "delta": {"type": "text_delta", "text": " Blue.\n"}}),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "message_delta",
                   "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                   "usage": {"output_tokens": 96}}),
            json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {
                "inputTokenCount": 180, "outputTokenCount": 96, "invocationLatency": 900,
                "firstByteLatency": 200
            }}),
        ]
    }

    /// The pieces of the text, and what the answer comes to.
    fn read(parts: &[Value]) -> (Vec<String>, Result<Result<Written, Unwritten>, ModelError>) {
        let mut answer = Growing::default();
        let pieces = parts
            .iter()
            .map(|part| add(&mut answer, part.to_string().as_bytes()).unwrap())
            .filter(|piece| !piece.is_empty())
            .collect();
        (pieces, answer.finish())
    }

    #[test]
    fn the_parts_are_the_answer() {
        let (pieces, outcome) = read(&parts());
        assert_eq!(pieces, ["A shirt.", " Blue.\n"]);
        let written = outcome.unwrap().unwrap();
        assert_eq!(written.text, "A shirt. Blue.");
        assert_eq!(written.usage.input_tokens, 180);
        assert_eq!(written.usage.output_tokens, 96);
        assert!(!written.cut_short);
    }

    #[test]
    fn an_answer_without_its_end_is_none() {
        let (pieces, outcome) = read(&parts()[..9]);
        assert_eq!(pieces.len(), 2);
        assert_eq!(outcome.unwrap_err().kind, ModelErrorKind::Transient);
    }

    #[test]
    fn what_ends_a_text_is_known() {
        let mut parts = parts();
        parts[9]["delta"]["stop_reason"] = json!("max_tokens");
        assert!(read(&parts).1.unwrap().unwrap().cut_short);
        parts[10]["amazon-bedrock-guardrailAction"] = json!("NONE");
        assert!(read(&parts).1.unwrap().is_ok());
        parts[10]["amazon-bedrock-guardrailAction"] = json!("INTERVENED");
        let blocked = Unwritten::Blocked {
            reason: "A shirt. Blue.".to_owned(),
            usage: Usage {
                input_tokens: 180,
                output_tokens: 96,
                cost: None,
            },
        };
        assert_eq!(read(&parts).1.unwrap(), Err(blocked));
    }

    #[test]
    fn an_error_among_the_parts_is_told_by_its_type() {
        let error = |kind: &str| {
            let part = json!({"type": "error", "error": {"type": kind, "message": "Sorry"}});
            add(&mut Growing::default(), part.to_string().as_bytes()).unwrap_err()
        };
        assert_eq!(error("overloaded_error").kind, ModelErrorKind::Throttled);
        let other = error("api_error");
        assert_eq!(other.kind, ModelErrorKind::Transient);
        assert_eq!(other.message, "api_error: «Sorry»");
        let unreadable = add(&mut Growing::default(), b"<html>").unwrap_err();
        assert_eq!(unreadable.kind, ModelErrorKind::Refused);
        assert!(unreadable.message.contains("messages form"), "{unreadable}");
    }
}

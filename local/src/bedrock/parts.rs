//! Answers in parts: each a message of the event-stream encoding, in which AWS frames what it
//! streams.
//! <https://smithy.io/2.0/aws/amazon-eventstream.html> has the encoding, <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html>
//! and <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>
//! the parts.

use std::convert::Infallible;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::iter;
use serde_json::{Value, json};

use super::error::BedrockError;

/// The media type of such an answer.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// A model writes some words at a time.
const WORDS_A_PIECE: usize = 4;

/// An answer of InvokeModel, as InvokeModelWithResponseStream gives it: parts in Anthropic's
/// form, each as bytes in a chunk.
///
/// # Errors
///
/// A part that is too long for the encoding.
pub fn of_invoke(answer: &Value, latency_ms: u64) -> Result<Body, BedrockError> {
    let usage = &answer["usage"];
    let mut begun = answer.clone();
    for (name, value) in [
        ("content", json!([])),
        ("stop_reason", Value::Null),
        (
            "usage",
            json!({"input_tokens": usage["input_tokens"], "output_tokens": 1}),
        ),
    ] {
        begun[name] = value;
    }
    let action = begun
        .as_object_mut()
        .and_then(|begun| begun.remove("amazon-bedrock-guardrailAction"));

    let mut parts = vec![
        json!({"type": "message_start", "message": begun}),
        json!({
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""}
        }),
    ];
    parts.extend(pieces(&answer["content"][0]["text"]).map(|piece| {
        json!({
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": piece}
        })
    }));
    parts.push(json!({"type": "content_block_stop", "index": 0}));
    parts.push(json!({
        "type": "message_delta",
        "delta": {
            "stop_reason": answer["stop_reason"],
            "stop_sequence": answer["stop_sequence"]
        },
        "usage": {"output_tokens": usage["output_tokens"]}
    }));
    let mut end = json!({
        "type": "message_stop",
        "amazon-bedrock-invocationMetrics": {
            "inputTokenCount": usage["input_tokens"],
            "outputTokenCount": usage["output_tokens"],
            "invocationLatency": latency_ms,
            "firstByteLatency": latency_ms
        }
    });
    if let Some(action) = action {
        end["amazon-bedrock-guardrailAction"] = action;
    }
    parts.push(end);
    let chunks = parts.into_iter().map(|part| {
        let bytes = STANDARD.encode(part.to_string());
        ("chunk", json!({"bytes": bytes}))
    });
    framed(chunks)
}

/// An answer of Converse, as ConverseStream gives it.
///
/// # Errors
///
/// A part that is too long for the encoding.
pub fn of_converse(answer: &Value) -> Result<Body, BedrockError> {
    let message = &answer["output"]["message"];
    let mut parts = vec![("messageStart", json!({"role": message["role"]}))];
    parts.extend(pieces(&message["content"][0]["text"]).map(|piece| {
        let delta = json!({"contentBlockIndex": 0, "delta": {"text": piece}});
        ("contentBlockDelta", delta)
    }));
    parts.extend([
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": answer["stopReason"]})),
        (
            "metadata",
            json!({"usage": answer["usage"], "metrics": answer["metrics"]}),
        ),
    ]);
    framed(parts)
}

/// A text in pieces, which put together are the text.
fn pieces(text: &Value) -> impl Iterator<Item = String> {
    let words: Vec<&str> = text
        .as_str()
        .unwrap_or_default()
        .split_inclusive(' ')
        .collect();
    let pieces: Vec<String> = words
        .chunks(WORDS_A_PIECE)
        .map(|words| words.concat())
        .collect();
    pieces.into_iter()
}

/// The body of events, each with its type.
fn framed(events: impl IntoIterator<Item = (&'static str, Value)>) -> Result<Body, BedrockError> {
    let frames: Result<Vec<Bytes>, BedrockError> = events
        .into_iter()
        .map(|(event_type, payload)| frame(event_type, &payload))
        .collect();
    let frames = frames?.into_iter().map(Ok::<Bytes, Infallible>);
    Ok(Body::from_stream(iter(frames)))
}

fn frame(event_type: &'static str, payload: &Value) -> Result<Bytes, BedrockError> {
    let header = |name: &'static str, value: &'static str| {
        Header::new(name, HeaderValue::String(value.into()))
    };
    let message = Message::new(payload.to_string())
        .add_header(header(":event-type", event_type))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", "event"));
    let mut frame: Vec<u8> = Vec::new();
    write_message_to(&message, &mut frame)
        .map_err(|error| BedrockError::InternalServer(error.to_string()))?;
    Ok(frame.into())
}

//! Texts that are told while they are written.

use aws_sdk_bedrockruntime::types::{ContentBlockDelta, ContentBlockDeltaEvent, MessageStopEvent};
use futures::StreamExt;
use futures::stream::iter;
use serde_json::Value;

use super::*;
use crate::fakes::FakeAudience;

/// Where an answer breaks off that has this word.
const BREAK: &str = "BREAK";

/// A text in words, and whether it breaks off after them.
fn words(text: &str) -> (Vec<&str>, bool) {
    match text.split_once(BREAK) {
        Some((before, _)) => (before.split_inclusive(' ').collect(), true),
        None => (text.split_inclusive(' ').collect(), false),
    }
}

fn broken_off() -> ModelError {
    ModelError {
        kind: ModelErrorKind::Transient,
        message: "broken off".to_owned(),
    }
}

/// An answer of InvokeModel, as its streaming form gives it.
pub fn parts_of_invoke(whole: &[u8]) -> Parts<Bytes> {
    let whole: Value = serde_json::from_slice(whole).unwrap();
    let (words, breaks_off) = words(whole["content"][0]["text"].as_str().unwrap());
    let mut parts = vec![json!({"type": "message_start", "message": {"usage": whole["usage"]}})];
    parts.extend(words.iter().map(|word| {
        json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": word}})
    }));
    if !breaks_off {
        parts.push(json!({
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"]},
            "usage": {"output_tokens": whole["usage"]["output_tokens"]}
        }));
        let action = &whole["amazon-bedrock-guardrailAction"];
        parts.push(json!({"type": "message_stop", "amazon-bedrock-guardrailAction": action}));
    }
    let mut parts: Vec<Result<Bytes, ModelError>> = parts
        .into_iter()
        .map(|part| Ok(Bytes::from(part.to_string())))
        .collect();
    if breaks_off {
        parts.push(Err(broken_off()));
    }
    iter(parts).boxed()
}

/// An answer of Converse, as its streaming form gives it.
pub fn parts_of_converse(whole: &ConverseOutput) -> Parts<ConverseStreamOutput> {
    let message = whole.output().unwrap().as_message().unwrap();
    let (words, breaks_off) = words(message.content()[0].as_text().unwrap());
    let mut parts: Vec<Result<ConverseStreamOutput, ModelError>> = words
        .into_iter()
        .map(|word| {
            let event = ContentBlockDeltaEvent::builder()
                .delta(ContentBlockDelta::Text(word.to_owned()))
                .content_block_index(0)
                .build();
            Ok(ConverseStreamOutput::ContentBlockDelta(event.unwrap()))
        })
        .collect();
    if breaks_off {
        parts.push(Err(broken_off()));
    } else {
        let stop = MessageStopEvent::builder()
            .stop_reason(whole.stop_reason().clone())
            .build();
        parts.push(Ok(ConverseStreamOutput::MessageStop(stop.unwrap())));
    }
    iter(parts).boxed()
}

/// What comes of a text, and what was heard of it.
async fn aloud(
    describer: &BedrockDescriber<FakeModels>,
) -> (Result<WrittenDescription, DescriberError>, Vec<String>) {
    let prompt = Prompt {
        system: "s".into(),
        user: "u".into(),
        format: Format::Description,
        correction: None,
    };
    let audience = FakeAudience::default();
    let deadline = Deadline::after(Duration::from_secs(10));
    let outcome = describer.describe_aloud(&prompt, &audience, deadline).await;
    (outcome, audience.take_words())
}

const APIS: [&str; 2] = ["invoke", "converse"];

#[tokio::test(start_paused = true)]
async fn what_is_heard_is_the_text_by_either_api() {
    for api in APIS {
        let describer = describer_with(&[("BEDROCK_API", api)], 0, |_, _| Ok("A blue shirt."));
        let (outcome, heard) = aloud(&describer).await;
        let written = outcome.unwrap();
        assert_eq!(heard, ["A", " blue", " shirt."], "{api}");
        assert_eq!(written.text, heard.concat());
        assert_eq!(written.model, "old");
        assert!(written.warnings.is_empty(), "{:?}", written.warnings);
        assert_eq!(written, describe(&describer).await.unwrap(), "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_cut_short_says_so_as_it_does_whole() {
    for api in APIS {
        let describer = describer_with(&[("BEDROCK_API", api)], 0, |_, _| Ok("A blue shirt of"));
        let (outcome, heard) = aloud(&describer).await;
        assert_eq!(heard.concat(), "A blue shirt of");
        assert!(outcome.unwrap().is_cut_short, "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_breaks_off_is_written_anew_by_the_same_model_or_the_next() {
    for api in APIS {
        let describer = describer_with(&[("BEDROCK_API", api)], 0, |id, call| match (id, call) {
            ("old", 1) => Ok("A red BREAK"),
            ("old", _) => Err(ModelErrorKind::Transient),
            _ => Ok("A shirt."),
        });
        let (outcome, heard) = aloud(&describer).await;
        assert_eq!(outcome.unwrap().text, "A shirt.");
        assert_eq!(heard, ["A", " red", "BrokenOff", "A", " shirt."], "{api}");
        assert_eq!(asked(&describer), ["old", "old", "old", "forbidden"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_guardrail_stops_is_an_error_of_its_own() {
    for api in APIS {
        let describer = describer_with(&[("BEDROCK_API", api)], 0, |_, _| Ok("BLOCKED"));
        let (outcome, _) = aloud(&describer).await;
        let error = outcome.unwrap_err();
        assert!(matches!(error, DescriberError::Blocked { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_permission_that_is_missing_is_that_of_streaming() {
    let describer = describer(0, |id, _| match id {
        "old" => Err(ModelErrorKind::AccessDenied),
        _ => Ok("A shirt."),
    });
    let (outcome, _) = aloud(&describer).await;
    let warnings = outcome.unwrap().warnings;
    let permission = "bedrock:InvokeModelWithResponseStream ";
    assert!(warnings[0].contains(permission), "{warnings:?}");
}

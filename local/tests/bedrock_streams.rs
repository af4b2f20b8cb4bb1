//! The streaming forms of the Bedrock Runtime, as the AWS SDK sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput, GuardrailStreamConfiguration, Message,
    ResponseStream, StopReason,
};
use common::LocalCloud;
use serde_json::{Value, json};

const MODEL: &str = "anthropic.claude-3-sonnet-20240229-v1:0";
const PRODUCT: &str = "<product_attributes>\nFabric: Cotton\nSleeve Length: Long Sleeves\n\
                       Colour: Navy Blue\n</product_attributes>";

fn request() -> String {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 400,
        "messages": [{"role": "user", "content": PRODUCT}],
    })
    .to_string()
}

/// The parts of an answer of InvokeModelWithResponseStream.
async fn parts(cloud: &LocalCloud, guardrail: Option<&str>) -> Vec<Value> {
    let output = cloud
        .bedrock_client()
        .invoke_model_with_response_stream()
        .model_id(MODEL)
        .set_guardrail_identifier(guardrail.map(str::to_owned))
        .set_guardrail_version(guardrail.map(|_| "1".to_owned()))
        .body(Blob::new(request()))
        .send()
        .await
        .unwrap();
    assert_eq!(output.content_type(), "application/json");
    let mut receiver = output.body;
    let mut parts = Vec::new();
    while let Some(event) = receiver.recv().await.unwrap() {
        let ResponseStream::Chunk(chunk) = event else {
            panic!("{event:?}");
        };
        let bytes = chunk.bytes.unwrap().into_inner();
        parts.push(serde_json::from_slice(&bytes).unwrap());
    }
    parts
}

/// The texts of the parts that have one.
fn pieces(parts: &[Value]) -> Vec<&str> {
    let deltas = parts
        .iter()
        .filter(|part| part["type"] == "content_block_delta");
    deltas
        .map(|part| part["delta"]["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_parts_of_invoke_model_are_its_answer() {
    let cloud = LocalCloud::start(&[]);
    let whole = cloud
        .bedrock_client()
        .invoke_model()
        .model_id(MODEL)
        .body(Blob::new(request()))
        .send()
        .await
        .unwrap();
    let whole: Value = serde_json::from_slice(whole.body().as_ref()).unwrap();
    let parts = parts(&cloud, None).await;
    let pieces = pieces(&parts);
    assert!(pieces.len() > 2, "{pieces:?}");
    assert_eq!(whole["content"][0]["text"], pieces.concat());
    let types: Vec<&Value> = parts.iter().map(|part| &part["type"]).collect();
    assert_eq!(types[..2], ["message_start", "content_block_start"]);
    assert_eq!(
        types[types.len() - 3..],
        ["content_block_stop", "message_delta", "message_stop"]
    );
    let begun = &parts[0]["message"];
    assert_eq!(begun["content"], json!([]));
    assert_eq!(
        begun["usage"]["input_tokens"],
        whole["usage"]["input_tokens"]
    );
    let delta = &parts[parts.len() - 2];
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert_eq!(
        delta["usage"]["output_tokens"],
        whole["usage"]["output_tokens"]
    );
}

#[tokio::test]
async fn a_guardrail_says_in_the_last_part_what_it_did() {
    let action = |parts: &[Value]| parts[parts.len() - 1]["amazon-bedrock-guardrailAction"].clone();
    let cloud = LocalCloud::start(&[]);
    assert_eq!(action(&parts(&cloud, None).await), Value::Null);
    assert_eq!(action(&parts(&cloud, Some("gr1")).await), "NONE");
    let blocked = format!("{MODEL}=blocked");
    let cloud = LocalCloud::start(&["--model-behaviour", &blocked]);
    assert_eq!(action(&parts(&cloud, Some("gr1")).await), "INTERVENED");
}

fn message() -> Message {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(PRODUCT.to_owned()))
        .build()
        .unwrap()
}

/// The text of an answer of Converse.
fn text_of(whole: &ConverseOutput) -> &str {
    let message = whole.output().unwrap().as_message().unwrap();
    message.content()[0].as_text().unwrap()
}

#[tokio::test]
async fn the_parts_of_converse_are_its_answer() {
    let cloud = LocalCloud::start(&[]);
    let client = cloud.bedrock_client();
    let whole = client.converse().model_id(MODEL).messages(message());
    let whole = whole.send().await.unwrap();
    let output = client.converse_stream().model_id(MODEL).messages(message());
    let mut receiver = output.send().await.unwrap().stream;
    let (mut pieces, mut stop, mut usage) = (Vec::new(), None, None);
    while let Some(event) = receiver.recv().await.unwrap() {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                pieces.push(delta.delta().unwrap().as_text().unwrap().clone());
            }
            ConverseStreamOutput::MessageStop(event) => stop = Some(event.stop_reason),
            ConverseStreamOutput::Metadata(metadata) => usage = metadata.usage,
            other => assert!(!other.is_unknown(), "{other:?}"),
        }
    }
    assert!(pieces.len() > 2, "{pieces:?}");
    assert_eq!(pieces.concat(), text_of(&whole));
    assert_eq!(stop, Some(StopReason::EndTurn));
    assert_eq!(usage.as_ref(), whole.usage());
}

#[tokio::test]
async fn converse_has_a_guardrail_too() {
    let blocked = format!("{MODEL}=blocked");
    let cloud = LocalCloud::start(&["--model-behaviour", &blocked]);
    let guardrail = GuardrailStreamConfiguration::builder()
        .guardrail_identifier("gr1")
        .guardrail_version("1")
        .build();
    let output = cloud
        .bedrock_client()
        .converse_stream()
        .model_id(MODEL)
        .messages(message())
        .guardrail_config(guardrail)
        .send()
        .await
        .unwrap();
    let mut receiver = output.stream;
    let mut stop = None;
    while let Some(event) = receiver.recv().await.unwrap() {
        if let ConverseStreamOutput::MessageStop(event) = event {
            stop = Some(event.stop_reason);
        }
    }
    assert_eq!(stop, Some(StopReason::GuardrailIntervened));
}

#[tokio::test]
async fn what_fails_fails_before_there_are_parts() {
    let setting = format!("{MODEL}=throttled:1");
    let cloud = LocalCloud::start(&["--model-behaviour", &setting]);
    let client = cloud.bedrock_client();
    let invoke = client.invoke_model_with_response_stream().model_id(MODEL);
    let error = invoke.body(Blob::new(request())).send().await.unwrap_err();
    assert!(error.into_service_error().is_throttling_exception());
    let invoke = client.invoke_model_with_response_stream().model_id(MODEL);
    let error = invoke.body(Blob::new("{}")).send().await.unwrap_err();
    assert!(error.into_service_error().is_validation_exception());
    assert!(pieces(&parts(&cloud, None).await).len() > 2);
}

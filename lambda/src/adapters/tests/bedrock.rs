//! Bedrock's client.

use aws_config::Region;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use aws_sdk_bedrockruntime::types::SystemContentBlock;

use super::canned::{Canned, Server};
use super::{assert_traced, config, trace};
use crate::adapters::bedrock::{InvokeModel, ModelErrorKind, SdkModels};
use crate::settings::Guardrail;

#[tokio::test]
async fn bedrock_hears_of_the_trace() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let models = SdkModels::new(&config(&server.url).await, None);
    let invoke = models.invoke("claude", "{}".into());
    trace().scope(invoke).await.unwrap();
    assert_traced(&server.requests()[0]);
}

#[tokio::test]
async fn a_model_is_invoked_by_its_arn() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let models = SdkModels::new(&config(&server.url).await, Some(Region::new("us-west-2")));
    let arn = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude";
    assert_eq!(models.invoke(arn, "{}".into()).await.unwrap(), "{}");
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3A"),
        "{request}"
    );
    assert!(
        request.contains("/us-west-2/bedrock/aws4_request"),
        "{request}"
    );
}

fn guardrail() -> Option<Guardrail> {
    Some(Guardrail {
        id: "gr1abc".into(),
        version: "2".into(),
    })
}

#[tokio::test]
async fn a_guardrail_goes_with_every_invocation() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let config = config(&server.url).await;
    let models = SdkModels::new(&config, None);
    models.invoke("claude", "{}".into()).await.unwrap();
    let models = models.with_guardrail(guardrail());
    models.invoke("claude", "{}".into()).await.unwrap();
    let requests = server.requests();
    assert!(!requests[0].to_lowercase().contains("guardrail"));
    for header in [
        "\r\nx-amzn-bedrock-guardrailidentifier: gr1abc\r\n",
        "\r\nx-amzn-bedrock-guardrailversion: 2\r\n",
    ] {
        let request = requests[1].to_lowercase();
        assert!(request.contains(header), "{request}");
    }
}

/// The answer is the example of AWS's reference of Converse.
#[tokio::test]
async fn a_model_is_conversed_with_behind_the_guardrail() {
    let answer = r#"{"output": {"message": {"role": "assistant", "content": [{"text": "A shirt."}]}},
                     "stopReason": "end_turn", "metrics": {"latencyMs": 3},
                     "usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 658}}"#;
    let server = Server::start(Canned::new(200, answer)).await;
    let models = SdkModels::new(&config(&server.url).await, None).with_guardrail(guardrail());
    let input = ConverseInputBuilder::default()
        .model_id("claude")
        .system(SystemContentBlock::Text("Write.".into()));
    let output = models.converse(input).await.unwrap();
    assert_eq!(output.stop_reason().as_str(), "end_turn");
    assert_eq!(output.usage().unwrap().output_tokens(), 628);
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /model/claude/converse HTTP/1.1\r\n"),
        "{request}"
    );
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["system"][0]["text"], "Write.");
    assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "gr1abc");
    assert_eq!(body["guardrailConfig"]["guardrailVersion"], "2");
}

#[tokio::test]
async fn bedrock_s_errors_are_told_apart() {
    for (status, code, message, kind) in [
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            ModelErrorKind::Gone,
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            ModelErrorKind::Gone,
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access.",
            ModelErrorKind::AccessDenied,
        ),
        (
            429,
            "ThrottlingException",
            "Too many requests.",
            ModelErrorKind::Throttled,
        ),
    ] {
        let body = serde_json::json!({"message": message}).to_string();
        let answer = Canned::new(status, body)
            .with("x-amzn-errortype", code)
            .with("x-amzn-requestid", "r-7");
        let server = Server::start(answer).await;
        let models = SdkModels::new(&config(&server.url).await, None);
        let input = ConverseInputBuilder::default().model_id("claude");
        for error in [
            models.invoke("claude", "{}".into()).await.unwrap_err(),
            models.converse(input).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, kind, "{error}");
            let said = format!("{code} (request id r-7): «{message}»");
            assert_eq!(error.message, said);
        }
        assert_eq!(
            server.requests().len(),
            2,
            "the SDK must not retry by itself"
        );
    }
}

//! The Bedrock Runtime, as the AWS SDK sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::time::{Duration, Instant};

use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::operation::converse::{ConverseError, ConverseOutput};
use aws_sdk_bedrockruntime::operation::invoke_model::InvokeModelError;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, GuardrailConfiguration, InferenceConfiguration, Message,
    StopReason, SystemContentBlock,
};
use common::LocalCloud;
use serde_json::{Value, json};

const MODEL: &str = "anthropic.claude-3-sonnet-20240229-v1:0";

fn request() -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 400,
        "temperature": 0.1,
        "system": "You write product descriptions.",
        "messages": [{"role": "user", "content": [{"type": "text", "text":
            "<product_attributes>\nFabric: Cotton\nSleeve Length: Long Sleeves\n</product_attributes>"}]}],
    })
}

async fn invoke(cloud: &LocalCloud, model: &str, body: &Value) -> Result<Value, InvokeModelError> {
    let invoke = cloud.bedrock_client().invoke_model().model_id(model);
    let output = invoke
        .content_type("application/json")
        .body(Blob::new(body.to_string()));
    let output = output
        .send()
        .await
        .map_err(|error| error.into_service_error())?;
    Ok(serde_json::from_slice(output.body().as_ref()).unwrap())
}

#[tokio::test]
async fn an_answer_has_anthropics_shape() {
    let cloud = LocalCloud::start(&[]);
    let answer = invoke(&cloud, MODEL, &request()).await.unwrap();
    assert!(answer["id"].as_str().unwrap().starts_with("msg_bdrk_"));
    assert_eq!(answer["type"], "message");
    assert_eq!(answer["role"], "assistant");
    assert_eq!(answer["model"], "claude-3-sonnet-20240229");
    assert_eq!(answer["content"].as_array().unwrap().len(), 1);
    assert_eq!(answer["content"][0]["type"], "text");
    let text = answer["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("Cotton") && text.contains("Long Sleeves"),
        "{text}"
    );
    assert_eq!(answer["stop_reason"], "end_turn");
    assert_eq!(answer["stop_sequence"], Value::Null);
    assert!(answer["usage"]["input_tokens"].as_u64().unwrap() > 0);
    assert!(answer["usage"]["output_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn stop_reasons_tell_why_a_text_ends() {
    let cloud = LocalCloud::start(&[]);
    let mut short = request();
    short["max_tokens"] = json!(5);
    let answer = invoke(&cloud, MODEL, &short).await.unwrap();
    assert_eq!(
        (&answer["stop_reason"], &answer["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(5))
    );
    let mut stopped = request();
    stopped["stop_sequences"] = json!(["Cotton"]);
    let answer = invoke(&cloud, MODEL, &stopped).await.unwrap();
    assert_eq!(answer["stop_reason"], "stop_sequence");
    assert_eq!(answer["stop_sequence"], "Cotton");
    assert!(
        !answer["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Cotton")
    );
}

#[tokio::test]
async fn token_counts_and_the_request_id_are_in_the_headers_too() {
    let cloud = LocalCloud::start(&[]);
    let url = format!("{}/model/{MODEL}/invoke", cloud.bedrock);
    let response = reqwest::Client::new()
        .post(url)
        .body(request().to_string())
        .send()
        .await
        .unwrap();
    let headers = response.headers().clone();
    let answer: Value = response.json().await.unwrap();
    let count = |name: &str| headers[name].to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(
        answer["usage"]["input_tokens"],
        count("x-amzn-bedrock-input-token-count")
    );
    assert_eq!(
        answer["usage"]["output_tokens"],
        count("x-amzn-bedrock-output-token-count")
    );
    assert!(headers.contains_key("x-amzn-bedrock-invocation-latency"));
    assert_eq!(headers["x-amzn-requestid"].len(), 36);
    assert_eq!(headers["x-local-cloud-writer"], "template");
}

#[tokio::test]
async fn inference_profiles_and_arns_are_models_too() {
    let cloud = LocalCloud::start(&[]);
    for model in [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ] {
        let answer = invoke(&cloud, model, &request()).await.unwrap();
        assert_eq!(answer["model"], "claude-sonnet-4-5-20250929", "{model}");
    }
    let error = invoke(&cloud, "amazon.titan-text-lite-v1", &request())
        .await
        .unwrap_err();
    assert!(error.is_validation_exception());
    assert_eq!(
        error.message(),
        Some("The provided model identifier is invalid.")
    );
}

#[tokio::test]
async fn models_fail_as_they_are_told_to() {
    let behaviours = [
        "anthropic.ended=ended",
        "anthropic.invalid=invalid",
        "anthropic.profile-v1:0=profile-required",
        "anthropic.denied=denied",
        "anthropic.throttled=throttled",
        "anthropic.slow=slow:400",
    ];
    let arguments: Vec<&str> = behaviours
        .iter()
        .flat_map(|behaviour| ["--model-behaviour", behaviour])
        .collect();
    let cloud = LocalCloud::start(&arguments);
    let fail = async |model: &str| invoke(&cloud, model, &request()).await.unwrap_err();

    let error = fail("anthropic.ended").await;
    assert!(error.is_resource_not_found_exception());
    assert!(
        error
            .message()
            .unwrap()
            .starts_with("This model version has reached the end of its life.")
    );
    let error = fail("anthropic.invalid").await;
    assert!(error.is_validation_exception());
    assert_eq!(
        error.message(),
        Some("The provided model identifier is invalid.")
    );
    let error = fail("anthropic.profile-v1:0").await;
    assert!(error.is_validation_exception());
    let message = error.message().unwrap();
    assert!(
        message
            .starts_with("Invocation of model ID anthropic.profile-v1:0 with on-demand throughput")
    );
    assert!(message.ends_with("ID or ARN of an inference profile that contains this model."));
    let error = fail("anthropic.denied").await;
    assert!(error.is_access_denied_exception());
    assert_eq!(
        error.message(),
        Some("You don't have access to the model with the specified model ID.")
    );
    for _ in 0..3 {
        assert!(fail("anthropic.throttled").await.is_throttling_exception());
    }
    let start = Instant::now();
    assert!(invoke(&cloud, "anthropic.slow", &request()).await.is_ok());
    assert!(start.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_model_is_throttled_for_a_number_of_calls() {
    let setting = format!("{MODEL}=throttled:2");
    let cloud = LocalCloud::start(&["--model-behaviour", &setting]);
    for _ in 0..2 {
        assert!(
            invoke(&cloud, MODEL, &request())
                .await
                .unwrap_err()
                .is_throttling_exception()
        );
    }
    assert!(invoke(&cloud, MODEL, &request()).await.is_ok());
}

#[tokio::test]
async fn a_wrong_request_is_a_validation_exception_that_names_the_field() {
    let cloud = LocalCloud::start(&[]);
    for (field, value, expected) in [
        ("anthropic_version", json!("1"), "anthropic_version: "),
        ("max_tokens", json!(0), "max_tokens: "),
        ("temperature", json!(2), "temperature: range: 0..1"),
        (
            "messages",
            json!([{"role": "robot", "content": "x"}]),
            "messages.0.role: ",
        ),
    ] {
        let mut body = request();
        body[field] = value;
        let error = invoke(&cloud, MODEL, &body).await.unwrap_err();
        assert!(error.is_validation_exception());
        assert!(error.message().unwrap().starts_with(expected), "{error:?}");
    }
}

async fn converse(
    cloud: &LocalCloud,
    model: &str,
    guardrail: Option<GuardrailConfiguration>,
) -> Result<ConverseOutput, ConverseError> {
    let product = "<product_attributes>\nFabric: Cotton\nSleeve Length: Long Sleeves\n\
                   </product_attributes>";
    let message = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(product.to_owned()))
        .build()
        .unwrap();
    let request = cloud
        .bedrock_client()
        .converse()
        .model_id(model)
        .system(SystemContentBlock::Text("You write.".to_owned()))
        .messages(message)
        .inference_config(InferenceConfiguration::builder().max_tokens(400).build())
        .set_guardrail_config(guardrail);
    let output = request.send().await;
    output.map_err(|error| error.into_service_error())
}

fn text_of(output: &ConverseOutput) -> &str {
    let message = output.output().unwrap().as_message().unwrap();
    message.content()[0].as_text().unwrap()
}

#[tokio::test]
async fn converse_writes_what_invoke_model_writes() {
    let cloud = LocalCloud::start(&[]);
    let output = converse(&cloud, MODEL, None).await.unwrap();
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    let usage = output.usage().unwrap();
    assert!(usage.input_tokens() > 0 && usage.output_tokens() > 0);
    assert_eq!(
        usage.total_tokens(),
        usage.input_tokens() + usage.output_tokens()
    );
    assert!(output.metrics().is_some());
    let invoked = invoke(&cloud, MODEL, &request()).await.unwrap();
    assert_eq!(invoked["content"][0]["text"], text_of(&output));

    let error = converse(&cloud, "amazon.titan-text-lite-v1", None)
        .await
        .unwrap_err();
    assert!(error.is_validation_exception());
}

#[tokio::test]
async fn a_guardrail_that_a_request_names_can_stop_it() {
    let blocked = format!("{MODEL}=blocked");
    let cloud = LocalCloud::start(&["--model-behaviour", &blocked]);
    let guardrail = GuardrailConfiguration::builder()
        .guardrail_identifier("gr1")
        .guardrail_version("1")
        .build();
    let output = converse(&cloud, MODEL, Some(guardrail.clone()))
        .await
        .unwrap();
    assert_eq!(output.stop_reason(), &StopReason::GuardrailIntervened);
    assert!(text_of(&output).contains("guardrail"));
    let output = converse(&cloud, MODEL, None).await.unwrap();
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);
    let other = "anthropic.other-v1:0";
    let output = converse(&cloud, other, Some(guardrail)).await.unwrap();
    assert_eq!(output.stop_reason(), &StopReason::EndTurn);

    let client = cloud.bedrock_client();
    for (model, action) in [(MODEL, "INTERVENED"), (other, "NONE")] {
        let output = client
            .invoke_model()
            .model_id(model)
            .guardrail_identifier("gr1")
            .guardrail_version("1")
            .body(Blob::new(request().to_string()))
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(output.body().as_ref()).unwrap();
        assert_eq!(answer["amazon-bedrock-guardrailAction"], action, "{answer}");
    }
    let answer = invoke(&cloud, MODEL, &request()).await.unwrap();
    assert_eq!(answer.get("amazon-bedrock-guardrailAction"), None);
}

#[tokio::test]
async fn other_operations_are_unknown() {
    let cloud = LocalCloud::start(&[]);
    let url = format!("{}/model/{MODEL}/count-tokens", cloud.bedrock);
    let response = reqwest::Client::new()
        .post(url)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.headers()["x-amzn-errortype"],
        "UnknownOperationException"
    );
}

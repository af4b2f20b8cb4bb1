//! The two APIs of Bedrock, its guardrails, and what a text costs.

use local_stack::StackOptions;
use serde_json::json;

use crate::common::*;

const FIRST: &str = "anthropic.claude-3-sonnet-20240229-v1:0";

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn converse_gives_the_same_description_as_invoke_model() {
    let mut descriptions = Vec::new();
    for api in ["invoke", "converse"] {
        let mut stack = start_with("BEDROCK_API", api).await;
        let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
        assert!(!answer.failed, "{api}: {answer:?}");
        assert_described(&answer.payload, "drawn-01");
        assert_eq!(answer.payload["models"]["description"], FIRST, "{api}");
        descriptions.push(answer.payload["description"].clone());
        stack.stop().await.unwrap();
    }
    assert_eq!(descriptions[0], descriptions[1]);
}

#[tokio::test]
async fn a_text_has_its_cost_where_the_price_is_known() {
    let mut stack = start_with("BEDROCK_MODEL_IDS", "anthropic.priced,anthropic.other").await;
    let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
    assert_eq!(answer.payload["usage"].get("cost_usd"), None, "{answer:?}");
    stack.stop().await.unwrap();

    let options = StackOptions {
        function_env: settings(&[
            ("BEDROCK_MODEL_IDS", "anthropic.priced"),
            ("MODEL_PRICES", "anthropic.priced=1000/2000"),
        ]),
        ..Default::default()
    };
    let mut stack = start(options).await;
    let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
    let usage = &answer.payload["usage"];
    let tokens = |name: &str| usage[name].as_f64().unwrap();
    let cost = tokens("input_tokens") * 0.001 + tokens("output_tokens") * 0.002;
    let said = usage["cost_usd"].as_f64().unwrap();
    assert!((said - cost).abs() < 1e-9, "{usage}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_guardrail_stops_is_a_problem_of_its_own_with_the_attributes() {
    for api in ["invoke", "converse"] {
        let options = StackOptions {
            model_behaviours: vec![format!("{FIRST}=blocked")],
            function_env: settings(&[
                ("BEDROCK_API", api),
                ("GUARDRAIL_ID", "gr1abc"),
                ("GUARDRAIL_VERSION", "1"),
            ]),
            ..Default::default()
        };
        let mut stack = start(options).await;
        let answer = stack.invoke(&event("http-api.json")).await.unwrap();
        let problem = assert_problem(&answer.payload, 422);
        assert_eq!(
            problem["type"], "urn:problem-type:lookbook:description-blocked",
            "{api}"
        );
        assert!(
            problem["attributes"].as_object().unwrap().len() >= 4,
            "{problem}"
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("GUARDRAIL_ID"), "{detail}");
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_guardrail_that_lets_a_text_pass_changes_nothing() {
    let options = StackOptions {
        function_env: settings(&[("GUARDRAIL_ID", "gr1abc"), ("GUARDRAIL_VERSION", "DRAFT")]),
        ..Default::default()
    };
    let mut stack = start(options).await;
    let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
    assert_described(&answer.payload, "drawn-01");
    assert_eq!(answer.payload["warnings"], json!([]));
    stack.stop().await.unwrap();
}

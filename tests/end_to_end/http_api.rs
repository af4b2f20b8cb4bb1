//! Calls by HTTP: API Gateway's events, a function URL's, and real HTTP.

use local_stack::StackOptions;
use serde_json::json;

use crate::common::*;

#[tokio::test]
async fn an_http_api_call_with_json_is_answered_with_attributes_and_a_description() {
    let mut stack = start(StackOptions::default()).await;
    let answer = stack.invoke(&event("http-api.json")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    assert_eq!(answer.payload["statusCode"], 200, "{:?}", answer.payload);
    assert_described(&body(&answer.payload), "drawn-01");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn an_http_api_call_with_the_bytes_of_a_photo_is_answered_for_what_it_asks() {
    let mut stack = start(StackOptions::default()).await;
    let answer = stack.invoke(&event("http-api-binary.json")).await.unwrap();
    assert_eq!(answer.payload["statusCode"], 200, "{:?}", answer.payload);
    let result = body(&answer.payload);
    assert_eq!(result["product_id"], "drawn-01");
    let attributes = result["attributes"].as_object().unwrap();
    assert!(!attributes.is_empty());
    for name in attributes.keys() {
        assert!(
            ["Sleeve Length", "Colour"].contains(&name.as_str()),
            "{name}"
        );
    }
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_function_url_call_is_answered() {
    let mut stack = start(StackOptions::default()).await;
    let answer = stack.invoke(&event("function-url.json")).await.unwrap();
    assert_eq!(answer.payload["statusCode"], 200, "{:?}", answer.payload);
    assert_described(&body(&answer.payload), "drawn-01");

    // The same as real HTTP, which the emulator turns into such an event.
    let url = format!(
        "{}/descriptions?product_id=by-http",
        stack.emulator().http_url()
    );
    let response = reqwest::Client::new()
        .post(url)
        .header("content-type", "image/jpeg")
        .body(sample("drawn-06"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_described(&response.json().await.unwrap(), "by-http");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_wrong_gets_a_problem_that_says_what_to_mend() {
    let mut stack = start(StackOptions::default()).await;
    let photo = base64(&sample("drawn-01"));

    // An attribute that the set does not know, with those that it does.
    let unknown = json!({"image": {"base64": photo}, "attributes": ["Fabric", "Buttons"]});
    let answer = stack.invoke(&http_event(&unknown)).await.unwrap();
    let detail = assert_problem(&answer.payload, 400)["detail"].to_string();
    assert!(
        detail.contains("Buttons") && detail.contains("Sleeve Styling"),
        "{detail}"
    );

    // A photo that is broken: cut short, and no photo at all.
    let cut = base64(&sample("drawn-01")[..20_000]);
    for broken in [cut, base64(b"GIF89a, or so it says")] {
        let broken = json!({"image": {"base64": broken}});
        let answer = stack.invoke(&http_event(&broken)).await.unwrap();
        let problem = assert_problem(&answer.payload, 422);
        assert!(
            problem["detail"].as_str().unwrap().contains("photo"),
            "{problem}"
        );
    }

    // An object that is not there.
    let missing = json!({"image": {"s3_uri": "s3://lookbook-catalogue/incoming/nowhere.jpg"}});
    let answer = stack.invoke(&http_event(&missing)).await.unwrap();
    let problem = assert_problem(&answer.payload, 404);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("incoming/nowhere.jpg"),
        "{problem}"
    );

    // No JSON, no image, another path, another method.
    let mut event = http_event(&json!({}));
    assert_problem(&stack.invoke(&event).await.unwrap().payload, 400);
    event["body"] = json!("{");
    assert_problem(&stack.invoke(&event).await.unwrap().payload, 400);
    event["rawPath"] = json!("/elsewhere");
    event["requestContext"]["http"]["path"] = json!("/elsewhere");
    assert_problem(&stack.invoke(&event).await.unwrap().payload, 404);

    // And it still answers.
    let answer = stack.invoke(&event_of_a_good_call()).await.unwrap();
    assert_eq!(answer.payload["statusCode"], 200);
    stack.stop().await.unwrap();
}

fn event_of_a_good_call() -> serde_json::Value {
    event("http-api.json")
}

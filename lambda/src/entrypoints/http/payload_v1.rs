//! Payload format 1.0: REST APIs, and HTTP APIs that are set to it.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{decode, is_known, joined, null_as_absent, path_below};
use super::{HttpRequest, HttpResponse, respond};
use crate::domain::Deadline;
use crate::entrypoints::App;

/// The part of the event that the function reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestApiEvent {
    #[serde(default, deserialize_with = "null_as_absent")]
    resource: String,
    path: String,
    http_method: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    headers: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    multi_value_headers: HashMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "null_as_absent")]
    query_string_parameters: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    multi_value_query_string_parameters: HashMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "null_as_absent")]
    body: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    is_base64_encoded: bool,
    request_context: RequestContext,
}

#[derive(Deserialize)]
struct RequestContext {
    #[serde(default, deserialize_with = "null_as_absent")]
    stage: String,
}

/// Answers the event in the same format.
pub async fn handle(app: &App, event: Box<RestApiEvent>, deadline: Deadline) -> Value {
    let event = *event;
    let headers = joined(event.headers, event.multi_value_headers);
    let query = joined(
        event.query_string_parameters,
        event.multi_value_query_string_parameters,
    );
    // Under a domain of one's own the path begins with that of the mapping. The
    // resource does not, but may be a proxy's.
    let path = if is_known(&event.resource) {
        event.resource.as_str()
    } else {
        path_below(&event.request_context.stage, &event.path)
    };
    let request = HttpRequest {
        method: &event.http_method,
        path,
        headers: &headers,
        query: &query,
        body: decode(event.body, event.is_base64_encoded),
    };
    to_event(&respond(app, request, deadline).await)
}

fn to_event(response: &HttpResponse) -> Value {
    json!({
        "statusCode": response.status,
        "headers": response.all_headers(|value| json!(value)),
        "body": response.body,
        "isBase64Encoded": false
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fakes::{Fakes, photo_base64};

    /// A call as API Gateway's proxy integration passes it on.
    fn event(change: impl FnOnce(&mut Value)) -> Value {
        let mut event = json!({
            "resource": "/descriptions",
            "path": "/descriptions",
            "httpMethod": "POST",
            "headers": {"Content-Type": "application/json"},
            "multiValueHeaders": {"Content-Type": ["application/json"]},
            "queryStringParameters": null,
            "multiValueQueryStringParameters": null,
            "pathParameters": null,
            "stageVariables": null,
            "requestContext": {
                "resourcePath": "/descriptions",
                "httpMethod": "POST",
                "path": "/prod/descriptions",
                "stage": "prod"
            },
            "body": json!({"image": {"base64": photo_base64()}}).to_string(),
            "isBase64Encoded": false
        });
        change(&mut event);
        event
    }

    async fn call(event: Value) -> (Value, Value) {
        let event = serde_json::from_value(event).unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let answer = handle(&Fakes::default().app(), event, deadline).await;
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer, body)
    }

    #[tokio::test]
    async fn the_answer_has_the_members_of_the_format_and_no_others() {
        let (answer, body) = call(event(|_| ())).await;
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["statusCode", "headers", "body", "isBase64Encoded"]
        );
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(
            answer["headers"],
            json!({"content-type": "application/json"})
        );
        assert_eq!(body["attributes"]["Fabric"], "Cotton");
    }

    #[tokio::test]
    async fn a_photo_takes_the_rest_from_a_query_of_several_values() {
        let (answer, body) = call(event(|event| {
            event["headers"] = Value::Null;
            event["multiValueHeaders"] = json!({"content-type": ["image/png"]});
            event["queryStringParameters"] = json!({"product_id": "7", "attributes": "Colour"});
            event["multiValueQueryStringParameters"] =
                json!({"product_id": ["7"], "attributes": ["Fabric", "Colour"]});
            event["body"] = json!(photo_base64());
            event["isBase64Encoded"] = json!(true);
        }))
        .await;
        assert_eq!(answer["statusCode"], 200, "{body}");
        assert_eq!(body["product_id"], "7");
        assert_eq!(
            body["attributes"],
            json!({"Fabric": "Cotton", "Colour": "Blue"})
        );
    }

    #[tokio::test]
    async fn mappings_proxies_and_stages_are_looked_through() {
        for (resource, path, expected) in [
            (json!("/descriptions"), "/shop/descriptions", 200),
            (json!("/{proxy+}"), "/descriptions", 200),
            (json!("/{proxy+}"), "/prod/descriptions", 200),
            (json!(null), "/descriptions", 200),
            (json!("/{proxy+}"), "/other", 404),
            (json!("/"), "/", 404),
        ] {
            let (answer, body) = call(event(|event| {
                event["resource"] = resource.clone();
                event["path"] = json!(path);
            }))
            .await;
            assert_eq!(answer["statusCode"], expected, "{resource} {path}: {body}");
        }
    }

    #[tokio::test]
    async fn a_batch_has_one_result_each() {
        let (answer, body) = call(event(|event| {
            event["resource"] = json!("/descriptions:batch");
            let image = json!({"base64": photo_base64()});
            let products = json!([{"product_id": "1", "image": image}, {"product_id": "2"}]);
            event["body"] = json!(json!({"products": products}).to_string());
        }))
        .await;
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(body["results"][0]["attributes"]["Fabric"], "Cotton");
        assert_eq!(body["results"][1]["status"], 400);
        assert_eq!(body["results"][1]["product_id"], "2");
    }

    #[tokio::test]
    async fn a_problem_is_one_here_too() {
        let (answer, body) = call(event(|event| event["httpMethod"] = json!("PUT"))).await;
        assert_eq!(answer["statusCode"], 405);
        assert_eq!(answer["headers"]["allow"], "POST");
        let content_type = &answer["headers"]["content-type"];
        assert_eq!(content_type, "application/problem+json");
        assert_eq!(body["status"], 405);
    }
}

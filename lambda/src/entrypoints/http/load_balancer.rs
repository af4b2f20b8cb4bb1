//! Application Load Balancers. A target group says whether headers and query
//! parameters come with one value or as lists, and takes its answers likewise.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{decode, joined, null_as_absent, path_below};
use super::{HttpRequest, HttpResponse, respond};
use crate::domain::Deadline;
use crate::entrypoints::App;

/// The part of the event that the function reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerEvent {
    http_method: String,
    path: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    headers: HashMap<String, String>,
    multi_value_headers: Option<HashMap<String, Vec<String>>>,
    #[serde(default, deserialize_with = "null_as_absent")]
    query_string_parameters: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    multi_value_query_string_parameters: HashMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "null_as_absent")]
    body: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    is_base64_encoded: bool,
}

/// Answers the event, with lists of values where it has them.
pub async fn handle(app: &App, event: Box<LoadBalancerEvent>, deadline: Deadline) -> Value {
    let event = *event;
    let with_lists = event.multi_value_headers.is_some();
    let headers = joined(event.headers, event.multi_value_headers.unwrap_or_default());
    let query = joined(
        event.query_string_parameters,
        event.multi_value_query_string_parameters,
    );
    let query = query
        .iter()
        .map(|(name, value)| (form_decoded(name), form_decoded(value)))
        .collect();
    let request = HttpRequest {
        method: &event.http_method,
        path: path_below("", &event.path),
        headers: &headers,
        query: &query,
        body: decode(event.body, event.is_base64_encoded),
    };
    to_event(&respond(app, request, deadline).await, with_lists)
}

/// A load balancer passes on the query as it was sent.
fn form_decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn to_event(response: &HttpResponse, with_lists: bool) -> Value {
    let mut event = json!({
        "statusCode": response.status,
        "statusDescription": format!("{} {}", response.status, reason(response.status)),
        "body": response.body,
        "isBase64Encoded": false
    });
    if with_lists {
        event["multiValueHeaders"] = json!(response.all_headers(|value| json!([value])));
    } else {
        event["headers"] = json!(response.all_headers(|value| json!(value)));
    }
    event
}

/// The words for a status that this function answers with.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        _ if status < 500 => "Client Error",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fakes::{Fakes, photo_base64};

    fn event(change: impl FnOnce(&mut Value)) -> Value {
        let arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lookbook/\
                   0123456789abcdef";
        let mut event = json!({
            "requestContext": {"elb": {"targetGroupArn": arn}},
            "httpMethod": "POST",
            "path": "/descriptions",
            "queryStringParameters": {},
            "headers": {"content-type": "application/json"},
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
    async fn the_answer_has_a_description_of_its_status() {
        let (answer, body) = call(event(|_| ())).await;
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(answer["statusDescription"], "200 OK");
        assert_eq!(
            answer["headers"],
            json!({"content-type": "application/json"})
        );
        assert_eq!(answer["isBase64Encoded"], false);
        assert!(answer.get("multiValueHeaders").is_none());
        assert_eq!(body["attributes"]["Fabric"], "Cotton");

        let (answer, _) = call(event(|event| event["path"] = json!("/"))).await;
        assert_eq!(answer["statusDescription"], "404 Not Found");
    }

    #[tokio::test]
    async fn lists_of_values_are_answered_with_lists() {
        let (answer, body) = call(event(|event| {
            event["headers"] = Value::Null;
            event["multiValueHeaders"] = json!({"content-type": ["image/png"]});
            event["queryStringParameters"] = Value::Null;
            event["multiValueQueryStringParameters"] =
                json!({"product_id": ["7"], "attributes": ["Fabric", "Colour"]});
            event["body"] = json!(photo_base64());
            event["isBase64Encoded"] = json!(true);
        }))
        .await;
        assert_eq!(answer["statusCode"], 200, "{body}");
        let headers = json!({"content-type": ["application/json"]});
        assert_eq!(answer["multiValueHeaders"], headers);
        assert!(answer.get("headers").is_none());
        assert_eq!(
            body["attributes"],
            json!({"Fabric": "Cotton", "Colour": "Blue"})
        );
    }

    #[tokio::test]
    async fn the_query_is_decoded() {
        let (answer, body) = call(event(|event| {
            event["headers"] = json!({"content-type": "image/png"});
            event["queryStringParameters"] =
                json!({"product%5Fid": "summer+shirt%2B1", "attributes": "Fabric%2CColour"});
            event["body"] = json!(photo_base64());
            event["isBase64Encoded"] = json!(true);
        }))
        .await;
        assert_eq!(answer["statusCode"], 200, "{body}");
        assert_eq!(body["product_id"], "summer shirt+1");
        assert_eq!(body["attributes"].as_object().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_batch_has_one_result_each() {
        let (answer, body) = call(event(|event| {
            event["path"] = json!("/descriptions:batch");
            let image = json!({"base64": photo_base64()});
            event["body"] = json!(json!({"products": [{"image": image}, 7]}).to_string());
        }))
        .await;
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(body["results"][0]["attributes"]["Fabric"], "Cotton");
        assert_eq!(body["results"][1]["status"], 400);
    }
}

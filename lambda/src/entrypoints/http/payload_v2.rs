//! Payload format 2.0: HTTP APIs and function URLs.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{decode, null_as_absent, path_below};
use super::{HttpRequest, HttpResponse, PATH, respond};
use crate::domain::Deadline;
use crate::entrypoints::App;

/// The part of the event that the function reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpApiEvent {
    raw_path: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    headers: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    query_string_parameters: HashMap<String, String>,
    #[serde(default, deserialize_with = "null_as_absent")]
    body: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    is_base64_encoded: bool,
    request_context: RequestContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    http: HttpContext,
    #[serde(default, deserialize_with = "null_as_absent")]
    stage: String,
    #[serde(default, deserialize_with = "null_as_absent")]
    domain_name: String,
}

#[derive(Deserialize)]
struct HttpContext {
    method: String,
}

/// Answers the event in the same format.
pub async fn handle(app: &App, mut event: Box<HttpApiEvent>, deadline: Deadline) -> Value {
    let body = decode(std::mem::take(&mut event.body), event.is_base64_encoded);
    let request = HttpRequest {
        method: &event.request_context.http.method,
        path: event.path(),
        headers: &event.headers,
        query: &event.query_string_parameters,
        body,
    };
    to_event(&respond(app, request, deadline).await)
}

impl HttpApiEvent {
    /// The path below the API. A function URL belongs to this function alone, so
    /// its root does.
    fn path(&self) -> &str {
        let RequestContext {
            stage, domain_name, ..
        } = &self.request_context;
        let path = path_below(stage, &self.raw_path);
        if path.is_empty() && domain_name.contains(".lambda-url.") {
            PATH
        } else {
            path
        }
    }
}

fn to_event(response: &HttpResponse) -> Value {
    json!({
        "statusCode": response.status,
        "headers": response.all_headers(|value| json!(value)),
        // A part of the format that API Gateway does without and the emulator
        // of cargo-lambda does not.
        "cookies": [],
        "body": response.body,
        "isBase64Encoded": false
    })
}

#[cfg(test)]
mod tests;

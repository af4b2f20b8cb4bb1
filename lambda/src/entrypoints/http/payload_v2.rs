//! Payload format 2.0: HTTP APIs and function URLs.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use lambda_runtime::Diagnostic;
use serde::Deserialize;
use serde_json::{Value, json};

use super::members::{decode, null_as_absent, path_below};
use super::streamed::{self, Streamed};
use super::{HttpRequest, HttpResponse, PATH, respond};
use crate::domain::Deadline;
use crate::entrypoints::App;
use crate::problem::Problem;

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
    let body = event.take_body();
    to_event(&respond(app, event.request(body), deadline).await)
}

/// Answers the event of a function URL whose invoke mode is `RESPONSE_STREAM`.
pub async fn stream(
    app: &Arc<App>,
    mut event: Box<HttpApiEvent>,
    deadline: Deadline,
) -> Result<Streamed, Diagnostic> {
    let body = event.take_body();
    streamed::respond(app, event.request(body), deadline).await
}

impl HttpApiEvent {
    /// Whether it comes from a function URL, which may have invoke mode `RESPONSE_STREAM`, and
    /// not from an HTTP API, which has none.
    pub fn is_of_a_function_url(&self) -> bool {
        self.request_context.domain_name.contains(".lambda-url.")
    }

    fn take_body(&mut self) -> Result<Bytes, Problem> {
        decode(std::mem::take(&mut self.body), self.is_base64_encoded)
    }

    fn request(&self, body: Result<Bytes, Problem>) -> HttpRequest<'_> {
        HttpRequest {
            method: &self.request_context.http.method,
            path: self.path(),
            headers: &self.headers,
            query: &self.query_string_parameters,
            body,
        }
    }

    /// The path below the API. A function URL belongs to this function alone, so
    /// its root does.
    fn path(&self) -> &str {
        let path = path_below(&self.request_context.stage, &self.raw_path);
        if path.is_empty() && self.is_of_a_function_url() {
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

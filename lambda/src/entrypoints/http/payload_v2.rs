//! Payload format 2.0: HTTP APIs and function URLs.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{HttpRequest, HttpResponse, PATH, respond};
use crate::domain::Deadline;
use crate::entrypoints::request_body::invalid;
use crate::entrypoints::{App, base64_text};
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

/// Some senders write members that have no value, others leave them out.
fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Answers the event in the same format.
pub async fn handle(app: &App, mut event: Box<HttpApiEvent>, deadline: Deadline) -> Value {
    let body = decode(std::mem::take(&mut event.body), event.is_base64_encoded);
    let request = HttpRequest {
        method: &event.request_context.http.method,
        path: event.path(),
        content_type: event.header("content-type"),
        body,
    };
    let query = |name: &str| event.query_string_parameters.get(name).map(String::as_str);
    to_event(respond(app, request, query, deadline).await)
}

impl HttpApiEvent {
    /// The path below the API: `rawPath` begins with the stage where that has a
    /// name. A function URL belongs to this function alone, so its root does.
    fn path(&self) -> &str {
        let RequestContext {
            stage, domain_name, ..
        } = &self.request_context;
        let path = self
            .raw_path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(stage.as_str()))
            .filter(|rest| !stage.is_empty() && (rest.is_empty() || rest.starts_with('/')))
            .unwrap_or(&self.raw_path)
            .trim_end_matches('/');
        if path.is_empty() && domain_name.contains(".lambda-url.") {
            PATH
        } else {
            path
        }
    }

    /// Names come in lower case from AWS; emulators pass them on as they are.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn decode(body: String, is_base64_encoded: bool) -> Result<Bytes, Problem> {
    if !is_base64_encoded {
        return Ok(body.into());
    }
    base64_text::decode(&body).map_err(|error| {
        invalid(format!(
            "isBase64Encoded is true, but the body is not: {error}"
        ))
    })
}

fn to_event(response: HttpResponse) -> Value {
    let mut headers = Map::new();
    headers.insert("content-type".to_owned(), json!(response.content_type));
    for (name, value) in response.headers {
        headers.insert(name.to_owned(), json!(value));
    }
    json!({
        "statusCode": response.status,
        "headers": headers,
        // A part of the format that API Gateway does without and the emulator
        // of cargo-lambda does not.
        "cookies": [],
        "body": response.body.to_string(),
        "isBase64Encoded": false
    })
}

#[cfg(test)]
mod tests;

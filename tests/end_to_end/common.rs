//! What the tests share: a started stack, photographs, expectations.

use std::net::SocketAddr;

use attributes::AttributeSet;
use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::{Programs, Stack, StackOptions};
use serde_json::{Value, json};

pub async fn start(options: StackOptions) -> Stack {
    Stack::start(options, |_| ()).await.unwrap()
}

/// A stack whose function has a setting.
pub async fn start_with(setting: &str, value: &str) -> Stack {
    let function_env = vec![(setting.to_owned(), value.to_owned())];
    start(StackOptions {
        function_env,
        ..Default::default()
    })
    .await
}

pub fn event(name: &str) -> Value {
    Programs::find().unwrap().event(name).unwrap()
}

/// The bytes of a drawn sample.
pub fn sample(id: &str) -> Vec<u8> {
    let programs = Programs::find().unwrap();
    std::fs::read(programs.repository.join(format!("samples/{id}.jpg"))).unwrap()
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A direct invocation about a drawn sample.
pub fn direct(id: &str) -> Value {
    json!({"product_id": id, "image": {"base64": base64(&sample(id))}})
}

/// The body of an HTTP answer, as JSON.
pub fn body(answer: &Value) -> Value {
    let text = answer["body"]
        .as_str()
        .unwrap_or_else(|| panic!("no body: {answer}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks a whole description of a product.
#[track_caller]
pub fn assert_described(result: &Value, product_id: &str) {
    assert_eq!(result["product_id"], product_id, "{result}");
    let attributes = result["attributes"]
        .as_object()
        .unwrap_or_else(|| panic!("{result}"));
    assert!(attributes.len() >= 4, "{result}");
    // In the set's order.
    let set = AttributeSet::embedded();
    let position = |name: &String| {
        set.attributes()
            .iter()
            .position(|known| &known.name == name)
            .unwrap()
    };
    let order: Vec<usize> = attributes.keys().map(position).collect();
    assert!(order.is_sorted(), "{order:?}");
    for (name, value) in attributes {
        assert!(!value.as_str().unwrap().is_empty(), "{name}");
        let confidence = result["confidence"][name].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&confidence), "{name} {confidence}");
    }
    // What is not answered is said to be missing, and nothing is both.
    for name in result["missing"].as_array().into_iter().flatten() {
        assert!(!attributes.contains_key(name.as_str().unwrap()), "{result}");
    }
    let description = result["description"].as_str().unwrap();
    assert!(description.len() > 20, "{description}");
    assert_eq!(result["models"]["attributes"], "endpoint-finetuned-blip2");
    assert!(
        result["models"]["description"]
            .as_str()
            .unwrap()
            .contains("claude"),
        "{result}"
    );
    assert!(
        result["usage"]["input_tokens"].as_u64().unwrap() > 0,
        "{result}"
    );
    assert!(
        result["usage"]["output_tokens"].as_u64().unwrap() > 0,
        "{result}"
    );
}

/// Checks a problem (RFC 9457) in an HTTP answer and returns it.
#[track_caller]
pub fn assert_problem(answer: &Value, status: u16) -> Value {
    assert_eq!(answer["statusCode"], status, "{answer}");
    let content_type = answer["headers"]["content-type"].as_str().unwrap();
    assert!(
        content_type.starts_with("application/problem+json"),
        "{content_type}"
    );
    let problem = body(answer);
    assert_eq!(problem["status"], status, "{problem}");
    for field in ["type", "title", "detail"] {
        assert!(
            problem[field].as_str().is_some_and(|text| !text.is_empty()),
            "{problem}"
        );
    }
    problem
}

/// The HTTP API event of `events/` with another JSON body.
pub fn http_event(body: &Value) -> Value {
    let mut event = event("http-api.json");
    event["body"] = Value::String(body.to_string());
    event["isBase64Encoded"] = Value::Bool(false);
    event
}

/// Serves on loopback, on a port of the system's choice, until the test ends.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

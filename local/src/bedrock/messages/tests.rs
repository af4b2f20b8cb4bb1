use serde_json::json;

use super::*;

fn request() -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 400,
        "messages": [{"role": "user", "content": "Hello"}],
    })
}

fn with(path: &str, value: Value) -> Value {
    let mut request = request();
    if let Some(parent) = request.pointer_mut(path) {
        *parent = value;
    } else {
        request[path.trim_start_matches('/')] = value;
    }
    request
}

fn message(request: &Value) -> String {
    match parse(request.to_string().as_bytes()) {
        Err(BedrockError::Validation(message)) => message,
        other => panic!("{request} was not refused: {other:?}"),
    }
}

#[test]
fn strings_and_blocks_are_read_alike() {
    let mut blocks = with(
        "/messages/0/content",
        json!([{"type": "text", "text": "Hello"}]),
    );
    blocks["system"] = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    let mut strings = request();
    strings["system"] = json!("a\nb");
    let parsed = parse(blocks.to_string().as_bytes()).unwrap();
    assert_eq!(parsed, parse(strings.to_string().as_bytes()).unwrap());
    assert_eq!(parsed.system, "a\nb");
    assert_eq!(parsed.question(), "Hello");
}

#[test]
fn parameters_are_read_and_have_anthropics_defaults() {
    let parsed = parse(request().to_string().as_bytes()).unwrap();
    assert!((parsed.temperature - 1.0).abs() < f64::EPSILON);
    assert_eq!(
        (parsed.top_p, parsed.top_k, parsed.max_tokens),
        (None, None, 400)
    );

    let mut full = request();
    full["temperature"] = json!(0.1);
    full["top_p"] = json!(0.5);
    full["top_k"] = json!(20);
    full["stop_sequences"] = json!(["END"]);
    let parsed = parse(full.to_string().as_bytes()).unwrap();
    assert!((parsed.temperature - 0.1).abs() < 1e-9);
    assert_eq!((parsed.top_p, parsed.top_k), (Some(0.5), Some(20)));
    assert_eq!(parsed.stop_sequences, ["END"]);
}

#[test]
fn what_is_missing_is_named() {
    for field in ["anthropic_version", "max_tokens", "messages"] {
        let mut request = request();
        request.as_object_mut().unwrap().remove(field);
        assert_eq!(message(&request), format!("{field}: Field required"));
    }
    assert_eq!(
        message(&with("/messages/0", json!({"role": "user"}))),
        "messages.0.content: Field required"
    );
    assert_eq!(
        message(&with("/messages/0", json!({"content": "x"}))),
        "messages.0.role: Field required"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (
            "/anthropic_version",
            json!("2023"),
            "anthropic_version: Input should be 'bedrock-2023-05-31'",
        ),
        (
            "/max_tokens",
            json!(0),
            "max_tokens: Input should be greater than or equal to 1",
        ),
        (
            "/max_tokens",
            json!("400"),
            "max_tokens: Input should be a valid integer",
        ),
        ("/temperature", json!(1.5), "temperature: range: 0..1"),
        (
            "/top_p",
            json!("x"),
            "top_p: Input should be a valid number",
        ),
        ("/top_k", json!(501), "top_k: range: 0..500"),
        (
            "/stop_sequences",
            json!("END"),
            "stop_sequences: Input should be a valid list",
        ),
        (
            "/stop_sequences",
            json!([" "]),
            "stop_sequences.0: each stop sequence",
        ),
        (
            "/system",
            json!(7),
            "system: Input should be a valid string",
        ),
        (
            "/system",
            json!([{"type": "text", "text": ""}]),
            "system.0.text: text content blocks",
        ),
        (
            "/messages",
            json!([]),
            "messages: at least one message is required",
        ),
        (
            "/messages",
            json!({}),
            "messages: Input should be a valid list",
        ),
        (
            "/messages/0/role",
            json!("system"),
            "messages.0.role: Input should be 'user' or 'assistant'",
        ),
        (
            "/messages/0/role",
            json!("assistant"),
            "messages: first message must use the \"user\" role",
        ),
        (
            "/messages/0/content",
            json!(""),
            "messages.0: all messages must have non-empty content",
        ),
        (
            "/messages/0/content",
            json!([{"type": "image"}]),
            "messages.0.content.0.type: \"image\" blocks",
        ),
        ("/tools", json!([]), "tools: Extra inputs are not permitted"),
    ];
    for (path, value, expected) in cases {
        let message = message(&with(path, value));
        assert!(message.starts_with(expected), "{path}: {message}");
    }
}

#[test]
fn what_is_no_json_object_is_refused() {
    for body in ["", "not json", "[]", "{\"max_tokens\": "] {
        let error = parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.name(), "ValidationException", "{body}");
    }
}

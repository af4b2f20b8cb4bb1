//! Requests that must be refused, and how.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::capabilities::Capabilities;
use crate::http::{Pace, head, request};
use crate::known::MAX_PROMPT_CHARACTERS;
use crate::photos::{Photos, jpeg_bomb, png_bomb, profile_bomb};
use crate::server::MAX_BODY_BYTES;

/// A request, and the answers that are right.
pub struct Bad {
    pub name: String,
    pub bytes: Vec<u8>,
    pub pace: Pace,
    pub expected: Expected,
}

pub enum Expected {
    /// This status, with one of these codes.
    Refused(u16, &'static [&'static str]),
    /// Bytes that are no HTTP: any 4xx, or the end of the connection.
    NoHttp,
    /// An answer, or 400 with this code: what is close to a limit.
    AnsweredOrRefused(&'static str),
}

const INVALID_JSON: Expected = Expected::Refused(400, &["invalid_json"]);
const INVALID_REQUEST: Expected = Expected::Refused(400, &["invalid_request"]);
const INVALID_PARAMETER: Expected = Expected::Refused(400, &["invalid_parameter"]);
const INVALID_IMAGE: Expected = Expected::Refused(400, &["invalid_image"]);
const TOO_LARGE: Expected = Expected::Refused(413, &["payload_too_large"]);
const WRONG_TYPE: Expected = Expected::Refused(415, &["unsupported_media_type"]);

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const QUESTION: &str = "What is the fabric of the shirt in this picture?";

/// All bad requests, by kind.
pub struct BadRequests {
    pub files: Vec<Bad>,
    pub bombs: Vec<Bad>,
    pub json: Vec<Bad>,
    pub parameters: Vec<Bad>,
    pub prompts: Vec<Bad>,
    pub http: Vec<Bad>,
}

impl BadRequests {
    pub fn make(photos: &Photos, capabilities: Capabilities) -> Result<BadRequests> {
        let first = |content_type| {
            let found = photos
                .ordinary
                .iter()
                .find(|photo| photo.content_type == content_type);
            let found = found.with_context(|| format!("there is no {content_type}"));
            found.map(|photo| photo.bytes.as_slice())
        };
        let (jpeg, png) = (first("image/jpeg")?, first("image/png")?);
        let mut files = files(jpeg, png, first("image/webp")?);
        if capabilities.raw_images {
            files.extend(raw_images(jpeg));
        }
        Ok(BadRequests {
            files,
            bombs: bombs(jpeg, png)?,
            json: malformed_json(jpeg),
            parameters: parameters(jpeg, capabilities),
            prompts: prompts(jpeg),
            http: http(jpeg),
        })
    }
}

fn bad(name: &str, bytes: Vec<u8>, expected: Expected) -> Bad {
    Bad {
        name: name.to_owned(),
        bytes,
        pace: Pace::AtOnce,
        expected,
    }
}

fn post(name: &str, body: impl AsRef<[u8]>, expected: Expected) -> Bad {
    let bytes = request("POST", "/invocations", &JSON, body.as_ref());
    bad(name, bytes, expected)
}

fn with_image(name: &str, image: &[u8], expected: Expected) -> Bad {
    let body = json!({"image": STANDARD.encode(image), "prompt": QUESTION});
    post(name, body.to_string(), expected)
}

/// A good request with some fields changed, null ones taken away.
fn with_fields(name: &str, image: &[u8], changed: Value, expected: Expected) -> Bad {
    let mut body = json!({"image": STANDARD.encode(image), "prompt": QUESTION});
    if let (Some(fields), Value::Object(changed)) = (body.as_object_mut(), changed) {
        for (name, value) in changed {
            if value.is_null() {
                fields.shift_remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
    }
    post(name, body.to_string(), expected)
}

fn files(jpeg: &[u8], png: &[u8], webp: &[u8]) -> Vec<Bad> {
    let mut files = vec![
        with_image("a text for a photo", b"just a text", INVALID_IMAGE),
        with_image("a GIF", b"GIF89a\x01\x00\x01\x00", INVALID_IMAGE),
        with_image("an SVG", b"<svg width='1' height='1'/>", INVALID_IMAGE),
        with_image("zeros", &[0; 4096], INVALID_IMAGE),
        with_image("the start of a JPEG", &[0xff, 0xd8, 0xff], INVALID_IMAGE),
        with_image("the head of a PNG", &png[..20], INVALID_IMAGE),
    ];
    for (format, file) in [("JPEG", jpeg), ("PNG", png), ("WebP", webp)] {
        for percent in [20, 50, 80] {
            let name = format!("{percent} % of a {format}");
            files.push(with_image(
                &name,
                &file[..file.len() * percent / 100],
                INVALID_IMAGE,
            ));
        }
    }
    for (name, image) in [
        ("an empty photo", ""),
        ("wrong base64", "AAAA*AAA"),
        ("base64 that was cut", "AAAAA"),
        ("a URL", "https://example.com/a.jpg"),
        ("a data URL without base64", "data:image/png,abc"),
    ] {
        let body = json!({"image": image, "prompt": QUESTION});
        files.push(post(name, body.to_string(), INVALID_IMAGE));
    }
    let through_the_endpoint = request(
        "POST",
        "/endpoints/soak/invocations",
        &JSON,
        json!({"image": "AAAA", "prompt": QUESTION})
            .to_string()
            .as_bytes(),
    );
    files.push(bad("at the endpoint", through_the_endpoint, INVALID_IMAGE));
    files
}

fn raw_images(jpeg: &[u8]) -> Vec<Bad> {
    const ATTRIBUTES: &str = "X-Amzn-SageMaker-Custom-Attributes";
    const ANY: &[&str] = &["invalid_json", "invalid_request", "invalid_parameter"];
    let attributes = json!({"prompts": [QUESTION]}).to_string();
    let raw = |name: &str, attributes: &str, body: &[u8], expected| {
        let headers = [("Content-Type", "image/jpeg"), (ATTRIBUTES, attributes)];
        bad(
            name,
            request("POST", "/invocations", &headers, body),
            expected,
        )
    };
    vec![
        raw("a raw text", &attributes, b"just a text", INVALID_IMAGE),
        raw(
            "half of a raw JPEG",
            &attributes,
            &jpeg[..jpeg.len() / 2],
            INVALID_IMAGE,
        ),
        raw(
            "a raw JPEG, attributes that are no JSON",
            "prompts=1",
            jpeg,
            Expected::Refused(400, ANY),
        ),
        raw(
            "a raw JPEG without a question",
            "{}",
            jpeg,
            Expected::Refused(400, ANY),
        ),
        raw(
            "a raw JPEG, an unknown parameter",
            &json!({"prompts": [QUESTION], "parameters": {"beams": 2}}).to_string(),
            jpeg,
            INVALID_PARAMETER,
        ),
    ]
}

fn bombs(jpeg: &[u8], png: &[u8]) -> Result<Vec<Bad>> {
    let pixels = png_bomb()?;
    let profile = profile_bomb(png, &pixels)?;
    let crowded = "[".repeat(1 << 20);
    let objects = format!("[{}0]", r#"{"":0},"#.repeat(400_000));
    let nested = format!(r#"{{"image":{}"#, r#"{"a":"#.repeat(2_000));
    let escaped = format!(r#"{{"prompt": "{}"}}"#, r"\u0000".repeat(400_000));
    let key = json!({"x".repeat(2 << 20): 1}).to_string();
    Ok(vec![
        with_image("a PNG of 144 million pixels", &pixels, INVALID_IMAGE),
        with_image(
            "a JPEG that says it is huge",
            &jpeg_bomb(jpeg)?,
            INVALID_IMAGE,
        ),
        with_image(
            "a PNG whose profile inflates to 144 MB",
            &profile,
            Expected::AnsweredOrRefused("invalid_image"),
        ),
        post("a million brackets", crowded, INVALID_REQUEST),
        post("400,000 objects", objects, INVALID_REQUEST),
        post("2,000 nested objects", nested, INVALID_JSON),
        post("a prompt of escapes", escaped, INVALID_REQUEST),
        post("a key of 2 MiB", key, INVALID_REQUEST),
    ])
}

fn malformed_json(jpeg: &[u8]) -> Vec<Bad> {
    let fields = |name: &str, changed| with_fields(name, jpeg, changed, INVALID_REQUEST);
    let whole = json!({"image": STANDARD.encode(jpeg), "prompt": QUESTION}).to_string();
    vec![
        post("an empty body", "", INVALID_JSON),
        post("no JSON", "hello", INVALID_JSON),
        post("half of a request", &whole[..whole.len() / 2], INVALID_JSON),
        post(
            "all but the last byte",
            &whole[..whole.len() - 1],
            INVALID_JSON,
        ),
        post("no UTF-8", b"{\"image\": \"\xff\"}", INVALID_JSON),
        post(
            "a number out of range",
            r#"{"prompt": 1e999}"#,
            INVALID_JSON,
        ),
        post("deep nesting", "[".repeat(1_000), INVALID_JSON),
        post("an array", "[{}]", INVALID_REQUEST),
        post("null", "null", INVALID_REQUEST),
        post("no field", "{}", INVALID_REQUEST),
        fields("no image", json!({"image": null})),
        fields("no prompt", json!({"prompt": null})),
        fields("an image that is a number", json!({"image": 7})),
        fields("a prompt that is a number", json!({"prompt": 7})),
        fields("prompt and prompts", json!({"prompts": [QUESTION]})),
        fields("no prompts", json!({"prompt": null, "prompts": []})),
        fields(
            "prompts of a text",
            json!({"prompt": null, "prompts": "Fit"}),
        ),
        fields("an unknown field", json!({"images": []})),
        fields("a parameter in the wrong place", json!({"num_beams": 2})),
    ]
}

fn parameters(jpeg: &[u8], capabilities: Capabilities) -> Vec<Bad> {
    let mut wrong = vec![
        json!([]),
        json!("details"),
        json!({"max_length": 20}),
        json!({"max_new_tokens": "20"}),
        json!({"max_new_tokens": 0}),
        json!({"max_new_tokens": 257}),
        json!({"max_new_tokens": u64::MAX}),
        json!({"max_new_tokens": 1.5}),
        json!({"max_new_tokens": 20, "min_new_tokens": 30}),
        json!({"num_beams": 0}),
        json!({"num_beams": 9}),
        json!({"repetition_penalty": -1}),
        json!({"do_sample": 1}),
        json!({"do_sample": true, "temperature": 0}),
        json!({"do_sample": true, "top_p": 1.5}),
        json!({"early_stopping": "maybe"}),
        json!({"seed": -5}),
        json!({"details": "yes"}),
    ];
    if capabilities.choices {
        let many: Vec<String> = (0..1_001).map(|n| format!("Fabric: {n}")).collect();
        wrong.extend([
            json!({"choices": []}),
            json!({"choices": [1, 2]}),
            json!({"choices": "Cotton"}),
            json!({"choices": many}),
            json!({"choices": ["Cotton", "Fabric: Cotton"]}),
            json!({"choices": {"Fit": ["Slim Fit"]}}),
            json!({"choices": ["x".repeat(2_000)]}),
            json!({"choices": ["Cotton", "Wool"], "abstain_below": "half"}),
            json!({"abstain_below": 0.5}),
        ]);
    }
    wrong
        .into_iter()
        .map(|parameters| {
            let name: String = parameters.to_string().chars().take(60).collect();
            let changed = json!({"parameters": parameters});
            with_fields(&name, jpeg, changed, INVALID_PARAMETER)
        })
        .collect()
}

fn prompts(jpeg: &[u8]) -> Vec<Bad> {
    let fields = |name: &str, changed| with_fields(name, jpeg, changed, INVALID_REQUEST);
    let many = |prompts: Vec<String>| json!({"prompt": null, "prompts": prompts});
    let over = "é".repeat(MAX_PROMPT_CHARACTERS + 1);
    vec![
        fields("an empty prompt", json!({"prompt": ""})),
        fields("a prompt of blanks", json!({"prompt": " \n\t"})),
        fields("a prompt just over the limit", json!({"prompt": over})),
        with_fields(
            "a prompt of many tokens",
            jpeg,
            json!({"prompt": "?".repeat(MAX_PROMPT_CHARACTERS)}),
            Expected::AnsweredOrRefused("invalid_request"),
        ),
        fields("a prompt of 1 MiB", json!({"prompt": "x".repeat(1 << 20)})),
        fields(
            "one prompt of two too long",
            many(vec![QUESTION.to_owned(), over.clone()]),
        ),
        fields("65 prompts", many(vec![QUESTION.to_owned(); 65])),
        fields("9,000 prompts", many(vec!["?".to_owned(); 9_000])),
    ]
}

fn http(jpeg: &[u8]) -> Vec<Bad> {
    let body = json!({"image": STANDARD.encode(jpeg), "prompt": QUESTION}).to_string();
    let body = body.as_bytes();
    let too_long = vec![b' '; MAX_BODY_BYTES + 1];
    let mut chunked =
        b"POST /invocations HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunked.extend(format!("{:x}\r\n", too_long.len()).bytes());
    chunked.extend_from_slice(&too_long);
    chunked.extend(b"\r\n0\r\n\r\n");
    let mut requests = vec![
        post("a body just over the limit", &too_long, TOO_LARGE),
        bad(
            "a body of unknown length over the limit",
            chunked,
            TOO_LARGE,
        ),
        bad(
            "a body that says it is a terabyte",
            head("POST", "/invocations", &JSON, 1 << 40),
            TOO_LARGE,
        ),
        bad(
            "a path that is not there",
            request("GET", "/models", &[], b""),
            Expected::Refused(404, &["not_found"]),
        ),
        bad(
            "GET of invocations",
            request("GET", "/invocations", &[], b""),
            Expected::Refused(405, &["method_not_allowed"]),
        ),
        bad(
            "POST of ping",
            request("POST", "/ping", &JSON, body),
            Expected::Refused(405, &["method_not_allowed"]),
        ),
    ];
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=iso-8859-1",
        "application/octet-stream",
    ] {
        let headers = [("Content-Type", content_type)];
        let bytes = request("POST", "/invocations", &headers, body);
        requests.push(bad(content_type, bytes, WRONG_TYPE));
    }
    for (name, bytes) in [
        (
            "a TLS handshake",
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        ),
        (
            "a negative length",
            b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        ),
        (
            "a chunk without a size",
            b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ),
        ("words", b"\r\n\r\n\r\nhello\r\n\r\n"),
    ] {
        requests.push(bad(name, bytes.to_vec(), Expected::NoHttp));
    }
    requests
}

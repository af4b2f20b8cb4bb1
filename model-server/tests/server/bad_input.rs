//! Bad input of every kind gets an error that says what to mend, and the server
//! answers afterwards.

use image::ImageFormat;
use model_server::core::Limits;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Server, base64, echo, encoded, picture, png, question, raw, read};

/// Every body is refused with this status and code and a message that contains
/// the given part; after each, a good request is answered.
async fn assert_refused(
    server: &Server,
    body: impl Into<reqwest::Body>,
    expected: (u16, &str, &str),
) {
    let (status, code, part) = expected;
    let body = body.into();
    let response = server
        .request(|client| {
            let request = client.post(server.url("/invocations")).body(body);
            request.header("content-type", "application/json")
        })
        .await;
    let (actual, answer) = read(response).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(
        (actual, answer["error"]["code"].as_str()),
        (status, Some(code)),
        "{message}"
    );
    assert!(message.contains(part), "expected {part:?} in {message:?}");
    assert!(message.chars().count() < 700, "{message}");
    assert_eq!(answer.as_object().unwrap().len(), 1);
    assert_eq!(
        server.post(&question("Fit")).await,
        (200, json!({"Fit": "4x3"}))
    );
}

fn with(fields: Value) -> String {
    let mut body = question("Fit");
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_request() {
    let server = Server::start(echo()).await;
    let nested = "[".repeat(1_000);
    let crowded = "[".repeat(1 << 20);
    for (body, code, part) in [
        (String::new(), "invalid_json", "the body is empty"),
        ("hello".to_owned(), "invalid_json", "no JSON"),
        (
            "{\"image\": \"AAAA\"".to_owned(),
            "invalid_json",
            "EOF while parsing",
        ),
        (
            "{\"prompt\": NaN}".to_owned(),
            "invalid_json",
            "line 1 column",
        ),
        (
            "{\"prompt\": 1e999}".to_owned(),
            "invalid_json",
            "number out of range",
        ),
        (nested, "invalid_json", "recursion limit exceeded"),
        (crowded, "invalid_request", "more than 10000 JSON values"),
        ("[{}]".to_owned(), "invalid_request", "the body is an array"),
        ("null".to_owned(), "invalid_request", "the body is null"),
        (
            question("Fit")
                .to_string()
                .replacen('{', r#"{"prompt": "Fit", "#, 1),
            "invalid_request",
            "the key `prompt` twice",
        ),
        ("{}".to_owned(), "invalid_request", "`prompt`"),
        (
            r#"{"prompt": "Fit"}"#.to_owned(),
            "invalid_request",
            "`image` is missing",
        ),
        (
            with(json!({"image": 7})),
            "invalid_request",
            "`image` must be a string",
        ),
        (
            with(json!({"image": {"s3": 1}})),
            "invalid_request",
            "not an object",
        ),
        (
            with(json!({"prompt": 7})),
            "invalid_request",
            "`prompt` must be a string",
        ),
        (
            with(json!({"prompt": null})),
            "invalid_request",
            "no question is given",
        ),
        (
            with(json!({"prompts": ["Fit"]})),
            "invalid_request",
            "keep one of them",
        ),
        (
            with(json!({"prompt": null, "prompts": []})),
            "invalid_request",
            "at least one question",
        ),
        (
            with(json!({"prompt": null, "prompts": "Fit"})),
            "invalid_request",
            "an array of strings",
        ),
        (
            with(json!({"prompt": null, "prompts": ["a", null]})),
            "invalid_request",
            "`prompts[1]`",
        ),
        (
            with(json!({"prompt": null, "prompts": ["a", " "]})),
            "invalid_request",
            "2 of 2 is empty",
        ),
        (
            with(json!({"prompt": null, "prompts": vec!["a"; 65]})),
            "invalid_request",
            "up to 64",
        ),
        (with(json!({"prompt": ""})), "invalid_request", "is empty"),
        (
            with(json!({"prompt": "x".repeat(1 << 20)})),
            "invalid_request",
            "the limit is 2048",
        ),
        (
            with(json!({"images": []})),
            "invalid_request",
            "unknown field `images` in the body; known are image",
        ),
        (
            with(json!({"x".repeat(1 << 20): 1})),
            "invalid_request",
            "known are image, prompt",
        ),
        (
            with(json!({"details": true})),
            "invalid_request",
            "belongs into `parameters`",
        ),
    ] {
        assert_refused(&server, body, (400, code, part)).await;
    }
    assert_refused(
        &server,
        b"{\"image\": \"\xff\"}".to_vec(),
        (400, "invalid_json", "no JSON"),
    )
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_without_sense() {
    let server = Server::start(echo()).await;
    for (parameters, part) in [
        (json!([]), "`parameters` must be an object"),
        (json!("x"), "`parameters` must be an object"),
        (
            json!({"max_length": 20}),
            "unknown parameter `max_length`; known are max_new_tokens",
        ),
        // One of transformers' that is not taken: a question has one answer.
        (
            json!({"num_return_sequences": 2}),
            "unknown parameter `num_return_sequences`",
        ),
        (
            json!({"max_new_tokens": "20"}),
            "`parameters.max_new_tokens` must be a whole number",
        ),
        (json!({"max_new_tokens": -1}), "not -1"),
        (json!({"max_new_tokens": 1.5}), "not 1.5"),
        (json!({"max_new_tokens": 0}), "max_new_tokens"),
        (
            json!({"max_new_tokens": 257}),
            "`max_new_tokens` is 257, this server allows up to 256",
        ),
        (json!({"max_new_tokens": u64::MAX}), "allows up to 256"),
        (json!({"max_new_tokens": 1e300}), "must be a whole number"),
        (
            json!({"min_new_tokens": 30, "max_new_tokens": 20}),
            "min_new_tokens",
        ),
        (json!({"num_beams": 0}), "num_beams"),
        (
            json!({"num_beams": 9}),
            "`num_beams` is 9, this server allows up to 8",
        ),
        (json!({"num_beams": true}), "not true"),
        (json!({"repetition_penalty": 0}), "repetition_penalty"),
        (json!({"repetition_penalty": -2}), "repetition_penalty"),
        (
            json!({"repetition_penalty": [1]}),
            "must be a number, not an array",
        ),
        (
            json!({"do_sample": 1}),
            "`parameters.do_sample` must be true or false, not 1",
        ),
        (json!({"do_sample": true, "temperature": 0}), "temperature"),
        (json!({"do_sample": true, "top_p": 1.5}), "top_p"),
        (
            json!({"early_stopping": "maybe"}),
            "true, false or \"never\"",
        ),
        (json!({"seed": -5}), "`parameters.seed`"),
        (
            json!({"details": "yes"}),
            "`parameters.details` must be true or false",
        ),
    ] {
        let body = with(json!({"parameters": parameters}));
        assert_refused(&server, body, (400, "invalid_parameter", part)).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_without_sense() {
    let server = Server::start(echo()).await;
    let fabric = "What is the fabric of the shirt in this picture?";
    let fit = "What is the fit of the shirt in this picture?";
    let many: Vec<String> = (0..1_001).map(|number| format!("V: {number}")).collect();
    let thousand = &many[..1_000];
    for (prompts, parameters, part) in [
        (
            json!([fit]),
            json!({"choices": "Slim"}),
            "must be an array of values",
        ),
        (json!([fit]), json!({"choices": []}), "has no choices"),
        (json!([fit]), json!({"choices": [""]}), "empty choice"),
        (
            json!([fit]),
            json!({"choices": [7]}),
            "`parameters.choices[0]` must be a string",
        ),
        (
            json!([fit]),
            json!({"choices": many}),
            "1001 choices, the limit is 1000",
        ),
        (
            json!([fit]),
            json!({"choices": ["Slim", "Fit: Slim"]}),
            "keep one of them",
        ),
        (
            json!([fit]),
            json!({"choices": {"Fabric": ["Cotton"]}}),
            "`Fabric`",
        ),
        (
            json!(["Fit"]),
            json!({"choices": ["Slim"]}),
            "write the whole answer",
        ),
        (
            json!([fit, fabric]),
            json!({"choices": ["Slim"]}),
            "there are 2 questions",
        ),
        (
            json!([fit, fabric]),
            json!({"choices": [null]}),
            "1 entries for 2 questions",
        ),
        (
            json!(vec!["Fit"; 5]),
            json!({"choices": vec![thousand; 5]}),
            "5000 choices together, the limit is 4000",
        ),
        (json!([fit]), json!({"abstain_below": 0.5}), "add `choices`"),
        (
            json!([fit]),
            json!({"choices": ["Slim"], "abstain_below": 1.5}),
            "`parameters.abstain_below` must be a number from 0 to 1, not 1.5",
        ),
    ] {
        let body = json!({"image": png(4, 3), "prompts": prompts, "parameters": parameters});
        let expected = (400, "invalid_parameter", part);
        assert_refused(&server, body.to_string(), expected).await;
    }
    // So many that they are not even parsed.
    let body = json!({"image": png(4, 3), "prompts": vec!["Fit"; 11],
        "parameters": {"choices": vec![thousand; 11]}});
    let part = "more than 10000 JSON values, prompts and choices included: send several requests";
    assert_refused(&server, body.to_string(), (400, "invalid_request", part)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_are_none() {
    let server = Server::start(echo()).await;
    let picture = picture(300, 200);
    let png = encoded(&picture, ImageFormat::Png);
    let webp = encoded(&picture, ImageFormat::WebP);
    let jpeg = encoded(&picture, ImageFormat::Jpeg);
    for (image, part) in [
        (String::new(), "`image` is empty"),
        ("AAAA*AAA".to_owned(), "'*' at byte 4"),
        ("AAAAA".to_owned(), "was cut"),
        ("https://example.com/a.jpg".to_owned(), "is not fetched"),
        ("data:image/png,abc".to_owned(), "not base64"),
        (base64(b"just a text"), ""),
        (base64(&[0xff, 0xd8, 0xff]), ""),
        (base64(&png[..png.len() / 2]), ""),
        (base64(&png[..20]), ""),
        (base64(&jpeg[..jpeg.len() / 2]), "cut short"),
        (base64(&webp[..webp.len() / 2]), ""),
        (base64(&bomb()), "65500×65500"),
    ] {
        let body = with(json!({"image": image}));
        assert_refused(&server, body, (400, "invalid_image", part)).await;
    }
    server.stop().await;
}

/// A JPEG of some hundred bytes that says it is 65,500 pixels each way.
fn bomb() -> Vec<u8> {
    let mut jpeg = encoded(&picture(16, 16), ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    let size = 65_500u16.to_be_bytes();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[size[0], size[1], size[0], size[1]]);
    jpeg
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_over_the_pixel_limit_is_refused_and_one_at_the_limit_is_not() {
    let limits = Limits {
        max_pixels: 200,
        ..Limits::default()
    };
    let options = ServeOptions {
        limits,
        ..ServeOptions::default()
    };
    let server = Server::start_with(options, echo()).await;
    let body = with(json!({"image": png(201, 1)}));
    assert_refused(&server, body, (400, "invalid_image", "200")).await;
    let (status, _) = server
        .post(&json!({"image": png(20, 10), "prompt": "Fit"}))
        .await;
    assert_eq!(status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content_types_paths_and_methods() {
    let server = Server::start(echo()).await;
    let body = question("Fit").to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/x-image",
        "image/gif",
        "\u{fc}",
    ] {
        let response = server
            .request(|client| {
                let request = client.post(server.url("/invocations")).body(body.clone());
                request.header("content-type", content_type)
            })
            .await;
        let (status, answer) = read(response).await;
        assert_eq!(status, 415);
        assert_eq!(answer["error"]["code"], "unsupported_media_type");
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("send application/json")
        );
    }

    let response = server
        .request(|client| client.get(server.url("/models")))
        .await;
    let (status, answer) = read(response).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("not_found"))
    );
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("POST /invocations")
    );

    for (method, path, allowed) in [
        ("GET", "/invocations", "POST"),
        ("PUT", "/endpoints/a/invocations", "POST"),
        ("POST", "/ping", "GET"),
        ("POST", "/metrics", "GET"),
        ("DELETE", "/openapi.json", "GET"),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = server
            .request(|client| client.request(method, server.url(path)))
            .await;
        assert!(
            response.headers()["allow"]
                .to_str()
                .unwrap()
                .contains(allowed),
            "{path}"
        );
        let (status, answer) = read(response).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (405, &json!("method_not_allowed"))
        );
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains(&format!("use {allowed}"))
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_leaves_the_server_alive() {
    let server = Server::start(echo()).await;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"\r\n\r\n\r\nhello\r\n\r\n",
    ] {
        let answer = raw(server.address, request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

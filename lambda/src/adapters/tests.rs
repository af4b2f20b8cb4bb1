//! The SDK clients against a local server that answers what AWS answers.

mod canned;

use std::time::Duration;

use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use aws_sdk_bedrockruntime::types::SystemContentBlock;
use aws_sdk_s3::config::Credentials;

use self::canned::{Canned, Server};
use super::bedrock::{InvokeModel, ModelErrorKind, SdkModels};
use super::s3::S3Store;
use super::sagemaker::{InvokeEndpoint, InvokeError, SdkEndpoint};
use super::*;
use crate::domain::{
    Condition, Deadline, ObjectAddress, ObjectState, SourceMark, Store, StoreError, Stored,
    Version, origin_of_upload,
};
use crate::settings::Guardrail;
use crate::telemetry::Trace;

async fn config(url: &str) -> SdkConfig {
    let config = sdk_config()
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .load()
        .await;
    without_limits(&config)
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

async fn invoke_endpoint(answer: Canned) -> (Server, Result<bytes::Bytes, InvokeError>) {
    let server = Server::start(answer).await;
    let endpoint = SdkEndpoint::new(&config(&server.url).await, "blip2", None);
    let outcome = endpoint.invoke("{}".into()).await;
    (server, outcome)
}

#[tokio::test]
async fn an_endpoint_is_invoked_with_json() {
    let (server, outcome) = invoke_endpoint(Canned::new(200, "[1]")).await;
    assert_eq!(outcome.unwrap(), "[1]");
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /endpoints/blip2/invocations HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/json\r\n"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{}"), "{request}");
    // No component is named where the endpoint has none.
    assert!(!request.contains("inference-component"), "{request}");
}

#[tokio::test]
async fn an_inference_component_is_invoked_by_its_name() {
    let server = Server::start(Canned::new(200, "[1]")).await;
    let component = Some("blip2-a".to_owned());
    let endpoint = SdkEndpoint::new(&config(&server.url).await, "blip2", component);
    endpoint.invoke("{}".into()).await.unwrap();
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /endpoints/blip2/invocations HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("x-amzn-sagemaker-inference-component: blip2-a\r\n"),
        "{request}"
    );
}

/// It comes up within minutes because it was asked: trying later helps.
#[tokio::test]
async fn an_inference_component_that_scaled_to_zero_is_unavailable_and_not_refused() {
    let body = r#"{"message": "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."}"#;
    let answer = Canned::new(400, body).with("x-amzn-errortype", "ValidationError");
    let error = invoke_endpoint(answer).await.1.unwrap_err();
    assert!(matches!(error, InvokeError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("no capacity"), "{error}");
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// What a caller sent, and X-Ray.
fn trace() -> Trace {
    Trace::of_invocation(Some(XRAY)).with_w3c(Some(TRACEPARENT), Some("congo=t61rcWkgMzE"))
}

/// The headers of a trace are there, and the signature does not depend on them.
#[track_caller]
fn assert_traced(request: &str) {
    for header in [
        format!("x-amzn-trace-id: {XRAY}\r\n"),
        format!("traceparent: {TRACEPARENT}\r\n"),
        "tracestate: congo=t61rcWkgMzE\r\n".to_owned(),
    ] {
        assert!(request.contains(&header), "{request}");
    }
    let signed = request.split_once("SignedHeaders=").unwrap().1;
    let signed = signed.split_once(',').unwrap().0;
    assert!(
        signed.contains("host") && !signed.contains("trace"),
        "{signed}"
    );
}

#[tokio::test]
async fn an_endpoint_hears_of_the_trace_and_so_does_its_container() {
    let (server, outcome) = trace()
        .scope(invoke_endpoint(Canned::new(200, "[1]")))
        .await;
    outcome.unwrap();
    let request = &server.requests()[0];
    assert_traced(request);
    let attributes = format!("x-amzn-sagemaker-custom-attributes: traceparent={TRACEPARENT}\r\n");
    assert!(request.contains(&attributes), "{request}");

    // Without a trace there is nothing to say.
    let (server, _) = invoke_endpoint(Canned::new(200, "[1]")).await;
    let request = &server.requests()[0];
    assert!(!request.contains("traceparent"), "{request}");
    assert!(!request.contains("custom-attributes"), "{request}");
}

#[tokio::test]
async fn bedrock_hears_of_the_trace() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let models = SdkModels::new(&config(&server.url).await, None);
    let invoke = models.invoke("claude", "{}".into());
    trace().scope(invoke).await.unwrap();
    assert_traced(&server.requests()[0]);
}

#[tokio::test]
async fn a_container_s_error_keeps_its_status_and_words() {
    let body = r#"{"Message": "Received client error (400)", "OriginalStatusCode": 400,
                   "OriginalMessage": "{\"error\":{\"code\":\"invalid_image\",\"message\":\"cut\"}}"}"#;
    let answer = Canned::new(424, body)
        .with("x-amzn-errortype", "ModelError")
        .with("x-amzn-requestid", "r-7");
    let error = invoke_endpoint(answer).await.1.unwrap_err();
    assert!(
        matches!(error, InvokeError::Model { status: 400, .. }),
        "{error:?}"
    );
    assert_eq!(error.about_photo().as_deref(), Some("cut"));
    let said = error.to_string();
    assert!(
        said.starts_with("the model answered 400 (request id r-7): "),
        "{said}"
    );
}

#[tokio::test]
async fn sagemaker_s_own_errors_are_told_apart() {
    let said = |status, code: &'static str| {
        Canned::new(status, r#"{"message": "Endpoint blip2 not found."}"#)
            .with("x-amzn-errortype", code)
            .with("x-amzn-requestid", "r-7")
    };
    let (_, refused) = invoke_endpoint(said(400, "ValidationError")).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, InvokeError::Refused(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "ValidationError (request id r-7): «Endpoint blip2 not found.»"
    );
    for (status, code) in [(400, "ThrottlingException"), (503, "ServiceUnavailable")] {
        let (_, throttled) = invoke_endpoint(said(status, code)).await;
        assert!(
            matches!(throttled, Err(InvokeError::Throttled(_))),
            "{throttled:?}"
        );
    }
    let (server, failed) = invoke_endpoint(said(500, "InternalFailure")).await;
    assert!(
        matches!(failed, Err(InvokeError::Unavailable(_))),
        "{failed:?}"
    );
    assert_eq!(
        server.requests().len(),
        1,
        "the SDK must not retry by itself"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable() {
    let endpoint = SdkEndpoint::new(&config("http://127.0.0.1:1").await, "blip2", None);
    let error = endpoint.invoke("{}".into()).await.unwrap_err();
    assert!(matches!(error, InvokeError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_model_is_invoked_by_its_arn() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let models = SdkModels::new(&config(&server.url).await, Some(Region::new("us-west-2")));
    let arn = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude";
    assert_eq!(models.invoke(arn, "{}".into()).await.unwrap(), "{}");
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /model/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3A"),
        "{request}"
    );
    assert!(
        request.contains("/us-west-2/bedrock/aws4_request"),
        "{request}"
    );
}

fn guardrail() -> Option<Guardrail> {
    Some(Guardrail {
        id: "gr1abc".into(),
        version: "2".into(),
    })
}

#[tokio::test]
async fn a_guardrail_goes_with_every_invocation() {
    let server = Server::start(Canned::new(200, "{}")).await;
    let config = config(&server.url).await;
    let models = SdkModels::new(&config, None);
    models.invoke("claude", "{}".into()).await.unwrap();
    let models = models.with_guardrail(guardrail());
    models.invoke("claude", "{}".into()).await.unwrap();
    let requests = server.requests();
    assert!(!requests[0].to_lowercase().contains("guardrail"));
    for header in [
        "\r\nx-amzn-bedrock-guardrailidentifier: gr1abc\r\n",
        "\r\nx-amzn-bedrock-guardrailversion: 2\r\n",
    ] {
        let request = requests[1].to_lowercase();
        assert!(request.contains(header), "{request}");
    }
}

/// The answer is the example of AWS's reference of Converse.
#[tokio::test]
async fn a_model_is_conversed_with_behind_the_guardrail() {
    let answer = r#"{"output": {"message": {"role": "assistant", "content": [{"text": "A shirt."}]}},
                     "stopReason": "end_turn", "metrics": {"latencyMs": 3},
                     "usage": {"inputTokens": 30, "outputTokens": 628, "totalTokens": 658}}"#;
    let server = Server::start(Canned::new(200, answer)).await;
    let models = SdkModels::new(&config(&server.url).await, None).with_guardrail(guardrail());
    let input = ConverseInputBuilder::default()
        .model_id("claude")
        .system(SystemContentBlock::Text("Write.".into()));
    let output = models.converse(input).await.unwrap();
    assert_eq!(output.stop_reason().as_str(), "end_turn");
    assert_eq!(output.usage().unwrap().output_tokens(), 628);
    let request = &server.requests()[0];
    assert!(
        request.starts_with("POST /model/claude/converse HTTP/1.1\r\n"),
        "{request}"
    );
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["system"][0]["text"], "Write.");
    assert_eq!(body["guardrailConfig"]["guardrailIdentifier"], "gr1abc");
    assert_eq!(body["guardrailConfig"]["guardrailVersion"], "2");
}

#[tokio::test]
async fn bedrock_s_errors_are_told_apart() {
    for (status, code, message, kind) in [
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            ModelErrorKind::Gone,
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            ModelErrorKind::Gone,
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access.",
            ModelErrorKind::AccessDenied,
        ),
        (
            429,
            "ThrottlingException",
            "Too many requests.",
            ModelErrorKind::Throttled,
        ),
    ] {
        let body = serde_json::json!({"message": message}).to_string();
        let answer = Canned::new(status, body)
            .with("x-amzn-errortype", code)
            .with("x-amzn-requestid", "r-7");
        let server = Server::start(answer).await;
        let models = SdkModels::new(&config(&server.url).await, None);
        let input = ConverseInputBuilder::default().model_id("claude");
        for error in [
            models.invoke("claude", "{}".into()).await.unwrap_err(),
            models.converse(input).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, kind, "{error}");
            let said = format!("{code} (request id r-7): «{message}»");
            assert_eq!(error.message, said);
        }
        assert_eq!(
            server.requests().len(),
            2,
            "the SDK must not retry by itself"
        );
    }
}

fn address() -> ObjectAddress {
    "s3://lookbook-catalogue/incoming/a b.jpg".parse().unwrap()
}

async fn store(answer: Canned) -> (Server, S3Store) {
    let server = Server::start(answer).await;
    let store = S3Store::new(&config(&server.url).await, true);
    (server, store)
}

#[tokio::test]
async fn an_object_is_read_in_path_style() {
    let (server, store) = store(Canned::new(200, "photo")).await;
    assert_eq!(store.read(&address(), 5, soon()).await.unwrap(), "photo");
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /lookbook-catalogue/incoming/a%20b.jpg"),
        "{request}"
    );

    let error = store.read(&address(), 4, soon()).await.unwrap_err();
    assert_eq!(
        error,
        StoreError::TooLarge {
            address: address(),
            bytes: 5,
            max_bytes: 4
        }
    );
}

/// Whether the server knows the condition or not.
#[tokio::test]
async fn an_object_in_another_state_is_not_read() {
    let state = ObjectState {
        address: address(),
        etag: "e1".to_owned(),
    };
    let (server, here) = store(Canned::new(200, "photo").with("etag", "\"e1\"")).await;
    let photo = here.read_state(&state, 5, soon()).await.unwrap();
    assert_eq!(photo, "photo");
    let request = &server.requests()[0];
    assert!(request.contains("if-match: \"e1\"\r\n"), "{request}");

    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for answer in [
        Canned::new(412, xml("PreconditionFailed")),
        Canned::new(200, "other").with("etag", "\"e2\""),
    ] {
        let (_server, replaced) = store(answer).await;
        let error = replaced.read_state(&state, 5, soon()).await.unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() });
    }
    let (_server, gone) = store(Canned::new(404, xml("NoSuchKey"))).await;
    let error = gone.read_state(&state, 5, soon()).await.unwrap_err();
    assert_eq!(error, StoreError::NotFound { address: address() });
}

#[tokio::test]
async fn s3_s_errors_are_told_apart() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for code in ["NoSuchKey", "NoSuchBucket"] {
        let (_server, store) = store(Canned::new(404, xml(code))).await;
        let error = store.read(&address(), 9, soon()).await.unwrap_err();
        assert_eq!(error, StoreError::NotFound { address: address() });
    }
    let refused =
        |status, code: &str| Canned::new(status, xml(code)).with("x-amz-request-id", "r-7");
    let (_server, denied) = store(refused(403, "AccessDenied")).await;
    let error = denied.read(&address(), 9, soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("AccessDenied (request id r-7)"), "{said}");
    let (_server, other) = store(refused(400, "InvalidRequest")).await;
    let error = other
        .read(&address(), 9, soon())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("InvalidRequest (400) (request id r-7): «no»"),
        "{error}"
    );
}

fn mark() -> SourceMark {
    SourceMark {
        origin: "s3://catalogue/incoming/a bé.jpg".into(),
        etag: Some("e1".into()),
        sequencer: Some("0055".into()),
        at_ms: Some(1_763_976_600_000),
        photo: Some("f070".into()),
        settings: Some("5e77".into()),
    }
}

#[tokio::test]
async fn a_result_says_what_it_was_made_from() {
    let (_server, none) = store(Canned::new(404, "")).await;
    assert_eq!(none.look(&address(), soon()).await.unwrap(), None);
    assert_eq!(none.load(&address(), 9, soon()).await.unwrap(), None);
    let (_server, denied) = store(Canned::new(403, "")).await;
    let error = denied.look(&address(), soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");

    let origin = "s3%3A%2F%2Fcatalogue%2Fincoming%2Fa%20b%C3%A9%2Ejpg";
    let answer = Canned::new(200, "{}")
        .with("etag", "\"v1\"")
        .with("x-amz-meta-source-origin", origin)
        .with("x-amz-meta-source-etag", "e1")
        .with("x-amz-meta-source-sequencer", "0055")
        .with("x-amz-meta-source-at-ms", "1763976600000")
        .with("x-amz-meta-source-photo", "f070")
        .with("x-amz-meta-source-settings", "5e77");
    let (server, store) = store(answer).await;
    let stored = Stored {
        version: Version("\"v1\"".into()),
        source: Some(mark()),
    };
    assert_eq!(
        store.look(&address(), soon()).await.unwrap(),
        Some(stored.clone())
    );
    assert_eq!(
        store.load(&address(), 2, soon()).await.unwrap(),
        Some((stored.clone(), bytes::Bytes::from_static(b"{}")))
    );

    let condition = Condition::unchanged(Some(&stored));
    let version = store
        .write(&address(), "{}".into(), Some(&mark()), &condition, soon())
        .await
        .unwrap();
    assert_eq!(version, stored.version);
    let request = &server.requests()[2];
    assert!(
        request.starts_with("PUT /lookbook-catalogue/incoming/a%20b.jpg"),
        "{request}"
    );
    for header in [
        "content-type: application/json\r\n",
        "if-match: \"v1\"\r\n",
        &format!("x-amz-meta-source-origin: {origin}\r\n"),
        "x-amz-meta-source-etag: e1\r\n",
        "x-amz-meta-source-sequencer: 0055\r\n",
        "x-amz-meta-source-at-ms: 1763976600000\r\n",
        "x-amz-meta-source-photo: f070\r\n",
        "x-amz-meta-source-settings: 5e77\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn an_object_has_a_state_since_a_second() {
    let answer = Canned::new(200, "")
        .with("etag", "\"e1\"")
        .with("last-modified", "Mon, 24 Nov 2025 09:30:00 GMT");
    let (_server, here) = store(answer).await;
    let state = ObjectState {
        address: address(),
        etag: "e1".to_owned(),
    };
    assert_eq!(
        here.find_state(&address(), soon()).await.unwrap(),
        Some((state, Some(1_763_976_600_999)))
    );
    let (_server, none) = store(Canned::new(404, "")).await;
    assert_eq!(none.find_state(&address(), soon()).await.unwrap(), None);
}

/// More than one product's calls fail so, and none is made any more.
#[tokio::test]
async fn a_bucket_that_is_out_of_reach_is_left_alone_for_a_while() {
    let config = config("http://127.0.0.1:1").await;
    let broken = S3Store::new(&config, true);
    let object = address();
    let calls = (0..8).map(|_| broken.look(&object, soon()));
    for outcome in futures::future::join_all(calls).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(!error.to_string().contains("not asked"), "{error}");
    }
    let error = broken.look(&address(), soon()).await.unwrap_err();
    assert!(error.to_string().contains("not asked for now"), "{error}");

    // Another bucket has nothing to do with that: a caller may have named this one.
    let other: ObjectAddress = "s3://results/descriptions/1.json".parse().unwrap();
    let error = broken.look(&other, soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!error.to_string().contains("not asked"), "{error}");

    // What it refuses is no outage, however often it does.
    let (_server, refusing) = store(Canned::new(403, "")).await;
    for _ in 0..20 {
        let error = refusing.look(&address(), soon()).await.unwrap_err();
        assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
    }
}

/// S3 has 2 KB for names and values.
#[tokio::test]
async fn the_mark_of_the_longest_key_goes_into_an_object_s_metadata() {
    for key in ["长".repeat(341), "a".repeat(1_024), "+".repeat(1_024)] {
        let photo = ObjectAddress {
            bucket: "b".repeat(63),
            key,
        };
        let digits = || "0".repeat(64);
        let source = SourceMark {
            origin: origin_of_upload(&photo),
            etag: Some(digits()),
            sequencer: Some(digits()),
            at_ms: Some(u64::MAX),
            photo: Some(digits()),
            settings: Some(digits()),
        };
        let (server, store) = store(Canned::new(200, "")).await;
        let condition = Condition::Absent;
        store
            .write(&address(), "{}".into(), Some(&source), &condition, soon())
            .await
            .unwrap();
        let request = &server.requests()[0];
        let bytes: usize = request
            .lines()
            .filter_map(|line| line.strip_prefix("x-amz-meta-")?.split_once(": "))
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!((500..=2_048).contains(&bytes), "{bytes}: {request}");
    }
}

#[tokio::test]
async fn a_write_whose_condition_does_not_hold_is_told_from_a_failure() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
        (404, "NoSuchKey"),
    ] {
        let (server, store) = store(Canned::new(status, xml(code))).await;
        let error = store
            .write(&address(), "{}".into(), None, &Condition::Absent, soon())
            .await
            .unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() }, "{code}");
        let request = &server.requests()[0];
        assert!(request.contains("if-none-match: *\r\n"), "{request}");
        assert!(!request.contains("x-amz-meta-"), "{request}");
    }
    let (_server, store) = store(Canned::new(404, xml("NoSuchBucket"))).await;
    let error = store
        .write(&address(), "{}".into(), None, &Condition::Absent, soon())
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::NotFound { address: address() });
}

#[tokio::test]
async fn what_is_not_there_counts_as_taken_away() {
    for status in [204, 404] {
        let (server, store) = store(Canned::new(status, "")).await;
        store.remove(&address(), &seen(), soon()).await.unwrap();
        let request = &server.requests()[0];
        assert!(
            request.starts_with("DELETE /lookbook-catalogue/incoming/a%20b.jpg"),
            "{request}"
        );
        assert!(request.contains("if-match: \"e7\"\r\n"), "{request}");
    }
}

fn seen() -> Version {
    Version("\"e7\"".to_owned())
}

#[tokio::test]
async fn what_is_in_another_state_by_now_is_not_taken_away() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
    ] {
        let (_server, store) = store(Canned::new(status, xml(code))).await;
        let error = store.remove(&address(), &seen(), soon()).await.unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() }, "{code}");
    }
    let (_server, store) = store(Canned::new(403, xml("AccessDenied"))).await;
    let error = store.remove(&address(), &seen(), soon()).await.unwrap_err();
    assert!(error.to_string().contains("s3:DeleteObject"), "{error}");
}

#[tokio::test]
async fn a_slow_store_is_given_up_at_the_deadline() {
    let (_server, store) = store(Canned::new(200, "photo").after_ms(5_000)).await;
    let deadline = Deadline::after(Duration::from_millis(100));
    let error = store.read(&address(), 9, deadline).await.unwrap_err();
    assert_eq!(error, StoreError::TimedOut { address: address() });
}

#[test]
fn an_answer_without_an_id_has_none_told() {
    assert_eq!(with_request_id("SlowDown", None), "SlowDown");
}

#[test]
fn no_piece_of_an_echoed_photo_is_left_where_words_are_cut() {
    let photo = "iVBORw0KGgoAAAANSUhEUgAA".repeat(100);
    let in_lines = |end: &str| {
        let lines = photo.as_bytes().chunks(76);
        let lines: Vec<&str> = lines
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        lines.join(end)
    };
    let photos = [
        in_lines(""),
        in_lines("\n"),
        in_lines("\r\n"),
        // As JSON has it.
        in_lines("\\n"),
        "iVBORw0KGgo\\/AAANSUhEUgAA".repeat(100),
        "iVBORw0KGgo-AAA_SUhEUgAA".repeat(100),
    ];
    for photo in photos {
        for before in [0, 200, 480, 499] {
            let words = said(&format!(
                "{}\"image\": \"{photo}\"",
                " x".repeat(before / 2)
            ));
            assert!(!words.contains("iVBO"), "{words}");
        }
    }
}

#[test]
fn long_words_are_cut() {
    assert_eq!(shortened(" brief "), "brief");
    assert_eq!(shortened(&"é".repeat(600)).chars().count(), 501);
}

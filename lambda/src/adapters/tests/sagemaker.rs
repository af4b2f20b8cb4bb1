//! SageMaker's client.

use super::canned::{Canned, Server};
use super::{TRACEPARENT, assert_traced, config, trace};
use crate::adapters::sagemaker::{InvokeEndpoint, InvokeError, SdkEndpoint};

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

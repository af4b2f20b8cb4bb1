//! The server as the AWS SDK sees it, with its address as the endpoint of
//! SageMaker Runtime.

use aws_credential_types::Credentials;
use aws_sdk_sagemakerruntime::Client;
use aws_sdk_sagemakerruntime::config::retry::RetryConfig;
use aws_sdk_sagemakerruntime::config::{BehaviorVersion, Region};
use aws_sdk_sagemakerruntime::operation::invoke_endpoint::InvokeEndpointError;
use aws_sdk_sagemakerruntime::primitives::Blob;
use aws_sdk_sagemakerruntime::types::error::ModelError;
use image::ImageFormat;
use model_server::backend::fake::FakeBackend;
use serde_json::{Value, json};

use crate::support::{Server, echo, encoded, picture, question, read};

fn client(server: &Server) -> Client {
    let config = aws_sdk_sagemakerruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .endpoint_url(format!("http://{}", server.address))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn invoke(client: &Client, body: Value) -> Result<(Value, Option<String>), ModelError> {
    let request = client
        .invoke_endpoint()
        .endpoint_name("endpoint-finetuned-blip2");
    let response = request
        .content_type("application/json")
        .body(Blob::new(body.to_string()))
        .send()
        .await;
    match response {
        Ok(output) => {
            let body = output.body.unwrap().into_inner();
            Ok((serde_json::from_slice(&body).unwrap(), output.content_type))
        }
        Err(error) => {
            let InvokeEndpointError::ModelError(error) = error.into_service_error() else {
                panic!("the SDK sees no model error");
            };
            Err(error)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_invokes_the_endpoint() {
    let server = Server::start(echo()).await;
    let (answer, content_type) = invoke(&client(&server), question("Fit")).await.unwrap();
    assert_eq!(answer, json!({"Fit": "4x3"}));
    assert_eq!(content_type.as_deref(), Some("application/json"));
    server.stop().await;
}

/// The custom attributes are the one header that SageMaker passes either way.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_sends_an_image_with_custom_attributes_and_gets_some_back() {
    let server = Server::start(echo()).await;
    let output = client(&server)
        .invoke_endpoint()
        .endpoint_name("any")
        .content_type("image/png")
        .custom_attributes(r#"{"prompts": ["Fit", "Neck"]}"#)
        .body(Blob::new(encoded(&picture(4, 3), ImageFormat::Png)))
        .send()
        .await
        .unwrap();
    let attributes = output.custom_attributes.unwrap();
    assert!(attributes.starts_with("image_cache="), "{attributes}");
    let answers: Value = serde_json::from_slice(&output.body.unwrap().into_inner()).unwrap();
    assert_eq!(answers, json!([{"Fit": "4x3"}, {"Neck": "4x3"}]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_sends_lines_and_gets_lines() {
    let server = Server::start(echo()).await;
    let output = client(&server)
        .invoke_endpoint()
        .endpoint_name("any")
        .content_type("application/jsonlines")
        .accept("application/jsonlines")
        .body(Blob::new(format!("{}\nno\n", question("Fit"))))
        .send()
        .await
        .unwrap();
    assert_eq!(
        output.content_type.as_deref(),
        Some("application/jsonlines")
    );
    let text = String::from_utf8(output.body.unwrap().into_inner()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], r#"{"Fit":"4x3"}"#);
    assert!(
        lines.len() == 2 && lines[1].contains("invalid_json"),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_reads_status_and_message_of_an_error() {
    let server = Server::start(FakeBackend::new(|_, _| Err("out of memory".into()))).await;
    let client = client(&server);
    let mut bad_parameter = question("Fit");
    bad_parameter["parameters"] = json!({"beams": 4});
    for (body, status, code, side) in [
        (
            bad_parameter,
            400,
            "invalid_parameter",
            "client error (400)",
        ),
        (question("Fit"), 500, "internal", "server error (500)"),
    ] {
        let error = invoke(&client, body).await.unwrap_err();
        assert_eq!(error.original_status_code(), Some(status));
        let original: Value = serde_json::from_str(error.original_message().unwrap()).unwrap();
        assert_eq!(original["error"]["code"], code);
        assert!(error.message().unwrap().contains(side), "{error}");
        assert!(
            error
                .log_stream_arn()
                .unwrap()
                .ends_with("/endpoint-finetuned-blip2")
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_a_424_with_its_type_in_a_header() {
    let server = Server::start(echo()).await;
    let url = server.url("/endpoints/any%20name/invocations");
    let response = server.request(|client| client.post(url).body("{}")).await;
    assert_eq!(response.headers()["x-amzn-errortype"], "ModelError");
    assert!(response.headers().contains_key("x-amzn-requestid"));
    let (status, body) = read(response).await;
    assert_eq!(status, 424);
    let fields: Vec<_> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        fields,
        [
            "Message",
            "OriginalStatusCode",
            "OriginalMessage",
            "LogStreamArn"
        ]
    );
    server.stop().await;
}

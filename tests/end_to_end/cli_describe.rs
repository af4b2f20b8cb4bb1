//! `lookbook ask` and `lookbook describe` against the real model server, the real function
//! under the emulator, and a Lambda that answers as AWS's does.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::post;
use local_stack::{LocalCloud, LocalCloudOptions, Programs, StackOptions, Writer};
use serde_json::{Value, json};

use crate::common::*;
use crate::lookbook::Lookbook;

fn photograph(id: &str) -> String {
    let programs = Programs::find().unwrap();
    let path = programs.repository.join(format!("samples/{id}.jpg"));
    path.display().to_string()
}

#[tokio::test]
async fn an_endpoint_is_asked_about_attributes_and_in_words_of_ones_own() {
    let stack = start(StackOptions::default()).await;
    let lookbook = Lookbook::with_services(&[("SAGEMAKER_RUNTIME", stack.endpoint_url())]);
    let (first, second) = (photograph("drawn-01"), photograph("drawn-02"));
    let own = "What is the fabric of the shirt in this picture?";
    let (status, answers) = lookbook
        .json(&["ask", &first, &second, "--all", "--question", own, "--json"])
        .await;
    assert_eq!(status, Some(0), "{answers}");
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 2);
    for (of, image) in answers.iter().zip([&first, &second]) {
        assert_eq!(of["image"], **image);
        assert_eq!(of["endpoint"], "endpoint-finetuned-blip2");
        let rows = of["answers"].as_array().unwrap();
        assert_eq!(rows.len(), 9, "{of}");
        assert_eq!(rows[0]["attribute"], "Fabric");
        assert_eq!(rows[8]["question"], own);
        // The same question, whoever asks it.
        assert_eq!(rows[0]["text"], rows[8]["text"], "{of}");
        let confidence = rows[0]["confidence"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&confidence), "{of}");
    }

    let output = lookbook.run(&["ask", &first, "--question", own]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("attribute  value"), "{text}");
    // No picture where no terminal is.
    assert!(!text.contains('\u{1b}'), "{text:?}");
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_no_photograph_and_an_endpoint_that_is_down_are_said() {
    let lookbook = Lookbook::with_services(&[("SAGEMAKER_RUNTIME", "http://127.0.0.1:1")]);
    let image = photograph("drawn-01");
    let question = ["--question", "Is it blue?", "--timeout", "5"];
    for (image, status, part) in [
        (image.as_str(), 5, "lookbook doctor"),
        ("/nonexistent.jpg", 4, "/nonexistent.jpg"),
        ("Cargo.toml", 2, "no JPEG"),
        ("s3://no", 2, "s3://bucket/key"),
    ] {
        let mut arguments = vec!["ask", image];
        arguments.extend(question);
        let output = lookbook.run(&arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{image}: {said}");
        assert!(said.contains(part), "{image}: {said}");
    }
    let output = lookbook.run(&["ask", &image]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for option in ["--question", "--all"] {
        assert!(said.contains(option), "{option}: {said}");
    }
}

#[tokio::test]
async fn photographs_are_described_by_the_function_and_from_here_alike() {
    let stack = start(StackOptions::default()).await;
    let lambda = format!("http://127.0.0.1:{}", stack.emulator().port());
    let (first, second) = (photograph("drawn-01"), photograph("drawn-08"));
    let lookbook = Lookbook::with_services(&[("LAMBDA", lambda.as_str())]);
    let (status, by_function) = lookbook
        .json(&["describe", &first, &second, "--json"])
        .await;
    assert_eq!(status, Some(0), "{by_function}");
    for (index, id) in ["drawn-01", "drawn-08"].iter().enumerate() {
        assert_described(&by_function[index]["result"], id);
    }

    let folder = tempfile::tempdir().unwrap();
    let options = LocalCloudOptions {
        writer: Writer::Template,
        model_behaviours: Vec::new(),
        function_url: None,
    };
    let programs = Programs::find().unwrap();
    let cloud = LocalCloud::start(&programs, &options, folder.path())
        .await
        .unwrap();
    let here = Lookbook::with_services(&[
        ("SAGEMAKER_RUNTIME", stack.endpoint_url()),
        ("BEDROCK_RUNTIME", cloud.bedrock_url()),
    ]);
    let (status, directly) = here
        .json(&["describe", &first, &second, "--direct", "--json"])
        .await;
    assert_eq!(status, Some(0), "{directly}");
    for index in 0..2 {
        for member in ["product_id", "attributes", "description", "models", "usage"] {
            let one = &directly[index]["result"][member];
            assert_eq!(*one, by_function[index]["result"][member], "{member}");
        }
    }

    let output = here
        .run(&["describe", &first, "--direct", "--format", "listing"])
        .await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in ["Fabric", "title: ", "search_keywords: ", "tokens read"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    stack.stop().await.unwrap();
}

/// What Lambda answers where a function has failed: 200, a header, and the error.
async fn failing(body: String) -> impl IntoResponse {
    let body: Value = serde_json::from_str(&body).unwrap();
    let product = body["product_id"].as_str().unwrap().to_owned();
    if product == "drawn-02" {
        let answer = json!({
            "product_id": product, "attributes": {"Fabric": "Cotton"}, "description": "A shirt."
        });
        return ([("x-other", "")], axum::Json(answer));
    }
    let message = "The description took too long: late {\"attributes\":{\"Fabric\":\"Silk\"}}";
    let error = json!({"errorType": "description-timed-out", "errorMessage": message});
    ([("x-amz-function-error", "Unhandled")], axum::Json(error))
}

#[tokio::test]
async fn a_photograph_that_fails_spoils_no_other() {
    let path = "/2015-03-31/functions/{name}/invocations";
    let address = serve(Router::new().route(path, post(failing))).await;
    let lookbook = Lookbook::with_services(&[("LAMBDA", format!("http://{address}").as_str())]);
    let (first, second) = (photograph("drawn-01"), photograph("drawn-02"));
    let (status, described) = lookbook
        .json(&["describe", &first, &second, "--function", "mine", "--json"])
        .await;
    assert_eq!(status, Some(6), "{described}");
    assert_eq!(described[0]["problem"]["kind"], "description-timed-out");
    assert_eq!(described[0]["problem"]["attributes"]["Fabric"], "Silk");
    assert_eq!(described[1]["result"]["description"], "A shirt.");
    let (status, _) = lookbook.json(&["describe", &first, "--json"]).await;
    assert_eq!(status, Some(5));
}

#[tokio::test]
async fn a_function_that_is_not_there_is_said_with_the_request_and_the_next_step() {
    let missing = || async {
        let headers = [
            ("x-amzn-errortype", "ResourceNotFoundException"),
            ("x-amzn-requestid", "r-1"),
        ];
        let error = json!({"Type": "User", "Message": "Function not found: mine"});
        (
            axum::http::StatusCode::NOT_FOUND,
            headers,
            axum::Json(error),
        )
    };
    let path = "/2015-03-31/functions/{name}/invocations";
    let address = serve(Router::new().route(path, post(missing))).await;
    let lookbook = Lookbook::with_services(&[("LAMBDA", format!("http://{address}").as_str())]);
    let output = lookbook
        .run(&["describe", &photograph("drawn-01"), "--function", "mine"])
        .await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    for part in ["ResourceNotFoundException", "r-1", "--function"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

/// SageMaker Runtime in front of an endpoint with one inference component, with the words by which
/// it refuses.
async fn with_component(headers: axum::http::HeaderMap) -> axum::response::Response {
    let component = headers.get("x-amzn-sagemaker-inference-component");
    let (code, message) = match component.map(|name| name.to_str().unwrap()) {
        Some("shirts") => return axum::Json(json!([{"Fabric": "Cotton"}])).into_response(),
        Some("forbidden") => ("AccessDeniedException", "no action is allowed"),
        Some(_) => (
            "ValidationError",
            "Inference Component has no capacity to process this request.",
        ),
        None => (
            "ValidationError",
            "Inference Component Name header is required for endpoints to which you plan to \
             deploy inference components.",
        ),
    };
    let headers = [("x-amzn-errortype", code), ("x-amzn-requestid", "r-7")];
    let error = json!({"message": message});
    (
        axum::http::StatusCode::BAD_REQUEST,
        headers,
        axum::Json(error),
    )
        .into_response()
}

#[tokio::test]
async fn an_endpoint_of_inference_components_is_asked_by_the_name_of_one() {
    let path = "/endpoints/{name}/invocations";
    let address = serve(Router::new().route(path, post(with_component))).await;
    let url = format!("http://{address}");
    let lookbook = Lookbook::with_services(&[("SAGEMAKER_RUNTIME", url.as_str())]);
    let image = photograph("drawn-01");
    let question = "What is the fabric of the shirt in this picture?";
    let ask = ["ask", &image, "--question", question, "--json"];
    let component = "--inference-component";
    let named = [&ask[..], &[component, "shirts"]].concat();
    let (status, answers) = lookbook.json(&named).await;
    assert_eq!(status, Some(0), "{answers}");
    assert_eq!(answers[0]["answers"][0]["value"], "Cotton", "{answers}");

    // What AWS says, by which request, and what helps.
    let describe = ["describe", &image, "--direct", "--attribute", "Fabric"];
    let forbidden = [component, "forbidden"];
    let asleep = [component, "asleep"];
    let cases: [(&[&str], i32, &str, &str); 3] = [
        (&[], 2, "ValidationError", component),
        (&forbidden, 3, "AccessDeniedException", "policy"),
        (&asleep, 5, "ValidationError", "wakes it up"),
    ];
    for command in [&ask[..], &describe[..]] {
        for (more, status, code, step) in cases {
            let output = lookbook.run(&[command, more].concat()).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(status), "{said}");
            for part in [code, "request id r-7", step] {
                assert!(said.contains(part), "{part} in {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_model_that_refuses_is_told_with_the_request_and_the_next_step() {
    let stack = start(StackOptions::default()).await;
    let denied = || async {
        let headers = [
            ("x-amzn-errortype", "AccessDeniedException"),
            ("x-amzn-requestid", "r-8"),
        ];
        let error = json!({"message": "You don't have access to the model."});
        (
            axum::http::StatusCode::FORBIDDEN,
            headers,
            axum::Json(error),
        )
    };
    let address = serve(Router::new().fallback(denied)).await;
    let lookbook = Lookbook::with_services(&[
        ("SAGEMAKER_RUNTIME", stack.endpoint_url()),
        ("BEDROCK_RUNTIME", format!("http://{address}").as_str()),
    ]);
    let (status, described) = lookbook
        .json(&["describe", &photograph("drawn-01"), "--direct", "--json"])
        .await;
    assert_eq!(status, Some(3), "{described}");
    let problem = &described[0]["problem"];
    assert_eq!(problem["kind"], "description-unavailable");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("AccessDeniedException (request id r-8)"),
        "{detail}"
    );
    assert!(problem["next"].is_string(), "{problem}");
    assert!(problem["attributes"].is_object(), "{problem}");
    stack.stop().await.unwrap();
}

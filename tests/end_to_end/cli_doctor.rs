//! `lookbook doctor` against servers that answer what AWS answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::common::serve;
use crate::lookbook::Lookbook;

/// How an account is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Account {
    /// As it should be.
    Fine,
    /// Much is missing.
    Bare,
    /// Its credentials have expired.
    Locked,
}

async fn aws(State(account): State<Arc<Account>>, request: Request) -> Response {
    let account = *account;
    let path = request.uri().path().to_owned();
    let target = request.headers().get("x-amz-target").cloned();
    let target = target.map(|target| target.to_str().unwrap().to_owned());
    let operation = target
        .as_deref()
        .and_then(|target| target.rsplit('.').next());
    match operation {
        Some("ListServiceQuotas") => quotas(account),
        Some("DescribeEndpoint") => endpoint(account),
        Some("DescribeImages") => image(account),
        Some(other) => panic!("{other} is not called"),
        None if path.starts_with("/foundation-models/") => model(account, &path),
        None if path.starts_with("/foundation-model-availability/") => availability(account),
        None if path.ends_with("/account-settings") => concurrency(account),
        None if path.starts_with("/photos") => bucket(account),
        None => identity(account),
    }
}

fn error(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let body = json!({"__type": code, "message": message});
    (status, axum::Json(body)).into_response()
}

fn identity(account: Account) -> Response {
    if account == Account::Locked {
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                   <Message>The security token has expired</Message></Error>\
                   <RequestId>r-1</RequestId></ErrorResponse>";
        return (StatusCode::FORBIDDEN, xml).into_response();
    }
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
     <GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/operator/me</Arn>\
     <UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
     </GetCallerIdentityResponse>"
        .into_response()
}

fn quotas(account: Account) -> Response {
    let allowed = if account == Account::Fine { 1.0 } else { 0.0 };
    let quota = |usage: &str| {
        json!({"QuotaName": format!("ml.g5.2xlarge for {usage}"), "QuotaCode": "L-9614C779",
               "Value": allowed})
    };
    let quotas = [
        quota("endpoint usage"),
        quota("training job usage"),
        quota("spot training job usage"),
    ];
    axum::Json(json!({"Quotas": quotas})).into_response()
}

fn concurrency(account: Account) -> Response {
    // That of a new account, of which nothing can be set aside.
    let limit = if account == Account::Fine { 1000 } else { 10 };
    axum::Json(json!({
        "AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}
    }))
    .into_response()
}

fn model(account: Account, path: &str) -> Response {
    let is_old = path.contains("claude-3-sonnet");
    if account == Account::Bare && !is_old {
        return error(403, "AccessDeniedException", "not authorized");
    }
    let lifecycle = match is_old {
        true => json!({"status": "LEGACY", "endOfLifeTime": "2025-07-21T00:00:00Z"}),
        false => json!({"status": "ACTIVE"}),
    };
    let details = json!({
        "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/m", "modelId": "m",
        "inferenceTypesSupported": [], "modelLifecycle": lifecycle
    });
    axum::Json(json!({"modelDetails": details})).into_response()
}

fn availability(_account: Account) -> Response {
    axum::Json(json!({
        "modelId": "m", "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": "AUTHORIZED", "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE"
    }))
    .into_response()
}

fn bucket(account: Account) -> Response {
    match account {
        Account::Fine => [("x-amz-bucket-region", "us-east-1")].into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn endpoint(account: Account) -> Response {
    if account == Account::Bare {
        return error(400, "ValidationException", "Could not find endpoint \"x\".");
    }
    axum::Json(json!({
        "EndpointName": "e", "EndpointArn": "arn", "EndpointStatus": "InService",
        "CreationTime": 1.0, "LastModifiedTime": 1.0
    }))
    .into_response()
}

fn image(account: Account) -> Response {
    if account == Account::Bare {
        return error(400, "ImageNotFoundException", "there is none");
    }
    axum::Json(json!({"imageDetails": [{"imageSizeInBytes": 2_500_000_000_u64}]})).into_response()
}

/// What the doctor says of an account: how it ended, and the state of each check.
async fn look(account: Account) -> (Option<i32>, Value, Vec<(String, String)>) {
    let router = Router::new().fallback(aws).with_state(Arc::new(account));
    let url = format!("http://{}", serve(router).await);
    let (status, findings) = Lookbook::with_services(&[])
        .json(&[
            "doctor",
            "--endpoint-url",
            &url,
            "--instance-type",
            "ml.g5.2xlarge",
            "--bucket",
            "photos",
            "--image",
            "model-server:cuda",
            "--json",
        ])
        .await;
    let states = findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |member: &str| finding[member].as_str().unwrap().to_owned();
            (text("check"), text("state"))
        });
    (status, findings.clone(), states.collect())
}

fn state<'a>(states: &'a [(String, String)], check: &str) -> &'a str {
    let found = states.iter().find(|(name, _)| name.contains(check));
    &found
        .unwrap_or_else(|| panic!("no {check} in {states:?}"))
        .1
}

const OLD: &str = "claude-3-sonnet";
const NEW: &str = "claude-sonnet-4-6";

#[tokio::test]
async fn an_account_that_is_fine_has_no_problem() {
    let (status, findings, states) = look(Account::Fine).await;
    assert_eq!(status, Some(0), "{findings}");
    assert_eq!(findings["problems"], 0);
    for check in [
        "region",
        "connection",
        "credentials",
        "clock",
        "endpoint usage",
        "concurrency",
        "bucket",
        "image",
        NEW,
    ] {
        assert_eq!(state(&states, check), "ok", "{check}: {findings}");
    }
    assert_eq!(state(&states, "endpoint endpoint-finetuned-blip2"), "ok");
    // The first of the list has ended, and the second writes.
    assert_eq!(state(&states, OLD), "warning");
}

#[tokio::test]
async fn what_is_missing_is_found_with_its_mend() {
    let (status, findings, states) = look(Account::Bare).await;
    assert_eq!(status, Some(1), "{findings}");
    for check in ["ml.g5.2xlarge for endpoint usage", "bucket", "image", OLD] {
        assert_eq!(state(&states, check), "problem", "{check}: {findings}");
    }
    assert_eq!(state(&states, "ml.g5.2xlarge for training"), "warning");
    assert_eq!(state(&states, "concurrency"), "warning");
    assert_eq!(
        state(&states, "endpoint endpoint-finetuned-blip2"),
        "warning"
    );
    // That one may not look is no problem of the model.
    assert_eq!(state(&states, NEW), "not-looked-at");
    let text = findings.to_string();
    for part in ["L-9614C779", "lookbook push-image", "2025-07-21"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn without_credentials_nothing_else_is_looked_at() {
    let (status, findings, states) = look(Account::Locked).await;
    assert_eq!(status, Some(1), "{findings}");
    assert_eq!(state(&states, "credentials"), "problem");
    assert!(findings.to_string().contains("ExpiredToken"), "{findings}");
    // It answered, so that its time is known.
    assert_eq!(state(&states, "clock"), "ok");
    for check in [
        "quotas",
        "models",
        "concurrency",
        "bucket",
        "endpoint",
        "image",
    ] {
        assert_eq!(state(&states, check), "not-looked-at", "{check}");
    }
}

#[tokio::test]
async fn where_nobody_answers_the_network_is_at_fault_and_not_the_credentials() {
    let arguments = ["doctor", "--endpoint-url", "http://127.0.0.1:1", "--json"];
    let (status, findings) = Lookbook::with_services(&[]).json(&arguments).await;
    assert_eq!(status, Some(1), "{findings}");
    assert_eq!(findings["problems"], 1, "{findings}");
    for finding in findings["findings"].as_array().unwrap() {
        let found = finding["found"].as_str().unwrap();
        match finding["check"].as_str().unwrap() {
            "region" => assert_eq!(finding["state"], "ok", "{findings}"),
            "connection" => {
                assert_eq!(finding["state"], "problem", "{findings}");
                let mend = finding["mend"].as_str().unwrap();
                assert!(mend.contains("network"), "{findings}");
            }
            _ => {
                assert_eq!(finding["state"], "not-looked-at", "{findings}");
                assert!(found.contains("AWS gave no answer"), "{findings}");
            }
        }
    }
    assert!(!findings.to_string().contains("of no use"), "{findings}");
}

#[tokio::test]
async fn that_there_are_no_credentials_is_said_in_words() {
    let lookbook = Lookbook::with_services(&[])
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY");
    for (command, status) in [("status", 3), ("doctor", 1)] {
        let output = lookbook.run(&[command]).await;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(status), "{said}");
        for words in ["no credentials found", "aws configure", "--profile"] {
            assert!(said.contains(words), "{command}, {words}: {said}");
        }
        for rust in ["DispatchFailure", "ConnectorError", "Some(", "{ "] {
            assert!(!said.contains(rust), "{command}, {rust}: {said}");
        }
    }
}

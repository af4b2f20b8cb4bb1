//! Whose credentials `lookbook` signs with: the environment has keys in all of these.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::common::serve;
use crate::lookbook::Lookbook;

const CONFIG: &str = "\
[profile shop]
aws_access_key_id = SHOPKEY
aws_secret_access_key = secret

[profile operator]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = shop
";

/// By which keys which operations were signed.
type Signed = Arc<Mutex<Vec<(String, String)>>>;

async fn aws(State(signed): State<Signed>, request: Request) -> Response {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let authorization = header("authorization").unwrap();
    let (_, credential) = authorization.split_once("Credential=").unwrap();
    let (key, _) = credential.split_once('/').unwrap();
    // STS names its operation in the body.
    let target = header("x-amz-target").unwrap_or_else(|| "AssumeRole".to_owned());
    let operation = target.rsplit('.').next().unwrap().to_owned();
    signed
        .lock()
        .unwrap()
        .push((operation.clone(), key.to_owned()));
    if operation == "AssumeRole" {
        return "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                <AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId>\
                <Arn>arn:aws:sts::123456789012:assumed-role/operator/b</Arn></AssumedRoleUser>\
                <Credentials><AccessKeyId>ROLEKEY</AccessKeyId>\
                <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
                <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
                </AssumeRoleResult></AssumeRoleResponse>"
            .into_response();
    }
    let body = json!({"__type": "ValidationException", "message": "Could not find it."});
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

/// What `lookbook status` asked for, with the key that each call was signed by; `AWS_PROFILE` is
/// set to `variable` where there is one.
async fn signed(option: Option<&str>, variable: Option<&str>) -> Vec<(String, String)> {
    let signed = Signed::default();
    let router = Router::new().fallback(aws).with_state(Arc::clone(&signed));
    let url = format!("http://{}", serve(router).await);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, CONFIG).unwrap();
    let services = ["SAGEMAKER", "SFN", "STS"].map(|service| (service, url.as_str()));
    let mut lookbook = Lookbook::with_services(&services)
        .without("AWS_CONFIG_FILE")
        .with("AWS_CONFIG_FILE", &config);
    if let Some(name) = variable {
        lookbook = lookbook.with("AWS_PROFILE", name);
    }
    let mut arguments = vec!["status"];
    if let Some(name) = option {
        arguments.extend(["--profile", name]);
    }
    lookbook.run(&arguments).await;
    let calls = signed.lock().unwrap().clone();
    assert!(!calls.is_empty());
    calls
}

fn keys_of(calls: &[(String, String)], is_of: impl Fn(&str) -> bool) -> Vec<&str> {
    let of_these = calls.iter().filter(|(operation, _)| is_of(operation));
    let mut keys: Vec<&str> = of_these.map(|(_, key)| key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[tokio::test]
async fn a_named_profile_comes_before_keys_in_the_environment() {
    let calls = signed(Some("shop"), None).await;
    assert_eq!(keys_of(&calls, |_| true), ["SHOPKEY"], "{calls:?}");
    // Also before the profile that the environment names.
    let calls = signed(Some("shop"), Some("operator")).await;
    assert_eq!(keys_of(&calls, |_| true), ["SHOPKEY"], "{calls:?}");
}

#[tokio::test]
async fn without_one_the_keys_in_the_environment_come_before_its_profile() {
    for variable in [None, Some("shop")] {
        let calls = signed(None, variable).await;
        assert_eq!(
            keys_of(&calls, |_| true),
            ["local"],
            "{variable:?}: {calls:?}"
        );
    }
}

#[tokio::test]
async fn the_role_of_a_named_profile_is_taken() {
    let calls = signed(Some("operator"), None).await;
    let assumed = keys_of(&calls, |operation| operation == "AssumeRole");
    assert_eq!(assumed, ["SHOPKEY"], "{calls:?}");
    let asked = keys_of(&calls, |operation| operation != "AssumeRole");
    assert_eq!(asked, ["ROLEKEY"], "{calls:?}");
}

#[tokio::test]
async fn a_profile_that_is_not_there_ends_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, CONFIG).unwrap();
    let lookbook = Lookbook::with_services(&[])
        .without("AWS_CONFIG_FILE")
        .with("AWS_CONFIG_FILE", &config);
    let photo = folder.path().join("none.jpg");
    let photo = photo.to_str().unwrap();
    for command in [
        vec!["doctor"],
        vec!["status"],
        vec!["delete", "--yes"],
        vec!["ask", photo, "--all"],
        vec!["upload", photo, "s3://bucket/place"],
        vec!["cost"],
    ] {
        let arguments = [command.as_slice(), &["--profile", "shpo"]].concat();
        let output = lookbook.run(&arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
        let file = config.to_str().unwrap();
        for part in ["--profile shpo", file, "/nonexistent", "list-profiles"] {
            assert!(said.contains(part), "{command:?}, {part}: {said}");
        }
        assert!(output.stdout.is_empty(), "{command:?}: {output:?}");
    }
}

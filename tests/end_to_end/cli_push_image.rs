//! `lookbook push-image`, with a script as docker and a registry on loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::serve;
use crate::lookbook::Lookbook;

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const IMAGE: &str = "lookbook/model-server:1.0";

/// Exit codes of `docs/cli.md`.
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const DENIED: i32 = 3;
const NOT_FOUND: i32 = 4;
const UNAVAILABLE: i32 = 5;
const INTERRUPTED: i32 = 130;

/// How long a push may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Notes how it was called, and answers as docker does; pushes for as long as there is a file
/// `slow`, and leaves a sign that it still does. $HERE is its folder.
const DOCKER: &str = r#"#!/bin/sh
echo "$*" >> "$HERE/calls"
case "$1" in
version)
    if [ -e "$HERE/down" ]; then
        echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2
        exit 1
    fi ;;
image)
    for last; do :; done
    if [ "$last" = missing ]; then
        echo "Error response from daemon: No such image: missing" >&2
        exit 1
    fi
    echo "sha256:abcdef linux/arm64" ;;
login)
    cat > "$HERE/password" ;;
push)
    while [ -e "$HERE/slow" ]; do
        echo pushing >> "$HERE/signs"
        sleep 0.05
    done
    echo "5f70bf18a086: Pushed"
    echo "1.0: digest: $(cat "$HERE/digest") size: 1786" ;;
esac
"#;

/// The registry's side.
#[derive(Default)]
struct Ecr {
    repositories: Mutex<Vec<String>>,
    calls: Mutex<Vec<String>>,
    /// Whether nobody may do anything.
    denies: bool,
}

async fn answer(State(ecr): State<Arc<Ecr>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap();
    ecr.calls.lock().unwrap().push(operation.clone());
    let refused = |code: &str| {
        let body = json!({"__type": code, "message": "words of ECR"}).to_string();
        let id = [("x-amzn-requestid", "request-7")];
        (StatusCode::BAD_REQUEST, id, body).into_response()
    };
    if ecr.denies {
        return refused("AccessDeniedException");
    }
    let described =
        |name: &str| json!({"repositoryName": name, "repositoryUri": format!("{REGISTRY}/{name}")});
    let mut repositories = ecr.repositories.lock().unwrap();
    let said = match operation.as_str() {
        "DescribeRepositories" => {
            let name = input["repositoryNames"][0].as_str().unwrap();
            if !repositories.iter().any(|known| known == name) {
                return refused("RepositoryNotFoundException");
            }
            json!({"repositories": [described(name)]})
        }
        "CreateRepository" => {
            let name = input["repositoryName"].as_str().unwrap();
            assert_eq!(input["imageScanningConfiguration"]["scanOnPush"], true);
            repositories.push(name.to_owned());
            json!({"repository": described(name)})
        }
        "GetAuthorizationToken" => json!({"authorizationData": [{
            "authorizationToken": STANDARD.encode("AWS:a-secret-token"),
            "proxyEndpoint": format!("https://{REGISTRY}"),
        }]}),
        "DescribeImages" => {
            assert_eq!(input["imageIds"][0]["imageTag"], "1.0");
            json!({"imageDetails": [{"imageDigest": DIGEST, "imageSizeInBytes": 1234}]})
        }
        other => panic!("{other} is not expected"),
    };
    said.to_string().into_response()
}

struct Scene {
    temporary: TempDir,
    ecr: Arc<Ecr>,
    lookbook: Lookbook,
}

impl Scene {
    async fn new(ecr: Ecr) -> Scene {
        let ecr = Arc::new(ecr);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&ecr));
        let address = serve(router).await;
        let temporary = tempfile::tempdir().unwrap();
        let here = temporary.path().to_str().unwrap();
        let docker = temporary.path().join("docker");
        fs::write(&docker, DOCKER.replace("$HERE", here)).unwrap();
        fs::set_permissions(&docker, PermissionsExt::from_mode(0o755)).unwrap();
        fs::write(temporary.path().join("digest"), DIGEST).unwrap();
        let path = std::env::var("PATH").unwrap();
        let url = format!("http://{address}");
        Scene {
            lookbook: Lookbook::with_services(&[("ECR", url.as_str())])
                .with("PATH", format!("{here}:{path}")),
            temporary,
            ecr,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Exit code, stdout and stderr.
    async fn push(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let arguments = [&["push-image"], arguments].concat();
        let output = self.lookbook.run(&arguments).await;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (out, told) = (text(&output.stdout), text(&output.stderr));
        (output.status.code(), out, told)
    }
}

#[tokio::test]
async fn an_image_is_pushed_and_its_digest_compared() {
    let scene = Scene::new(Ecr::default()).await;
    let (code, _, told) = scene.push(&[IMAGE]).await;
    assert_eq!(code, Some(NOT_FOUND), "{told}");
    assert!(told.contains("RepositoryNotFoundException") && told.contains("--create"));

    let (code, out, told) = scene.push(&["--json", IMAGE, "--create"]).await;
    assert_eq!(code, Some(0), "{told}");
    let said: Value = serde_json::from_str(&out).unwrap();
    let uri = format!("{REGISTRY}/lookbook/model-server:1.0");
    assert_eq!(said["uri"], uri.as_str());
    assert_eq!(
        (said["digest"].as_str(), said["bytes"].as_u64()),
        (Some(DIGEST), Some(1234))
    );
    assert!(told.contains("linux/arm64") && told.contains("--platform linux/amd64"));

    let calls = fs::read_to_string(scene.at("calls")).unwrap();
    let login = format!("login --username AWS --password-stdin {REGISTRY}");
    for call in [
        &login,
        &format!("tag sha256:abcdef {uri}"),
        &format!("push {uri}"),
    ] {
        assert!(calls.lines().any(|line| line == call), "{call} in {calls}");
    }
    // The token goes over stdin and is told nowhere.
    assert_eq!(
        fs::read_to_string(scene.at("password")).unwrap(),
        "a-secret-token"
    );
    assert!(!(calls + &out + &told).contains("a-secret-token"));
    let made = scene.ecr.calls.lock().unwrap();
    assert_eq!(
        made.iter()
            .filter(|call| *call == "CreateRepository")
            .count(),
        1
    );
}

#[tokio::test]
async fn another_digest_under_the_tag_is_a_failure() {
    let scene = Scene::new(Ecr::default()).await;
    fs::write(scene.at("digest"), "sha256:2222").unwrap();
    let (code, out, told) = scene.push(&[IMAGE, "--create"]).await;
    assert_eq!((code, out.as_str()), (Some(FAILED), ""), "{told}");
    assert!(
        told.contains(DIGEST) && told.contains("sha256:2222"),
        "{told}"
    );
}

#[tokio::test]
async fn an_interrupted_push_ends_with_the_engine_and_is_begun_again() {
    let scene = Scene::new(Ecr::default()).await;
    fs::write(scene.at("slow"), "").unwrap();
    let (signs, log) = (scene.at("signs"), scene.at("lookbook.log"));
    let mut process = scene
        .lookbook
        .start(&["push-image", IMAGE, "--create"], &log);
    let pushes = || signs.exists().then_some(());
    process.wait_until(PATIENCE, pushes).await.unwrap();
    let status = process.stop().await.unwrap();
    let said = fs::read_to_string(&log).unwrap();
    assert_eq!(status.code(), Some(INTERRUPTED), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    // Nobody pushes on behind the user's back.
    let left = || fs::metadata(&signs).unwrap().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = left();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(left(), after, "the engine still pushes");
    fs::remove_file(scene.at("slow")).unwrap();
    // The repository is there by now.
    let (code, out, told) = scene.push(&["--json", IMAGE]).await;
    assert_eq!(code, Some(0), "{told}");
    let pushed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(pushed["digest"], DIGEST);
}

#[tokio::test]
async fn a_docker_that_cannot_work_is_named_with_what_to_do() {
    let scene = Scene::new(Ecr::default()).await;
    let (code, _, told) = scene.push(&["missing", "--repository", "lookbook/x"]).await;
    assert_eq!(code, Some(NOT_FOUND), "{told}");
    assert!(told.contains("No such image"), "{told}");
    fs::write(scene.at("down"), "").unwrap();
    let (code, _, told) = scene.push(&[IMAGE]).await;
    assert_eq!(code, Some(UNAVAILABLE), "{told}");
    assert!(told.contains("Cannot connect") && told.contains("start its daemon"));
    let (code, _, told) = scene.push(&[IMAGE, "--engine", "no-such-engine"]).await;
    assert_eq!(code, Some(NOT_FOUND), "{told}");
    assert!(
        told.contains("no-such-engine") && told.contains("install"),
        "{told}"
    );
    let (code, _, told) = scene.push(&["Upper/Case"]).await;
    assert_eq!(code, Some(USAGE), "{told}");
    // Nothing was asked of the account.
    assert!(scene.ecr.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_missing_permission_is_told_with_the_request() {
    let scene = Scene::new(Ecr {
        denies: true,
        ..Ecr::default()
    })
    .await;
    let (code, _, told) = scene.push(&[IMAGE, "--create"]).await;
    assert_eq!(code, Some(DENIED), "{told}");
    for part in ["AccessDeniedException", "request-7", "needs a policy"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

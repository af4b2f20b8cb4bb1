//! The function behind a URL whose invoke mode is RESPONSE_STREAM: what the Runtime API is
//! sent, and when.

use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use local_stack::{
    LocalCloud, LocalCloudOptions, Process, Programs, ServiceUrls, Writer, function_command,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::runtime_api::{Answer, RuntimeApi};

use crate::common::*;

const MODEL: &str = "anthropic.claude-3-sonnet-20240229-v1:0";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The function under a Runtime API that shows what it is sent.
struct Function {
    api: RuntimeApi,
    process: Process,
    _cloud: LocalCloud,
    _folder: TempDir,
}

impl Function {
    /// One with RESPONSE_MODE=stream and further settings, whose writer is as slow as given.
    async fn start(settings: &[(&str, &str)], slow_ms: u64) -> Function {
        let programs = Programs::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = LocalCloudOptions {
            writer: Writer::Template,
            model_behaviours: vec![format!("{MODEL}=slow:{slow_ms}")],
            function_url: None,
        };
        let cloud = LocalCloud::start(&programs, &options, folder.path());
        let cloud = cloud.await.unwrap();
        let endpoint = format!("http://{}", serve(endpoint()).await);
        let services = ServiceUrls {
            s3: cloud.s3_url(),
            bedrock: cloud.bedrock_url(),
            endpoint: &endpoint,
        };
        let api = RuntimeApi::start().await.unwrap();
        let settings: Vec<(String, String)> = settings
            .iter()
            .chain(&[("RESPONSE_MODE", "stream")])
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let address = api.address().to_string();
        let mut command = function_command(&programs, &address, services, &settings);
        let log = folder.path().join("function.log");
        let process = Process::start("the function", &mut command, &log).unwrap();
        Function {
            api,
            process,
            _cloud: cloud,
            _folder: folder,
        }
    }

    async fn answer(&self, event: &Value) -> Answer {
        let answer = self.api.invoke(event.to_string().into());
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let log = || self.process.last_lines();
        let answer = answer.unwrap_or_else(|_| panic!("no answer:\n{}", log()));
        answer.unwrap_or_else(|error| panic!("{error:#}:\n{}", log()))
    }

    async fn stop(self) {
        self.process.stop().await.unwrap();
    }
}

/// Knows two attributes of everything.
fn endpoint() -> Router {
    let path = "/endpoints/{name}/invocations";
    let answer = post(|Json(request): Json<Value>| async move {
        let prompts = request["prompts"].as_array().cloned().unwrap_or_default();
        let answers = prompts.iter().map(|prompt| {
            let prompt = prompt.as_str().unwrap_or_default();
            if prompt.contains("the fabric of") {
                "Fabric: Cotton"
            } else if prompt.contains("the sleeve length of") {
                "Sleeve Length: Long Sleeves"
            } else {
                ""
            }
        });
        Json(json!(answers.collect::<Vec<_>>()))
    });
    Router::new().route(path, answer)
}

/// Status and headers of a streamed answer, and its body.
fn parts(answer: &Answer) -> (Value, String) {
    assert!(answer.streamed && !answer.failed, "{answer:?}");
    let end = answer.body.windows(8).position(|bytes| bytes == [0; 8]);
    let end = end.unwrap_or_else(|| panic!("no prelude: {answer:?}"));
    let prelude = serde_json::from_slice(&answer.body[..end]).unwrap();
    let body = String::from_utf8(answer.body[end + 8..].to_vec()).unwrap();
    (prelude, body)
}

/// The events of a stream, each with its data.
fn events(body: &str) -> Vec<(&str, Value)> {
    let events = body.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        (name, serde_json::from_str(data).unwrap())
    });
    events.collect()
}

/// The drafts among some events, put together.
fn text(events: &[(&str, Value)]) -> String {
    let drafts = events.iter().filter(|(name, _)| *name == "draft");
    drafts
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn attributes_come_first_then_the_text_as_it_is_written_then_the_result() {
    for api in ["invoke", "converse"] {
        let function = Function::start(&[("BEDROCK_API", api)], 700).await;
        let answer = function.answer(&event("function-url.json")).await;
        let (prelude, body) = parts(&answer);
        assert_eq!(prelude["statusCode"], 200, "{prelude}");
        assert_eq!(prelude["headers"]["content-type"], "text/event-stream");
        let events = events(&body);
        let [(first, attributes), told @ .., (last, result)] = events.as_slice() else {
            panic!("{api}: {body}");
        };
        assert_eq!((*first, *last), ("attributes", "result"), "{api}");
        let drafts = told.iter().take_while(|(name, _)| *name == "draft").count();
        assert!(drafts > 1, "{api}: {body}");
        assert_eq!(
            attributes["attributes"],
            json!({"Fabric": "Cotton", "Sleeve Length": "Long Sleeves"})
        );
        assert_eq!(attributes["attributes"], result["attributes"]);
        assert_eq!(result["description"], text(&told[..drafts]), "{api}");
        assert_eq!(result["product_id"], "drawn-01");
        // The attributes did not wait for the writer.
        let writing = answer.answered.duration_since(answer.begun);
        assert!(writing >= Duration::from_millis(600), "{api}: {writing:?}");

        let log = function.process.output();
        let product = log.lines().find(|line| line.contains("\"product\""));
        let product = product.unwrap_or_else(|| panic!("{log}"));
        assert!(product.contains("\"described\""), "{product}");
        assert!(product.contains("requestId"), "{product}");
        function.stop().await;
    }
}

#[tokio::test]
async fn a_text_with_faults_is_followed_by_another() {
    let function = Function::start(&[("BANNED_WORDS", "template")], 0).await;
    let answer = function.answer(&event("function-url.json")).await;
    let (_, body) = parts(&answer);
    let events = events(&body);
    let restarts: Vec<usize> = events
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| *name == "restart")
        .map(|(at, _)| at)
        .collect();
    let [restart] = restarts.as_slice() else {
        panic!("{body}");
    };
    assert_eq!(events[*restart].1, json!({"reason": "mending"}));
    // The writer has but one text, so that the second has the same faults.
    let (first, second) = (text(&events[..*restart]), text(&events[*restart..]));
    assert!(first.contains("template"), "{first}");
    assert_eq!(first, second);
    let (last, result) = &events[events.len() - 1];
    assert_eq!(*last, "result");
    assert_eq!(result["description"], second);
    assert_eq!(result["banned_words"], json!(["template"]), "{result}");
    function.stop().await;
}

#[tokio::test]
async fn what_is_no_stream_is_answered_as_ever() {
    let function = Function::start(&[], 0).await;
    // A wrong call of the URL: one body, with its status in front.
    let mut wrong = event("function-url.json");
    wrong["body"] = json!("{");
    let (prelude, body) = parts(&function.answer(&wrong).await);
    assert_eq!(prelude["statusCode"], 400, "{prelude}");
    let content_type = &prelude["headers"]["content-type"];
    assert_eq!(content_type, "application/problem+json");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], 400, "{problem}");

    // Others call by Invoke, and have their answers whole.
    for name in ["http-api.json", "direct-base64.json"] {
        let answer = function.answer(&event(name)).await;
        assert!(!answer.streamed && !answer.failed, "{name}: {answer:?}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let result = match answer.get("statusCode") {
            Some(status) => {
                assert_eq!(status, 200, "{answer}");
                body_of(&answer)
            }
            None => answer,
        };
        assert_eq!(result["attributes"]["Fabric"], "Cotton", "{name}: {result}");
    }
    function.stop().await;
}

fn body_of(answer: &Value) -> Value {
    body(answer)
}

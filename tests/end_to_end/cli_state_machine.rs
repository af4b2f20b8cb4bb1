//! `lookbook backfill` by a state machine: a server that answers as Step Functions does.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::common::serve;
use crate::lookbook::Lookbook;

/// Step Functions with one execution, which has ended when it is looked at again.
#[derive(Clone, Default)]
struct StepFunctions {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

async fn step_functions(
    State(state): State<StepFunctions>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let looks = {
        let mut asked = state.asked.lock().unwrap();
        asked.push((operation.clone(), body));
        asked
            .iter()
            .filter(|(name, _)| name == "DescribeExecution")
            .count()
    };
    let execution = "arn:aws:states:us-east-1:123456789012:execution:Backfill:1";
    let map_run = "arn:aws:states:us-east-1:123456789012:mapRun:Backfill/1:1";
    let status = if looks > 1 { "SUCCEEDED" } else { "RUNNING" };
    let answer = match operation.as_str() {
        "DescribeStateMachine" => json!({
            "stateMachineArn": "m", "name": "Backfill", "roleArn": "r", "type": "STANDARD",
            "creationDate": 1.0, "definition": "{\"Arguments\": {\"Bucket\": \"photos\"}}"
        }),
        "StartExecution" => json!({"executionArn": execution, "startDate": 1.0}),
        "DescribeExecution" => json!({
            "executionArn": execution, "stateMachineArn": "m", "status": status,
            "startDate": 1.0, "output": "{\"written\": 3}"
        }),
        "ListMapRuns" => json!({"mapRuns": [{
            "executionArn": execution, "mapRunArn": map_run, "stateMachineArn": "m",
            "startDate": 1.0
        }]}),
        "DescribeMapRun" => {
            let counts = json!({
                "pending": 0, "running": 0, "succeeded": 3, "failed": 0, "timedOut": 0,
                "aborted": 0, "total": 3, "resultsWritten": 3
            });
            json!({
                "mapRunArn": map_run, "executionArn": execution, "status": status,
                "startDate": 1.0, "maxConcurrency": 8, "toleratedFailurePercentage": 100.0,
                "toleratedFailureCount": 0, "itemCounts": counts, "executionCounts": counts
            })
        }
        other => panic!("{other} is not called"),
    };
    axum::Json(answer).into_response()
}

#[tokio::test]
async fn the_state_machine_is_started_over_the_prefix_and_followed() {
    let state = StepFunctions::default();
    let router = Router::new()
        .fallback(step_functions)
        .with_state(state.clone());
    let address = serve(router).await;
    let lookbook = Lookbook::with_services(&[("SFN", format!("http://{address}").as_str())]);
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Backfill";
    let follow = ["--state-machine", machine, "--every", "1", "--json"];
    let mut arguments = vec![
        "backfill",
        "s3://photos/incoming",
        "--limit",
        "20",
        "--cheaply",
    ];
    arguments.extend(follow);
    let (status, ended) = lookbook.json(&arguments).await;
    assert_eq!(status, Some(0), "{ended}");
    assert_eq!(ended["status"], "SUCCEEDED");
    assert_eq!(ended["items"]["succeeded"], 3);
    assert_eq!(ended["output"], json!({"written": 3}));
    let asked = state.asked.lock().unwrap().clone();
    let started = asked.iter().find(|(name, _)| name == "StartExecution");
    let (_, started) = started.unwrap();
    assert_eq!(started["stateMachineArn"], machine);
    let input: Value = serde_json::from_str(started["input"].as_str().unwrap()).unwrap();
    assert_eq!(
        input,
        json!({"prefix": "incoming/", "limit": 20, "cheaply": true})
    );

    // It lists the bucket of its stack, whatever it is told.
    let mut arguments = vec!["backfill", "s3://others/incoming"];
    arguments.extend(follow);
    let output = lookbook.run(&arguments).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("another bucket than others"), "{said}");
    let asked = state.asked.lock().unwrap();
    let starts = asked.iter().filter(|(name, _)| name == "StartExecution");
    assert_eq!(starts.count(), 1);
}

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::domain::DescriberError;
use crate::entrypoints::http::payload_v2;
use crate::fakes::{Fakes, photo_base64};

const TEXT: &str = "A blue cotton garment.";

/// The event of a function URL about one product.
fn event(change: impl FnOnce(&mut Value)) -> Value {
    let image = json!({"base64": photo_base64()});
    let mut event = json!({
        "version": "2.0",
        "rawPath": "/",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": "/"},
            "stage": "$default",
            "domainName": "x.lambda-url.eu-west-1.on.aws"
        },
        "body": json!({"product_id": "7", "image": image}).to_string()
    });
    change(&mut event);
    event
}

async fn stream(app: &Arc<App>, event: Value) -> Streamed {
    let event = serde_json::from_value(event).unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    payload_v2::stream(app, event, deadline).await.unwrap()
}

fn header<'a>(response: &'a Streamed, name: &str) -> Option<&'a str> {
    let value = response.metadata_prelude.headers.get(name)?;
    Some(value.to_str().unwrap())
}

fn status(response: &Streamed) -> u16 {
    response.metadata_prelude.status_code.as_u16()
}

async fn text(response: Streamed) -> String {
    let mut text = String::new();
    let mut body = response.stream;
    while let Some(Ok(bytes)) = body.next().await {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

/// The events of a stream, each by its name and with its data.
fn events(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        (name.strip_prefix("event: ").unwrap(), data)
    });
    parts.collect()
}

fn names<'a>(events: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    events.iter().map(|(name, _)| *name).collect()
}

/// The body of the same call without a stream.
async fn buffered(fakes: &Fakes) -> Value {
    let event = serde_json::from_value(event(|_| ())).unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    payload_v2::handle(&fakes.app(), event, deadline).await["body"].clone()
}

#[tokio::test]
async fn a_key_without_a_place_is_answered_as_ignored() {
    let app = Arc::new(Fakes::default().app());
    let usual = stream(&app, event(|_| ())).await;
    assert_eq!(header(&usual, "idempotency-ignored"), None);
    let keyed = event(|event| event["headers"]["idempotency-key"] = json!("key"));
    let keyed = stream(&app, keyed).await;
    assert_eq!(header(&keyed, "idempotency-ignored"), Some("true"));
}

#[tokio::test]
async fn a_product_is_a_stream_of_attributes_draft_and_result() {
    let fakes = Fakes::default();
    let response = stream(&Arc::new(fakes.app()), event(|_| ())).await;
    assert_eq!(status(&response), 200);
    assert_eq!(header(&response, "content-type"), Some("text/event-stream"));
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    let text = text(response).await;
    let events = events(&text);
    assert_eq!(names(&events), ["attributes", "draft", "result"]);
    let attributes: Value = serde_json::from_str(events[0].1).unwrap();
    assert_eq!(
        attributes["attributes"],
        json!({"Fabric": "Cotton", "Colour": "Blue"})
    );
    assert_eq!(attributes["confidence"], json!({"Fabric": 0.5}));
    assert_eq!(attributes["missing"].as_array().unwrap().len(), 6);
    assert_eq!(events[1].1, json!({"text": TEXT}).to_string());
    assert_eq!(buffered(&fakes).await, events[2].1);
}

#[tokio::test(start_paused = true)]
async fn the_attributes_come_before_the_text_is_written() {
    let fakes = Fakes::default();
    *fakes.describer.turn.lock().unwrap() = Duration::from_secs(9);
    let start = tokio::time::Instant::now();
    let mut response = stream(&Arc::new(fakes.app()), event(|_| ())).await;
    let first = response.stream.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: attributes\n"), "{first:?}");
    assert_eq!(start.elapsed(), Duration::ZERO);
    let rest = text(response).await;
    assert!(rest.starts_with("event: draft\n"), "{rest}");
    assert!(start.elapsed() >= Duration::from_secs(9));
}

#[tokio::test]
async fn a_text_with_faults_begins_anew() {
    let fakes = Fakes::default();
    let texts = ["A red cotton shirt.", "A blue cotton shirt."];
    fakes.describer.texts.lock().unwrap().extend(texts);
    let text = text(stream(&Arc::new(fakes.app()), event(|_| ())).await).await;
    let events = events(&text);
    assert_eq!(
        names(&events),
        ["attributes", "draft", "restart", "draft", "result"]
    );
    assert_eq!(events[1].1, json!({"text": texts[0]}).to_string());
    assert_eq!(events[2].1, json!({"reason": "mending"}).to_string());
    let result: Value = serde_json::from_str(events[4].1).unwrap();
    assert_eq!(result["description"], texts[1]);
}

#[tokio::test]
async fn what_fails_after_the_attributes_is_the_last_event() {
    let fakes = Fakes::default();
    *fakes.describer.error.lock().unwrap() = Some(DescriberError::TimedOut {
        model: "fake-model".into(),
    });
    let response = stream(&Arc::new(fakes.app()), event(|_| ())).await;
    assert_eq!(status(&response), 200);
    let text = text(response).await;
    let events = events(&text);
    assert_eq!(names(&events), ["attributes", "problem"]);
    let problem: Value = serde_json::from_str(events[1].1).unwrap();
    assert_eq!(problem["status"], 504);
    assert_eq!(problem["attributes"]["Fabric"], "Cotton");
}

#[tokio::test]
async fn what_fails_before_is_a_problem_with_its_status() {
    let app = Arc::new(Fakes::default().app());
    let no_photo = json!({"image": {"base64": "cGhvdG8="}}).to_string();
    let get = event(|event| event["requestContext"]["http"]["method"] = json!("GET"));
    for (event, expected) in [
        (event(|event| event["body"] = json!("{")), 400),
        (event(|event| event["body"] = json!(no_photo)), 422),
        (event(|event| event["rawPath"] = json!("/elsewhere")), 404),
        (get, 405),
    ] {
        let response = stream(&app, event).await;
        assert_eq!(status(&response), expected);
        let content_type = header(&response, "content-type");
        assert_eq!(content_type, Some("application/problem+json"));
        let allow = header(&response, "allow").map(str::to_owned);
        assert_eq!(allow.is_some(), expected == 405);
        let problem: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem["status"], expected);
    }
}

#[tokio::test]
async fn a_batch_has_one_body() {
    let event = event(|event| {
        event["rawPath"] = json!("/descriptions:batch");
        let image = json!({"base64": photo_base64()});
        let products = json!([{"product_id": "1", "image": image}, {}]);
        event["body"] = json!(json!({"products": products}).to_string());
    });
    let response = stream(&Arc::new(Fakes::default().app()), event).await;
    assert_eq!(status(&response), 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["results"][0]["description"], TEXT);
    assert_eq!(body["results"][1]["status"], 400);
}

#[tokio::test]
async fn an_answer_that_was_given_before_is_one_result() {
    let mut fakes = Fakes::default();
    let location = "s3://results/calls/";
    fakes.variables.insert("IDEMPOTENCY_LOCATION", location);
    let app = Arc::new(fakes.app());
    let keyed = || event(|event| event["headers"]["idempotency-key"] = json!("8e03978e"));
    let first = stream(&app, keyed()).await;
    assert_eq!(header(&first, "idempotency-replayed"), None);
    let first = text(first).await;
    let again = stream(&app, keyed()).await;
    assert_eq!(header(&again, "idempotency-replayed"), Some("true"));
    assert_eq!(header(&again, "content-type"), Some("text/event-stream"));
    let again = text(again).await;
    assert_eq!(events(&again), events(&first)[2..]);
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_stops_the_work() {
    let fakes = Fakes::default();
    *fakes.describer.turn.lock().unwrap() = Duration::from_secs(9);
    let app = Arc::new(fakes.app());
    let mut response = stream(&app, event(|_| ())).await;
    response.stream.next().await.unwrap().unwrap();
    assert_eq!(Arc::strong_count(&app), 2);
    drop(response);
    let start = tokio::time::Instant::now();
    while Arc::strong_count(&app) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

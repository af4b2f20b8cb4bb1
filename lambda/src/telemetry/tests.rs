//! Those who read the log of a function that works.

use std::io::Cursor;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgb, RgbImage};
use lambda_runtime::{Config, Context, LambdaEvent};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;
use tracing_subscriber::EnvFilter;

use super::emf::rules;
use crate::domain::AskError;
use crate::entrypoints::{App, handle};
use crate::fakes::{Fakes, Lines, photo_base64, photo_bytes};
use crate::logs;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What the function writes at its finest level while it handles an event, one document a
/// line, whatever its answer is.
async fn seen(app: &App, event: Value) -> Vec<Value> {
    let mut context = Context::default();
    context.deadline = 60_000;
    context.xray_trace_id =
        Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8".to_owned());
    context.env_config = Arc::new(Config {
        function_name: "describe-product".to_owned(),
        ..Config::default()
    });
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = logs::subscriber(EnvFilter::new("trace"), move || writer.clone());
    // The answer is for others.
    let _ = handle(app, LambdaEvent::new(event, context))
        .with_subscriber(subscriber)
        .await;
    lines.documents()
}

/// The lines about products.
fn products(lines: &[Value]) -> Vec<&Value> {
    let is_of_a_product = |line: &&Value| line["message"] == "product";
    lines.iter().filter(is_of_a_product).collect()
}

/// The lines with metrics, which keep the rules.
fn metrics(lines: &[Value]) -> Vec<&Value> {
    let metrics: Vec<&Value> = lines
        .iter()
        .filter(|line| line.get("_aws").is_some())
        .collect();
    for line in &metrics {
        rules::check(line).unwrap_or_else(|rule| panic!("{rule}: {line}"));
        assert_eq!(line["FunctionName"], "describe-product");
    }
    metrics
}

fn http(headers: Value, body: Value) -> Value {
    json!({
        "version": "2.0",
        "rawPath": "/descriptions",
        "headers": headers,
        "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
        "body": body.to_string(),
        "isBase64Encoded": false
    })
}

fn queue(messages: &[Value]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| {
            let body = message.as_str().map_or(message.to_string(), str::to_owned);
            json!({"eventSource": "aws:sqs", "messageId": format!("m{index}"), "body": body})
        })
        .collect();
    json!({"Records": records})
}

fn upload(key: &str) -> Value {
    json!({
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "catalogue"}, "object": {"key": key, "eTag": "e1"}}
    })
}

#[tokio::test]
async fn each_product_has_one_line_with_its_outcome_and_one_with_metrics() {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/7.jpg", photo_bytes());
    let messages = [
        json!({"Records": [upload("incoming/7.jpg"), upload("elsewhere/8.jpg")]}),
        json!({"product_id": "9", "image": {"s3_uri": "s3://catalogue/none.jpg"}}),
        json!("no JSON"),
    ];
    let app = fakes.app();
    let lines = seen(&app, queue(&messages)).await;
    let products = products(&lines);
    let mut outcomes: Vec<[&str; 3]> = products
        .iter()
        .map(|line| ["outcome", "source", "trigger"].map(|name| line[name].as_str().unwrap()))
        .collect();
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            ["described", "incoming/7.jpg", "sqs"],
            ["failed", "m1", "sqs"],
            ["failed", "m2", "sqs"],
            ["skipped", "elsewhere/8.jpg", "sqs"],
        ]
    );
    let of = |source: &str| {
        products
            .iter()
            .find(|line| line["source"] == source)
            .unwrap()
    };
    let described = of("incoming/7.jpg");
    assert_eq!(described["product_id"], "7");
    assert_eq!(described["result"], "s3://catalogue/descriptions/7.json");
    for (name, number) in [
        ("answered", 2),
        ("missing", 6),
        ("left_out", 0),
        ("unmentioned", 0),
        ("contradicted", 0),
        ("input_tokens", 7),
        ("output_tokens", 5),
        ("retries", 0),
    ] {
        assert_eq!(described[name], number, "{name}");
    }
    assert_eq!(described["model"], "fake-model");
    assert_eq!(described["trace_id"], "5759e988bd862e3fe1be46a994272793");
    for name in ["photo_ms", "attributes_ms", "description_ms", "total_ms"] {
        assert!(described[name].is_u64(), "{name}");
    }
    let failed = of("m1");
    assert_eq!(failed["product_id"], "9");
    assert_eq!(
        (&failed["status"], &failed["level"]),
        (&json!(404), &json!("WARN"))
    );
    assert_eq!(failed["problem"], "no-such-object");
    // It is done with that, unlike what could not be kept.
    assert_eq!(failed["record"], "s3://catalogue/failures/9.json");
    assert!(of("m2").get("record").is_none());
    assert_eq!(of("elsewhere/8.jpg")["reason"], "no incoming photo");

    let metrics = metrics(&lines);
    let sum = |name: &str| -> u64 { metrics.iter().filter_map(|line| line[name].as_u64()).sum() };
    for (name, total) in [
        ("ColdStarts", 1),
        ("ProductsDescribed", 1),
        ("ProductsFailed", 2),
        ("ProductsSkipped", 1),
        ("Abstentions", 6),
        ("OutputTokens", 5),
    ] {
        assert_eq!(sum(name), total, "{name}");
    }
    assert_eq!(metrics.len(), 5);

    // A process starts once.
    let lines = seen(&app, queue(&messages[2..])).await;
    assert!(!lines.iter().any(|line| line.get("ColdStarts").is_some()));
}

#[tokio::test]
async fn a_text_that_is_held_or_dropped_counts_as_such() {
    for (setting, outcome, metric) in [
        ("hold", "held", "ProductsHeld"),
        ("drop", "dropped", "ProductsDropped"),
    ] {
        let fakes = Fakes {
            variables: [("UNFAITHFUL_DESCRIPTIONS", setting)].into(),
            ..Fakes::default()
        };
        let texts = ["A red cotton shirt.", "This is a red cotton shirt."];
        fakes.describer.texts.lock().unwrap().extend(texts);
        let event = json!({"image": {"base64": photo_base64()}});
        let lines = seen(&fakes.app(), event).await;
        assert_eq!(products(&lines)[0]["outcome"], outcome);
        assert_eq!(products(&lines)[0]["contradicted"], 1);
        let metrics = metrics(&lines);
        let line = metrics.iter().find(|line| line.get(metric).is_some());
        assert_eq!(line.unwrap()["Contradicted"], 1);
    }
}

#[tokio::test]
async fn what_was_paid_for_without_a_text_is_in_the_line_and_in_the_metrics() {
    let fakes = Fakes::default();
    let prose = ["A blue cotton shirt."; 2];
    fakes.describer.texts.lock().unwrap().extend(prose);
    let event = json!({"image": {"base64": photo_base64()}, "format": "listing"});
    let lines = seen(&fakes.app(), event).await;
    let line = products(&lines)[0];
    assert_eq!(line["problem"], "listing-unreadable");
    assert_eq!(line["model"], "fake-model");
    let metrics = metrics(&lines);
    let failed = metrics
        .iter()
        .find(|line| line.get("ProductsFailed").is_some());
    let failed = failed.unwrap();
    // Both turns.
    for (member, metric, tokens) in [
        ("input_tokens", "InputTokens", 14),
        ("output_tokens", "OutputTokens", 10),
    ] {
        assert_eq!(line[member], tokens, "{member}");
        assert_eq!(failed[metric], tokens, "{metric}");
    }
}

#[tokio::test]
async fn metrics_can_be_turned_off() {
    let fakes = Fakes {
        variables: [("METRICS_NAMESPACE", "none")].into(),
        ..Fakes::default()
    };
    let event = json!({"image": {"base64": photo_base64()}});
    let lines = seen(&fakes.app(), event).await;
    assert!(metrics(&lines).is_empty());
    assert_eq!(products(&lines).len(), 1);
}

#[tokio::test]
async fn a_caller_s_trace_is_in_the_line() {
    let headers = json!({"content-type": "application/json", "Traceparent": TRACEPARENT});
    let event = http(headers, json!({"image": {"base64": photo_base64()}}));
    let lines = seen(&Fakes::default().app(), event).await;
    assert_eq!(products(&lines)[0]["trace_id"], &TRACEPARENT[3..35]);
}

/// What became of which product, in the order of their names.
fn outcomes(lines: &[Value]) -> Vec<[&str; 2]> {
    let mut outcomes: Vec<[&str; 2]> = products(lines)
        .into_iter()
        .map(|line| ["product_id", "outcome"].map(|name| line[name].as_str().unwrap()))
        .collect();
    outcomes.sort_unstable();
    outcomes
}

#[tokio::test]
async fn a_call_that_is_made_again_has_a_line_for_each_of_its_products() {
    let fakes = Fakes {
        variables: [("IDEMPOTENCY_LOCATION", "s3://results/calls/")].into(),
        ..Fakes::default()
    };
    let app = fakes.app();
    let product = |id: &str| json!({"product_id": id, "image": {"base64": photo_base64()}});
    let call = |key: &str, path: &str, body: Value| {
        let headers = json!({"content-type": "application/json", "idempotency-key": key});
        let mut event = http(headers, body);
        event["rawPath"] = json!(path);
        event
    };
    let one = call("k1", "/descriptions", product("1"));
    let two = json!({"products": [product("2"), product("3")]});
    let batch = call("k2", "/descriptions:batch", two);
    for (event, ids) in [(one, vec!["1"]), (batch, vec!["2", "3"])] {
        for outcome in ["described", "skipped"] {
            let lines = seen(&app, event.clone()).await;
            let expected: Vec<[&str; 2]> = ids.iter().map(|id| [*id, outcome]).collect();
            assert_eq!(outcomes(&lines), expected);
        }
    }
    let other = call(
        "k2",
        "/descriptions:batch",
        json!({"products": [product("4")]}),
    );
    let lines = seen(&app, other).await;
    assert_eq!(outcomes(&lines), [["4", "failed"]]);
    let refused = products(&lines)[0];
    assert_eq!(refused["problem"], "idempotency-key-reused");
    assert_eq!(refused["status"], 422);
}

const SECRET: &str = "sk-live-5f2cB1";
const CUSTOMER: &str = "Jane \"Q\" Customer";

/// A photo that is too large for an excerpt.
fn photo() -> String {
    let noise = RgbImage::from_fn(64, 64, |x, y| {
        let value = x.wrapping_mul(2_654_435_761).wrapping_add(y * 40_503) >> 5;
        Rgb([value as u8, (value >> 8) as u8, (value >> 16) as u8])
    });
    let mut bytes = Vec::new();
    noise
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    STANDARD.encode(bytes)
}

/// Requests that are right and wrong, with what must not be logged wherever it may stand.
fn bodies(photo: &str) -> Vec<Value> {
    let image = json!({"base64": photo});
    vec![
        json!({"image": image}),
        json!({"image": image, "category": CUSTOMER}),
        json!({"image": image, "customer": {"name": CUSTOMER, "token": SECRET}}),
        json!({"image": image, (CUSTOMER): 1}),
        json!({"image": image, (SECRET): photo}),
        json!({"image": image, "attributes": CUSTOMER}),
        json!({"image": image, "attributes": [CUSTOMER]}),
        json!({"image": image, "product_id": [CUSTOMER]}),
        json!({"image": {"base64": photo, (CUSTOMER): SECRET}}),
        json!({"image": {"s3_uri": CUSTOMER}}),
        json!({"image": {"base64": CUSTOMER}}),
        json!({"image": photo}),
        json!({"image": [photo, CUSTOMER]}),
    ]
}

/// The same through every way in, and events that are none.
fn events(photo: &str) -> Vec<Value> {
    let bodies = bodies(photo);
    let headers = json!({
        "content-type": "application/json",
        "authorization": format!("Bearer {SECRET}"),
        "x-api-key": SECRET,
        "cookie": format!("session={SECRET}; name={CUSTOMER}"),
        "traceparent": SECRET,
        "tracestate": CUSTOMER
    });
    let mut events: Vec<Value> = bodies
        .iter()
        .map(|body| http(headers.clone(), body.clone()))
        .collect();
    let right = || http(headers.clone(), bodies[0].clone());
    for (place, value) in [
        ("/rawPath", format!("/customers/{CUSTOMER}")),
        ("/requestContext/http/method", CUSTOMER.to_owned()),
        ("/headers/content-type", SECRET.to_owned()),
        ("/body", CUSTOMER.to_owned()),
        ("/body", photo.to_owned()),
        ("/version", CUSTOMER.to_owned()),
    ] {
        let mut event = right();
        *event.pointer_mut(place).unwrap() = json!(value);
        events.push(event);
    }
    let mut batch = http(headers, json!({"products": bodies}));
    batch["rawPath"] = json!("/descriptions:batch");
    events.push(batch);
    events.push(queue(&bodies));
    events.push(queue(&[json!(CUSTOMER), json!(photo)]));
    events.push(json!({"Items": bodies}));
    events.push(json!({"Items": [{"Key": "incoming/1.jpg", "ETag": [CUSTOMER, photo]}]}));
    events.push(json!({"Records": [{"eventSource": CUSTOMER}]}));
    events.push(json!({"customer": CUSTOMER, "token": SECRET}));
    events.extend(bodies);
    events
}

#[tokio::test]
async fn no_photo_no_secret_and_no_name_is_ever_logged() {
    let photo = photo();
    let fakes = Fakes {
        variables: [("OUTPUT_BUCKET", "results")].into(),
        ..Fakes::default()
    };
    // An endpoint that gives back what it was sent, the second time.
    for echo in [false, true] {
        *fakes.model.error.lock().unwrap() = echo.then(|| AskError::Refused {
            endpoint: "fake-endpoint".into(),
            reason: format!("KeyError in {{\"image\": \"{}", &photo[..400]),
        });
        let app = fakes.app();
        for event in events(&photo) {
            let lines = seen(&app, event.clone()).await;
            let event = event.to_string();
            assert!(!lines.is_empty(), "{event}");
            for line in lines {
                let line = line.to_string();
                for kept_out in ["Jane", "Customer", SECRET, &photo[..16], &photo[60..76]] {
                    assert!(!line.contains(kept_out), "{kept_out}: {line} of {event}");
                }
            }
        }
    }
}

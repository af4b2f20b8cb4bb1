use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::domain::since_epoch_ms;
use crate::entrypoints::http::{HttpResponse, respond};
use crate::fakes::{Fakes, photo_base64};

fn fakes() -> Fakes {
    let mut fakes = Fakes::default();
    let variable = ("IDEMPOTENCY_LOCATION", "s3://results/calls/");
    fakes.variables.insert(variable.0, variable.1);
    fakes
}

fn body(product_id: &str) -> Value {
    json!({"product_id": product_id, "image": {"base64": photo_base64()}})
}

fn now_ms() -> u64 {
    since_epoch_ms(SystemTime::now())
}

async fn call_at(fakes: &Fakes, path: &str, key: &str, body: &Value) -> HttpResponse {
    let query = HashMap::new();
    let headers: HashMap<String, String> = [
        ("content-type".to_owned(), "application/json".to_owned()),
        ("Idempotency-Key".to_owned(), key.to_owned()),
    ]
    .into();
    let request = HttpRequest {
        method: "POST",
        path,
        headers: &headers,
        query: &query,
        body: Ok(Bytes::from(body.to_string())),
    };
    let deadline = Deadline::after(Duration::from_secs(20));
    respond(&fakes.app(), request, deadline).await
}

async fn call(fakes: &Fakes, key: &str, body: &Value) -> HttpResponse {
    call_at(fakes, "/descriptions", key, body).await
}

/// Where the only record lies.
fn record(fakes: &Fakes) -> String {
    let uris = fakes.store.uris();
    assert_eq!(uris.len(), 1, "{uris:?}");
    assert!(uris[0].starts_with("s3://results/calls/"), "{uris:?}");
    uris[0].clone()
}

#[tokio::test]
async fn a_repeated_call_is_answered_as_before_without_the_work() {
    let fakes = fakes();
    let first = call(&fakes, "key 1", &body("7")).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert!(first.headers.is_empty(), "{first:?}");
    let again = call(&fakes, "key 1", &body("7")).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers, [("idempotency-replayed", "true")]);
    assert_eq!(fakes.calls(), 1);
    record(&fakes);

    call(&fakes, "key 2", &body("7")).await;
    assert_eq!(fakes.calls(), 2);
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let fakes = fakes();
    call(&fakes, "key", &body("7")).await;
    let other = call(&fakes, "key", &body("8")).await;
    assert_eq!(other.status, 422, "{other:?}");
    assert!(other.body.contains("idempotency-key-reused"), "{other:?}");
    let batch = json!({"products": [body("7")]});
    let elsewhere = call_at(&fakes, "/descriptions:batch", "key", &batch).await;
    assert_eq!(elsewhere.status, 422, "{elsewhere:?}");
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_call_that_is_being_answered_is_to_be_made_later() {
    let fakes = fakes();
    call(&fakes, "key", &body("7")).await;
    let uri = record(&fakes);
    let mut claimed = fakes.store.json(&uri);
    claimed.as_object_mut().unwrap().remove("answer");
    claimed["claimed_until_ms"] = json!(now_ms() + 60_000);
    fakes.store.put(&uri, claimed.to_string().into());
    let early = call(&fakes, "key", &body("7")).await;
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(early.headers, [("retry-after", RETRY_AFTER_S)]);

    // Whoever claimed it has died.
    claimed["claimed_until_ms"] = json!(now_ms() - 1);
    fakes.store.put(&uri, claimed.to_string().into());
    let after = call(&fakes, "key", &body("7")).await;
    assert_eq!(after.status, 200, "{after:?}");
    assert_eq!(fakes.calls(), 2);
}

#[tokio::test]
async fn one_of_two_calls_at_once_does_the_work() {
    let fakes = fakes();
    call(&fakes, "key", &body("7")).await;
    let uri = record(&fakes);
    let mut claimed = fakes.store.json(&uri);
    claimed.as_object_mut().unwrap().remove("answer");
    claimed["claimed_until_ms"] = json!(now_ms() + 60_000);

    fakes.store.forget(&uri);
    let other = (uri, claimed.to_string().into(), Default::default());
    *fakes.store.interloper.lock().unwrap() = Some(other);
    let second = call(&fakes, "key", &body("7")).await;
    assert_eq!(second.status, 409, "{second:?}");
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_problem_gives_the_key_back() {
    let fakes = fakes();
    fakes.is_slow(true);
    let failed = call(&fakes, "key", &body("7")).await;
    assert_eq!(failed.status, 504, "{failed:?}");
    assert!(fakes.store.uris().is_empty());

    // So does a batch, one of which may be answered otherwise next time.
    let batch = json!({"products": [body("7"), {"product_id": "8"}]});
    let at = "/descriptions:batch";
    let answer = call_at(&fakes, at, "key", &batch).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(fakes.store.uris().is_empty());

    fakes.is_slow(false);
    call_at(&fakes, at, "key", &batch).await;
    record(&fakes);
    let again = call_at(&fakes, at, "key", &batch).await;
    assert_eq!(again.headers.len(), 1, "{again:?}");
}

#[tokio::test]
async fn a_wrong_request_claims_no_key() {
    let fakes = fakes();
    let wrong = call(&fakes, "key", &json!({"image": {}})).await;
    assert_eq!(wrong.status, 400);
    assert!(fakes.store.uris().is_empty());
}

#[tokio::test]
async fn a_key_is_bounded() {
    let fakes = fakes();
    let longest = "k".repeat(LONGEST_CALL_KEY);
    let answer = call(&fakes, &longest, &body("7")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for key in ["", "é", "a\nb", &format!("{longest}k")] {
        let answer = call(&fakes, key, &body("7")).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains(HEADER), "{answer:?}");
    }
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn without_a_place_keys_have_no_effect_and_each_answer_says_so() {
    let fakes = Fakes::default();
    for calls_so_far in 1..=2 {
        let answer = call(&fakes, "key", &body("7")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers, [("idempotency-ignored", "true")]);
        assert_eq!(fakes.calls(), calls_so_far);
    }
    assert!(fakes.store.uris().is_empty());
    let wrong = call(&fakes, "key", &json!({"image": {}})).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    assert_eq!(wrong.headers, [("idempotency-ignored", "true")]);
}

#[tokio::test]
async fn a_place_that_is_out_of_reach_is_a_problem_that_says_so() {
    let fakes = fakes();
    *fakes.store.denied.lock().unwrap() = Some("calls/");
    let answer = call(&fakes, "key", &body("7")).await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.body.contains("s3:PutObject"), "{answer:?}");
    assert_eq!(fakes.calls(), 0);
}

use std::time::Duration;

use super::*;
use crate::fakes::{self, Fakes};

type Change = fn(&mut Value);

fn event(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": "POST /descriptions",
        "rawPath": "/descriptions",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": "/descriptions"},
            "stage": "$default",
            "domainName": "abcdefghij.execute-api.eu-west-1.amazonaws.com"
        },
        "body": json!({"image": {"base64": fakes::photo_base64()}}).to_string(),
        "isBase64Encoded": false
    });
    change(&mut event);
    event
}

async fn call(fakes: &Fakes, event: Value) -> (u64, Value, Value) {
    let event = serde_json::from_value(event).unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    let response = handle(&fakes.app(), event, deadline).await;
    let body = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(response["isBase64Encoded"], false);
    (
        response["statusCode"].as_u64().unwrap(),
        response["headers"].clone(),
        body,
    )
}

#[tokio::test]
async fn a_json_request_is_answered_in_the_form_of_the_contract() {
    let event = event(|event| {
        let image = json!({"base64": fakes::photo_base64()});
        let body = json!({"product_id": "38642", "image": image, "attributes": ["Fabric"]});
        event["body"] = json!(body.to_string());
    });
    let (status, headers, body) = call(&Fakes::default(), event).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        body,
        json!({
            "product_id": "38642",
            "attributes": {"Fabric": "Cotton"},
            "confidence": {"Fabric": 0.5},
            "description": "A cotton garment.",
            "unmentioned": [],
            "contradicted": [],
            "warnings": [],
            "models": {"attributes": "fake-endpoint", "description": "fake-model"},
            "usage": {"input_tokens": 7, "output_tokens": 5}
        })
    );
}

#[tokio::test]
async fn a_binary_request_takes_the_rest_from_the_query() {
    let event = event(|event| {
        event["headers"] = json!({"Content-Type": "image/JPEG; foo=bar"});
        event["queryStringParameters"] =
            json!({"product_id": "7", "category": "kurta", "attributes": "Fabric,Colour"});
        event["body"] = json!(fakes::photo_base64());
        event["isBase64Encoded"] = json!(true);
    });
    let (status, _, body) = call(&Fakes::default(), event).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["product_id"], "7");
    assert_eq!(
        body["attributes"],
        json!({"Fabric": "Cotton", "Colour": "Blue"})
    );
}

#[tokio::test]
async fn the_stage_and_a_function_url_s_root_are_tolerated() {
    for (path, stage, domain, expected) in [
        (
            "/descriptions/",
            "$default",
            "x.execute-api.eu-west-1.amazonaws.com",
            200,
        ),
        (
            "/prod/descriptions",
            "prod",
            "x.execute-api.eu-west-1.amazonaws.com",
            200,
        ),
        ("/", "$default", "x.lambda-url.eu-west-1.on.aws", 200),
        (
            "/descriptions",
            "$default",
            "x.lambda-url.eu-west-1.on.aws",
            200,
        ),
        (
            "/",
            "$default",
            "x.execute-api.eu-west-1.amazonaws.com",
            404,
        ),
        (
            "/prod",
            "prod",
            "x.execute-api.eu-west-1.amazonaws.com",
            404,
        ),
        (
            "/production/descriptions",
            "prod",
            "x.execute-api.eu-west-1.amazonaws.com",
            404,
        ),
        ("/other", "$default", "x.lambda-url.eu-west-1.on.aws", 404),
    ] {
        let event = event(|event| {
            event["rawPath"] = json!(path);
            event["requestContext"]["stage"] = json!(stage);
            event["requestContext"]["domainName"] = json!(domain);
        });
        let (status, _, body) = call(&Fakes::default(), event).await;
        assert_eq!(status, expected, "{path} of {domain}: {body}");
    }
}

#[tokio::test]
async fn another_method_is_told_which_is_allowed() {
    let event = event(|event| event["requestContext"]["http"]["method"] = json!("GET"));
    let (status, headers, body) = call(&Fakes::default(), event).await;
    assert_eq!(status, 405);
    assert_eq!(headers["allow"], "POST");
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(body["status"], 405);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_has_its_status() {
    let cases: [(u64, Change); 8] = [
        (415, |event| {
            event["headers"] = json!({"content-type": "text/plain"})
        }),
        (415, |event| event["headers"] = json!({})),
        (400, |event| event["body"] = json!("{")),
        (400, |event| event["body"] = Value::Null),
        (400, |event| event["isBase64Encoded"] = json!(true)),
        (400, |event| {
            event["body"] = json!(json!({"image": {"base64": "%"}}).to_string());
        }),
        (422, |event| {
            event["body"] = json!(json!({"image": {"base64": "cGhvdG8="}}).to_string());
        }),
        (404, |event| {
            event["body"] = json!(json!({"image": {"s3_uri": "s3://none/here.jpg"}}).to_string());
        }),
    ];
    for (expected, change) in cases {
        let (status, headers, body) = call(&Fakes::default(), event(change)).await;
        assert_eq!(status, expected, "{body}");
        assert_eq!(headers["content-type"], "application/problem+json");
        for member in ["type", "title", "detail"] {
            assert!(!body[member].as_str().unwrap().is_empty(), "{body}");
        }
    }
}

#[tokio::test]
async fn a_member_that_is_null_counts_as_absent() {
    for (member, expected) in [
        ("headers", 415),
        ("body", 400),
        ("isBase64Encoded", 200),
        ("queryStringParameters", 200),
        ("cookies", 200),
    ] {
        let event = event(|event| event[member] = Value::Null);
        let (status, _, body) = call(&Fakes::default(), event).await;
        assert_eq!(status, expected, "{member}: {body}");
    }
    let event = event(|event| {
        event["requestContext"]["stage"] = Value::Null;
        event["requestContext"]["domainName"] = Value::Null;
    });
    assert_eq!(call(&Fakes::default(), event).await.0, 200);
}

#[tokio::test]
async fn what_a_caller_sent_is_quoted_in_part() {
    let long = "A".repeat(1_000);
    let cases: [fn(&mut Value, &str); 4] = [
        |event, long| event["rawPath"] = json!(long),
        |event, long| event["requestContext"]["http"]["method"] = json!(long),
        |event, long| event["headers"]["content-type"] = json!(long),
        |event, long| {
            event["headers"]["content-type"] = json!("image/jpeg");
            event["queryStringParameters"] = json!({"attributes": long});
        },
    ];
    for change in cases {
        let (status, _, body) = call(&Fakes::default(), event(|event| change(event, &long))).await;
        assert!((400..500).contains(&status), "{body}");
        let text = body.to_string().to_uppercase();
        assert!(!text.contains(&long[..41]), "{body}");
    }
}

#[tokio::test]
async fn an_unknown_attribute_lists_the_known_ones() {
    let event = event(|event| {
        let image = json!({"base64": fakes::photo_base64()});
        event["body"] = json!(json!({"image": image, "attributes": ["Zip"]}).to_string());
    });
    let (status, _, body) = call(&Fakes::default(), event).await;
    assert_eq!(status, 400);
    assert_eq!(body["known_attributes"][4], "Sleeve Length");
    assert!(body["detail"].as_str().unwrap().contains("Zip"));
}

#[tokio::test]
async fn a_call_that_is_made_again_with_its_key_is_answered_as_before() {
    let mut fakes = Fakes::default();
    let location = "s3://results/calls/";
    fakes.variables.insert("IDEMPOTENCY_LOCATION", location);
    let keyed = || event(|event| event["headers"]["Idempotency-Key"] = json!("8e03978e"));
    let (_, headers, first) = call(&fakes, keyed()).await;
    assert!(headers.get("idempotency-replayed").is_none(), "{headers}");
    let (status, headers, again) = call(&fakes, keyed()).await;
    assert_eq!((status, again), (200, first));
    assert_eq!(headers["idempotency-replayed"], "true");
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_batch_has_one_result_each() {
    let event = event(|event| {
        event["rawPath"] = json!("/descriptions:batch");
        let image = json!({"base64": fakes::photo_base64()});
        let products = json!([{"product_id": "1", "image": image}, {"product_id": "2"}]);
        event["body"] = json!(json!({"products": products}).to_string());
    });
    let (status, headers, body) = call(&Fakes::default(), event).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(headers["content-type"], "application/json");
    let results = body["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["attributes"]["Fabric"], "Cotton");
    assert_eq!(results[1]["status"], 400);
}

#[tokio::test]
async fn a_batch_takes_json_by_post_alone() {
    let cases: [(u64, Change); 4] = [
        (415, |event| {
            event["headers"] = json!({"content-type": "image/jpeg"})
        }),
        (405, |event| {
            event["requestContext"]["http"]["method"] = json!("GET")
        }),
        (400, |event| event["body"] = json!("{}")),
        (400, |event| {
            event["body"] = json!(json!({"products": []}).to_string())
        }),
    ];
    for (expected, change) in cases {
        let event = event(|event| {
            event["rawPath"] = json!("/descriptions:batch");
            change(event);
        });
        let (status, _, body) = call(&Fakes::default(), event).await;
        assert_eq!(status, expected, "{body}");
    }
}

use serde_json::json;

use super::*;

fn error(event: Value) -> EventError {
    match recognise(event.clone()) {
        Ok(_) => panic!("recognised: {event}"),
        Err(error) => error,
    }
}

fn shape(event: &Value) -> Shape {
    Shape::of(event).unwrap_or_else(|error| panic!("{error}: {event}"))
}

#[test]
fn other_events_are_refused_with_what_is_expected() {
    for event in [
        json!({}),
        json!([]),
        json!(null),
        json!("image"),
        json!({"Records": []}),
        json!({"Records": [{"eventSource": "aws:dynamodb"}]}),
        json!({"Records": [{}]}),
        json!({"Records": "aws:s3"}),
        json!({"product_id": "1"}),
        json!({"input": {"hello": 1}}),
        json!({"requestContext": {"connectionId": "x"}}),
        json!({"detail-type": "Scheduled Event", "source": "aws.events"}),
        json!({"version": "3.0", "requestContext": {"http": {"method": "POST"}}}),
        json!({"version": "3.0", "requestContext": {}}),
        // https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
        json!({
            "version": "2.0",
            "path": "/descriptions",
            "method": "POST",
            "headers": {"content-type": ["application/json"]},
            "body": "{}",
            "isBase64Encoded": false,
            "requestContext": {
                "serviceNetworkArn": "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn",
                "serviceArn": "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc",
                "region": "us-east-1",
                "timeEpoch": "1696331543569073"
            }
        }),
        authorizer_of_an_http_api(),
        authorizer_of_a_rest_api(),
    ] {
        let error = error(event).to_string();
        for understood in [
            "HTTP API",
            "REST API",
            "Load Balancer",
            "S3",
            "EventBridge",
            "SQS",
            "SNS",
            "Step Functions",
            "Distributed Map",
            "direct invocation",
            "image",
        ] {
            assert!(error.contains(understood), "{understood}: {error}");
        }
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
fn authorizer_of_an_http_api() -> Value {
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": "arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/POST/descriptions",
        "identitySource": ["user1", "123"],
        "routeKey": "POST /descriptions",
        "rawPath": "/descriptions",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/descriptions"}}
    })
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>
fn authorizer_of_a_rest_api() -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:abcdef123/test/POST/descriptions",
        "resource": "/descriptions",
        "path": "/descriptions",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json"},
        "requestContext": {"path": "/descriptions", "httpMethod": "POST", "stage": "test"}
    })
}

#[test]
fn what_somebody_else_is_asked_by_http_is_named() {
    let lattice = json!({"version": "2.0", "requestContext": {"serviceNetworkArn": "arn:x"}});
    for (event, name) in [
        (authorizer_of_an_http_api(), "Lambda authorizer"),
        (authorizer_of_a_rest_api(), "Lambda authorizer"),
        (lattice, "VPC Lattice"),
    ] {
        let error = error(event).to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn what_is_unusual_about_records_is_said() {
    let s3 = json!({"eventSource": "aws:s3"});
    let sqs = json!({"eventSource": "aws:sqs"});
    for (records, words) in [
        (json!([]), "are empty"),
        (json!([s3, sqs]), "from \"aws:s3\" and \"aws:sqs\""),
        (json!([{"EventSource": "aws:ses"}]), "from \"aws:ses\""),
        (json!([s3, {}]), "not all of its Records"),
    ] {
        let error = error(json!({"Records": records})).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn an_event_of_two_shapes_is_refused_with_both() {
    let error = error(json!({"image": {"base64": "a"}, "Items": []}));
    assert_eq!(
        error,
        EventError::Ambiguous {
            first: Shape::MapBatch,
            second: Shape::Direct
        }
    );
    let text = error.to_string();
    assert!(text.contains("batch") && text.contains("direct"), "{text}");
}

#[test]
fn an_unknown_version_of_the_http_payload_is_named() {
    let two = json!({"http": {"method": "POST"}});
    for event in [
        json!({"version": "3.0", "requestContext": two}),
        json!({"version": "3.0", "requestContext": {"later": 1}}),
        json!({"version": "2.0", "requestContext": {"stage": "prod"}, "httpMethod": "POST"}),
    ] {
        let version = event["version"].as_str().unwrap().to_owned();
        assert_eq!(error(event), EventError::PayloadVersion { version });
    }
    // Not every emulator says it.
    for version in [json!(null), json!("2.0")] {
        let event = json!({"version": version, "rawPath": "/", "requestContext": two});
        assert!(matches!(recognise(event), Ok(Event::HttpApi(_))));
    }
}

#[test]
fn a_load_balancer_is_told_from_a_rest_api() {
    let event =
        |context: Value| json!({"httpMethod": "POST", "path": "/", "requestContext": context});
    assert_eq!(shape(&event(json!({"stage": "prod"}))), Shape::RestApi);
    assert_eq!(shape(&event(json!({}))), Shape::RestApi);
    let balancer = json!({"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:…"}});
    assert_eq!(shape(&event(balancer)), Shape::LoadBalancer);
}

#[test]
fn the_input_of_a_task_is_what_counts() {
    let direct = json!({"product_id": "1", "image": {"s3_uri": "s3://catalogue/1.jpg"}});
    for event in [
        json!({"input": direct}),
        json!({"Input": direct}),
        json!({"Payload": direct, "StatusCode": 200}),
        json!({"Payload": {"input": direct}}),
    ] {
        assert!(matches!(recognise(event), Ok(Event::Direct(body)) if body == direct));
    }
    let item = json!({"input": {"Key": "incoming/1.jpg", "bucket": "catalogue"}});
    assert!(matches!(recognise(item), Ok(Event::MapItem(_))));
    let two = json!({"input": direct, "Payload": direct});
    assert!(matches!(error(two), EventError::Unknown { .. }));
}

#[test]
fn an_event_that_lacks_something_is_malformed() {
    for (event, expected) in [
        (json!({"Records": [{"eventSource": "aws:s3"}]}), "S3"),
        (json!({"Records": [{"eventSource": "aws:sqs"}]}), "SQS"),
        (json!({"Records": [{"EventSource": "aws:sns"}]}), "SNS"),
        (
            json!({"detail-type": "Object Created", "source": "aws.s3"}),
            "EventBridge",
        ),
        (
            json!({"httpMethod": "POST", "requestContext": {}}),
            "a REST API",
        ),
        (json!({"requestContext": {"elb": {}}}), "a load balancer"),
    ] {
        let error = error(event);
        assert!(
            matches!(error, EventError::Malformed { trigger, .. } if trigger == expected),
            "{error}"
        );
    }
}

#[test]
fn a_malformed_event_is_quoted_in_part() {
    let photo = "A".repeat(1_000);
    for event in [
        json!({
            "requestContext": {"http": {"method": "POST"}},
            "rawPath": "/descriptions",
            "headers": photo
        }),
        json!({"version": photo, "requestContext": {"http": {"method": "POST"}}}),
        json!({"Records": [{"eventSource": photo}]}),
        json!({"Items": [], "BatchInput": photo}),
    ] {
        let error = error(event).to_string();
        assert!(!error.contains(&photo[..41]), "{error}");
    }
}

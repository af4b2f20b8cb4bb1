use super::*;
use crate::domain::LowConfidence;

fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::read(|name| {
        pairs
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.endpoint_name, "endpoint-finetuned-blip2");
    assert_eq!(settings.inference_component_name, None);
    assert_eq!(settings.attribute_requests, AttributeRequests::Batched);
    assert_eq!(settings.endpoint_concurrency, 8);
    assert_eq!(settings.endpoint_hedge_after, None);
    assert_eq!(settings.endpoint_max_payload_bytes, 6 * 1024 * 1024);
    assert_eq!(
        settings.bedrock_model_ids[0],
        "anthropic.claude-3-sonnet-20240229-v1:0"
    );
    assert_eq!(settings.bedrock_model_ids.len(), 2);
    assert_eq!(settings.bedrock_region, None);
    assert_eq!(
        (settings.max_tokens, settings.temperature),
        (400, Some(0.1))
    );
    assert_eq!(settings.listing_max_tokens, 1_200);
    assert_eq!(settings.default_format, Format::Description);
    assert_eq!(settings.unfaithful, Unfaithful::Return);
    assert_eq!(settings.certainty.floor, 0.0);
    assert_eq!(settings.certainty.low, LowConfidence::LeaveOut);
    assert_eq!(settings.default_category, "shirt");
    assert_eq!(settings.output_bucket, None);
    assert_eq!(settings.incoming_prefix, "incoming/");
    assert_eq!(settings.output_prefix, "descriptions/");
    assert_eq!(settings.failure_prefix, "failures/");
    assert!(settings.claims_products);
    assert_eq!(settings.claim_prefix, "claims/");
    assert_eq!(settings.idempotency_location, None);
    assert_eq!(settings.product_concurrency, 4);
    assert_eq!(settings.http_timeout_ms, 28_000);
    assert_eq!(settings.metrics_namespace.as_deref(), Some("Lookbook"));
    assert!(!settings.s3_path_style);
}

#[test]
fn a_wrong_value_is_an_error_that_names_its_variable() {
    for (name, value) in [
        ("ENDPOINT_NAME", "my endpoint"),
        (
            "ENDPOINT_NAME",
            "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x",
        ),
        ("INFERENCE_COMPONENT_NAME", "-blip2"),
        ("INFERENCE_COMPONENT_NAME", "endpoint/blip2"),
        ("ATTRIBUTE_REQUESTS", "Batched"),
        ("ENDPOINT_CONCURRENCY", "0"),
        ("ENDPOINT_CONCURRENCY", "many"),
        ("ENDPOINT_HEDGE_MS", "99"),
        ("ENDPOINT_HEDGE_MS", "2s"),
        ("ENDPOINT_MAX_PAYLOAD_BYTES", "6 MiB"),
        ("ENDPOINT_MAX_PAYLOAD_BYTES", "1000"),
        ("BEDROCK_MODEL_IDS", " , "),
        ("BEDROCK_MODEL_IDS", "a.b c.d"),
        ("BEDROCK_API", "Converse"),
        ("MODEL_PRICES", "a.b"),
        ("BEDROCK_MODEL_IDS", "a;b"),
        ("BEDROCK_REGION", "us east 1"),
        ("BEDROCK_REGION", "Frankfurt"),
        ("BEDROCK_REGION", "us-east-"),
        ("BEDROCK_REGION", "useast1"),
        ("MAX_TOKENS", "-1"),
        ("MAX_TOKENS", "149"),
        ("DEFAULT_CATEGORY", "shirtt"),
        ("INCOMING_PREFIX", "s3://x/incoming/"),
        ("OUTPUT_PREFIX", "s3://x/texts/"),
        ("LISTING_MAX_TOKENS", "0"),
        ("DEFAULT_FORMAT", "Listing"),
        ("TEMPERATURE", "1.5"),
        ("TEMPERATURE", "NaN"),
        ("UNFAITHFUL_DESCRIPTIONS", "Hold"),
        ("CONFIDENCE_FLOOR", "1.1"),
        ("CONFIDENCE_FLOOR", "NaN"),
        ("LOW_CONFIDENCE", "hide"),
        ("ATTRIBUTE_SET", "no/such/file.toml"),
        ("OUTPUT_BUCKET", "s3://results"),
        ("OUTPUT_BUCKET", "Results"),
        ("OUTPUT_BUCKET", "ab"),
        ("OUTPUT_BUCKET", "arn:aws:s3:::results"),
        ("OUTPUT_PREFIX", "incoming/"),
        ("OUTPUT_PREFIX", "incoming/done/"),
        ("FAILURE_PREFIX", "incoming/broken/"),
        ("FAILURE_PREFIX", "descriptions/"),
        ("FAILURE_PREFIX", "descriptions/failures/"),
        ("FAILURE_PREFIX", "desc"),
        ("CLAIM_PRODUCTS", "true"),
        ("CLAIM_PREFIX", "incoming/claims/"),
        ("CLAIM_PREFIX", "descriptions/claims/"),
        ("CLAIM_PREFIX", "failures/"),
        ("CLAIM_PREFIX", "fail"),
        ("IDEMPOTENCY_LOCATION", "calls/"),
        ("IDEMPOTENCY_LOCATION", "s3://results/descriptions/calls/"),
        ("IDEMPOTENCY_LOCATION", "s3://results/failures/calls/"),
        ("IDEMPOTENCY_LOCATION", "s3://results/claims/"),
        ("IDEMPOTENCY_LOCATION", "s3://results/claim"),
        ("IDEMPOTENCY_LOCATION", "s3://results"),
        ("IDEMPOTENCY_LOCATION", "s3://results/"),
        ("PRODUCT_CONCURRENCY", "0"),
        ("PRODUCT_CONCURRENCY", "65"),
        ("HTTP_TIMEOUT_MS", "28s"),
        ("METRICS_NAMESPACE", "AWS/Lambda"),
        ("METRICS_NAMESPACE", "None"),
        ("METRICS_NAMESPACE", ":shop"),
        ("METRICS_NAMESPACE", "my shop"),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert_eq!(error.variable, name, "{value}");
        assert!(error.to_string().starts_with(name), "{error}");
        assert!(error.reason.contains(value.trim_matches(' ')), "{error}");
    }
}

#[test]
fn a_prefix_leaves_room_for_the_names_of_products() {
    for name in [
        "INCOMING_PREFIX",
        "OUTPUT_PREFIX",
        "FAILURE_PREFIX",
        "CLAIM_PREFIX",
    ] {
        let (most, more) = ("p".repeat(512), "p".repeat(513));
        let error = read(&[(name, more.as_str())]).unwrap_err();
        assert_eq!(error.variable, name);
        assert!(error.reason.contains("513 bytes"), "{error}");
        read(&[(name, most.as_str())]).unwrap();
    }
}

#[test]
fn a_list_of_models_keeps_its_order_and_names_each_once() {
    let settings = read(&[(
        "BEDROCK_MODEL_IDS",
        "b.two, a.one ,b.two,arn:aws:bedrock:x:1:y/z",
    )])
    .unwrap();
    assert_eq!(
        settings.bedrock_model_ids,
        ["b.two", "a.one", "arn:aws:bedrock:x:1:y/z"].map(String::from)
    );
}

#[test]
fn an_inference_component_can_be_named() {
    let settings = read(&[("INFERENCE_COMPONENT_NAME", "lookbook-blip2")]).unwrap();
    assert_eq!(
        settings.inference_component_name.as_deref(),
        Some("lookbook-blip2")
    );
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings = read(&[("OUTPUT_BUCKET", ""), ("MAX_TOKENS", " ")]).unwrap();
    assert_eq!(settings.output_bucket, None);
    assert_eq!(settings.max_tokens, 400);
}

#[test]
fn a_local_s3_is_addressed_in_path_style() {
    assert!(
        read(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")])
            .unwrap()
            .s3_path_style
    );
    assert!(
        read(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")])
            .unwrap()
            .s3_path_style
    );
}

#[test]
fn another_bucket_is_no_excuse_for_results_under_the_incoming_prefix() {
    let pairs = [("OUTPUT_PREFIX", "incoming/"), ("OUTPUT_BUCKET", "results")];
    assert_eq!(read(&pairs).unwrap_err().variable, "OUTPUT_PREFIX");
    let beside = [("OUTPUT_PREFIX", "texts/"), ("OUTPUT_BUCKET", "results")];
    let settings = read(&beside).unwrap();
    assert_eq!(settings.output_bucket.as_deref(), Some("results"));
}

#[test]
fn answers_to_calls_have_a_place_beside_the_photos() {
    let read = |value| read(&[("IDEMPOTENCY_LOCATION", value)]);
    let location = read("s3://results/calls/").unwrap().idempotency_location;
    assert_eq!(location.unwrap().to_string(), "s3://results/calls/");
    let error = read("s3://results/incoming/calls/").unwrap_err();
    assert_eq!(error.variable, "IDEMPOTENCY_LOCATION");
    assert!(error.reason.contains("INCOMING_PREFIX"), "{error}");
}

#[test]
fn answers_to_calls_may_have_any_place_in_a_bucket_of_their_own() {
    let location = ("IDEMPOTENCY_LOCATION", "s3://calls/descriptions/");
    let settings = read(&[location, ("OUTPUT_BUCKET", "results")]).unwrap();
    assert!(settings.idempotency_location.is_some());
    let error = read(&[location, ("OUTPUT_BUCKET", "calls")]).unwrap_err();
    assert_eq!(error.variable, "IDEMPOTENCY_LOCATION");
    assert!(error.reason.contains("OUTPUT_PREFIX"), "{error}");
}

#[test]
fn the_words_that_are_asked_for_have_room() {
    let words = ("DESCRIPTION_WORDS", "500-2000");
    let error = read(&[words, ("MAX_TOKENS", "1999")]).unwrap_err();
    assert_eq!(error.variable, "MAX_TOKENS");
    for part in ["1999", "2000 words", "DESCRIPTION_WORDS"] {
        assert!(error.reason.contains(part), "{error}");
    }
    read(&[words, ("MAX_TOKENS", "4000")]).unwrap();
}

#[test]
fn the_default_category_is_one_of_the_set_by_any_of_its_names() {
    for name in ["Shirts", "t shirt", "clothing"] {
        read(&[("DEFAULT_CATEGORY", name)]).unwrap();
    }
    let error = read(&[("DEFAULT_CATEGORY", "shirtt")]).unwrap_err();
    assert!(error.reason.contains("T-shirt, top"), "{error}");
}

#[test]
fn temperature_can_be_left_out() {
    assert_eq!(read(&[("TEMPERATURE", "none")]).unwrap().temperature, None);
}

#[test]
fn metrics_can_be_left_out_or_have_another_namespace() {
    for (value, namespace) in [("none", None), ("Shop/Texts", Some("Shop/Texts"))] {
        let settings = read(&[("METRICS_NAMESPACE", value)]).unwrap();
        assert_eq!(settings.metrics_namespace.as_deref(), namespace);
    }
}

#[test]
fn help_lists_every_variable_once() {
    let help = help();
    for variable in VARIABLES {
        assert_eq!(help.matches(&format!("\n{}\n", variable.name)).count(), 1);
    }
    assert!(help.contains("Default: endpoint-finetuned-blip2"));
}

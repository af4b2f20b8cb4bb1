//! The table of environment variables.

/// One environment variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set; empty where nothing is the default.
    pub default: &'static str,
    /// What it sets, its unit and what it accepts.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($name:ident = $default:literal: $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: Variable =
                Variable { name: stringify!($name), default: $default, meaning: $meaning };
        )*
        /// Every variable that the function reads.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    ENDPOINT_NAME = "endpoint-finetuned-blip2":
        "The SageMaker endpoint that answers questions about photographs.";
    ATTRIBUTE_REQUESTS = "batched":
        "`batched`: one call with all questions. `per-question`: one call a question, for endpoints that know only `{\"prompt\", \"image\"}`.";
    ENDPOINT_CONCURRENCY = "8":
        "The most calls to the endpoint at a time, 1 to 256.";
    ENDPOINT_HEDGE_MS = "0":
        "After how many ms without an answer a call to the endpoint is made a second time, the first answer counting; 100 to 60000, or 0: never. Choose what few calls take, such as the 95th percentile: each second call is paid for. It keeps to ENDPOINT_CONCURRENCY.";
    ENDPOINT_MAX_PAYLOAD_BYTES = "6291456":
        "The largest request body that the endpoint takes, 65536 to 67108864 bytes; a larger photo is scaled down.";
    BEDROCK_MODEL_IDS = "anthropic.claude-3-sonnet-20240229-v1:0,global.anthropic.claude-sonnet-4-6":
        "Model ids, inference-profile ids or ARNs, comma-separated, in order of preference. The first that is available writes the description.";
    BEDROCK_REGION = "":
        "The region of Bedrock; the function's own by default.";
    MAX_TOKENS = "400":
        "The longest description, 1 to 64000 tokens.";
    TEMPERATURE = "0.1":
        "Sampling temperature of the description, 0 to 1, or `none` to send none, for models that refuse the parameter.";
    DEFAULT_CATEGORY = "shirt":
        "The category of a product whose request names none.";
    ATTRIBUTE_SET = "":
        "A TOML file with the attributes to ask about; the built-in set by default.";
    OUTPUT_BUCKET = "":
        "The bucket for the results of S3 events, and for records of failures; the photo's own by default.";
    INCOMING_PREFIX = "incoming/":
        "S3 events are followed for photos under this prefix.";
    OUTPUT_PREFIX = "descriptions/":
        "Results of S3 events are written under this prefix, which must not lie under INCOMING_PREFIX.";
    FAILURE_PREFIX = "failures/":
        "Beside the results, records of what could not be described are written under this prefix, which must lie neither under INCOMING_PREFIX nor under OUTPUT_PREFIX.";
    IDEMPOTENCY_LOCATION = "":
        "`s3://bucket/prefix/`, where answers to HTTP calls with an `Idempotency-Key` are kept, so that a repeated call is answered without doing the work again. Without it the header has no effect.";
    PRODUCT_CONCURRENCY = "4":
        "The most products of one event or batch that are worked on at a time, 1 to 64.";
    HTTP_TIMEOUT_MS = "28000":
        "The longest that an HTTP call may take, 1000 to 900000 ms. API Gateway ends it at 29 to 30 s.";
}

/// The table of variables as text.
pub fn help() -> String {
    let mut text = String::from(
        "The AWS Lambda function that describes products. It is set through the environment:\n",
    );
    for Variable {
        name,
        default,
        meaning,
    } in VARIABLES
    {
        text.push_str(&format!("\n{name}\n    {meaning}\n"));
        if !default.is_empty() {
            text.push_str(&format!("    Default: {default}\n"));
        }
    }
    text
}

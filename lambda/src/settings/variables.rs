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
    INFERENCE_COMPONENT_NAME = "":
        "The inference component on that endpoint that the calls are for; needed where the endpoint hosts its models as inference components, as one does that scales to zero.";
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
    BEDROCK_API = "invoke":
        "`invoke`: models are called by InvokeModel, in the form of Anthropic's messages. `converse`: by Converse, which takes models of other makers too.";
    GUARDRAIL_ID = "":
        "A guardrail of Bedrock, by its id or ARN, that every call of a model goes through; needs GUARDRAIL_VERSION, and bedrock:ApplyGuardrail for the function's role.";
    GUARDRAIL_VERSION = "":
        "The guardrail's version: a number, or `DRAFT`.";
    MODEL_PRICES = "":
        "What models cost, for `usage.cost_usd`: ID=INPUT/OUTPUT in US dollars a million tokens, comma-separated, beside the prices of `prices/bedrock.json`. A model without a price has no cost.";
    MAX_TOKENS = "400":
        "The longest description, 1 to 64000 tokens; at least as many as the most words of DESCRIPTION_WORDS, if the template asks for them.";
    LISTING_MAX_TOKENS = "1200":
        "The longest listing, 1 to 64000 tokens.";
    TEMPERATURE = "0.1":
        "Sampling temperature of the description, 0 to 1, or `none` to send none, for models that refuse the parameter.";
    CONFIDENCE_FLOOR = "0":
        "The least confidence, 0 to 1, with which an answer of the endpoint is sure. One without a confidence is.";
    LOW_CONFIDENCE = "leave-out":
        "What the description does about an attribute under CONFIDENCE_FLOOR: `leave-out`, or `hedge`: say it as likely, or not at all. The answer says which.";
    PROMPT_TEMPLATE = "":
        "A file with the writer's instructions for descriptions, in the form of `prompts/description.txt`, which is built in; at most 65536 bytes of UTF-8.";
    BRAND_VOICE = "":
        "How the shop speaks, in a few words of its own; at most 1000 characters.";
    AUDIENCE = "":
        "Whom descriptions are for; at most 1000 characters.";
    DESCRIPTION_WORDS = "80-150":
        "The fewest and the most words that the writer is asked for, from 10 to 2000, in Chinese and Japanese two characters for each; MAX_TOKENS must have room for them.";
    DESCRIPTION_LANGUAGE = "en":
        "The language of descriptions, by its code. Other than English ones are checked for their script and banned words alone.";
    BANNED_WORDS = "":
        "Words and phrases that no description may hold, comma-separated.";
    UNFAITHFUL_DESCRIPTIONS = "return":
        "What becomes of a description that still has faults after the model was asked to mend it: `return`; `hold`: it is `held_description`, for a person to look at, and `description` is null; `drop`: `description` is null. The faults are in the answer in any case. Neither replaces a stored result that has a description: a record of a failure says so.";
    DEFAULT_CATEGORY = "shirt":
        "The category of a product whose request names none, one of the attribute set's, or `clothing`.";
    DEFAULT_FORMAT = "description":
        "What is written for a product whose request has no `format`: `description`, or `listing`.";
    ATTRIBUTE_SET = "":
        "A TOML file with the attributes to ask about; the built-in set by default.";
    OUTPUT_BUCKET = "":
        "The bucket for the results of S3 events, and for records of failures; the photo's own by default.";
    INCOMING_PREFIX = "incoming/":
        "S3 events are followed for photos under this prefix of their keys, at most 512 bytes.";
    OUTPUT_PREFIX = "descriptions/":
        "Results of S3 events are written under this prefix, which must not lie under INCOMING_PREFIX.";
    FAILURE_PREFIX = "failures/":
        "Beside the results, records of what could not be described are written under this prefix, which must lie neither under INCOMING_PREFIX nor under OUTPUT_PREFIX.";
    CLAIM_PRODUCTS = "yes":
        "Whether a product whose result is stored is claimed before the work on it, so that of two deliveries of one photo at once one does the work. `yes`: the other waits for it, as long as it has time, and then comes again; the claim of a process that died holds for the rest of its time. It costs every product that is worked on a conditional PUT and a removal, half a thousandth of a US cent, and a second look where it was looked first what there is, as for listings and for what is delivered again. `no`: both do the work and pay for it, and one result stays.";
    CLAIM_PREFIX = "claims/":
        "Beside the results, claims on products are written under this prefix for as long as the work lasts, apart from INCOMING_PREFIX, OUTPUT_PREFIX and FAILURE_PREFIX. Whatever is older than an hour there is of a process that died: a lifecycle rule of a day removes it, in a bucket with versions their old versions and delete markers, too.";
    IDEMPOTENCY_LOCATION = "":
        "`s3://bucket/prefix/`, where answers to HTTP calls with an `Idempotency-Key` are kept, so that a repeated call is answered without doing the work again; in the bucket of the results apart from their prefixes. Without it the header has no effect, and answers to calls that have one say so (`Idempotency-Ignored: true`).";
    PRODUCT_CONCURRENCY = "4":
        "The most products of one event or batch that are worked on at a time, 1 to 64.";
    HTTP_TIMEOUT_MS = "28000":
        "The longest that an HTTP call may take, 1000 to 900000 ms. API Gateway ends it at 29 to 30 s.";
    RESPONSE_MODE = "buffered":
        "How a function URL is answered, which must be the URL's invoke mode. `buffered`: when all is there, for BUFFERED. `stream`: as it comes to be, for RESPONSE_STREAM; a product as a stream of events, which needs bedrock:InvokeModelWithResponseStream for the function's role. Other triggers are answered as ever.";
    METRICS_NAMESPACE = "Lookbook":
        "The CloudWatch namespace of the metrics that are written into the log, or `none` to write none.";
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

//! The function's settings: environment variables, read once at start.
//!
//! [`VARIABLES`] is the whole table, with the defaults; `describe-product
//! --help` prints it. A variable that is set to the empty string counts as not
//! set. The `AWS_*` variables are the SDK's own; the one that is looked at here
//! is `AWS_ENDPOINT_URL_S3` (or `AWS_ENDPOINT_URL`): when it is set, S3 is
//! addressed in path style, because a local server has no host name per bucket.

mod attribute_set;
mod bedrock;
mod claim_products;
mod fingerprint;
mod prefixes;
mod response_mode;
mod template_file;
mod variables;
mod writing;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use attributes::AttributeSet;

pub use self::bedrock::{BedrockApi, Guardrail};
pub use self::response_mode::ResponseMode;
pub use self::variables::*;
use crate::domain::{
    Certainty, Format, ObjectAddress, Prices, Unfaithful, Wording, digest, is_bucket_name,
};

/// How the endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeRequests {
    /// One call with every question.
    Batched,
    /// One call a question.
    PerQuestion,
}

/// The configuration of a process. Each field is the variable that it links to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// [`ENDPOINT_NAME`]
    pub endpoint_name: String,
    /// [`INFERENCE_COMPONENT_NAME`]
    pub inference_component_name: Option<String>,
    /// [`ATTRIBUTE_REQUESTS`]
    pub attribute_requests: AttributeRequests,
    /// [`ENDPOINT_CONCURRENCY`]
    pub endpoint_concurrency: usize,
    /// [`ENDPOINT_HEDGE_MS`]; nothing where calls are made once.
    pub endpoint_hedge_after: Option<Duration>,
    /// [`ENDPOINT_MAX_PAYLOAD_BYTES`]
    pub endpoint_max_payload_bytes: usize,
    /// [`BEDROCK_MODEL_IDS`]: each once, never empty.
    pub bedrock_model_ids: Vec<String>,
    /// [`BEDROCK_REGION`]
    pub bedrock_region: Option<String>,
    /// [`BEDROCK_API`]
    pub bedrock_api: BedrockApi,
    /// [`GUARDRAIL_ID`] and [`GUARDRAIL_VERSION`]
    pub guardrail: Option<Guardrail>,
    /// [`MODEL_PRICES`], and the shipped prices of other models.
    pub prices: Prices,
    /// [`MAX_TOKENS`]
    pub max_tokens: u32,
    /// [`LISTING_MAX_TOKENS`]
    pub listing_max_tokens: u32,
    /// [`TEMPERATURE`]
    pub temperature: Option<f64>,
    /// [`CONFIDENCE_FLOOR`] and [`LOW_CONFIDENCE`]
    pub certainty: Certainty,
    /// [`PROMPT_TEMPLATE`], [`BRAND_VOICE`], [`AUDIENCE`], [`DESCRIPTION_WORDS`],
    /// [`DESCRIPTION_LANGUAGE`] and [`BANNED_WORDS`], checked together.
    pub wording: Wording,
    /// [`UNFAITHFUL_DESCRIPTIONS`]
    pub unfaithful: Unfaithful,
    /// [`DEFAULT_CATEGORY`]
    pub default_category: String,
    /// [`DEFAULT_FORMAT`]
    pub default_format: Format,
    /// [`ATTRIBUTE_SET`]: the set itself, read and checked.
    pub attribute_set: AttributeSet,
    /// [`OUTPUT_BUCKET`]
    pub output_bucket: Option<String>,
    /// [`INCOMING_PREFIX`]
    pub incoming_prefix: String,
    /// [`OUTPUT_PREFIX`]
    pub output_prefix: String,
    /// [`FAILURE_PREFIX`]
    pub failure_prefix: String,
    /// [`CLAIM_PRODUCTS`]
    pub claims_products: bool,
    /// [`CLAIM_PREFIX`]
    pub claim_prefix: String,
    /// [`IDEMPOTENCY_LOCATION`]: the key is the prefix, never empty.
    pub idempotency_location: Option<ObjectAddress>,
    /// [`PRODUCT_CONCURRENCY`]
    pub product_concurrency: usize,
    /// [`HTTP_TIMEOUT_MS`]
    pub http_timeout_ms: u64,
    /// [`RESPONSE_MODE`]
    pub response_mode: ResponseMode,
    /// [`METRICS_NAMESPACE`]: none where no metrics are written.
    pub metrics_namespace: Option<String>,
    /// Whether S3 is addressed as `host/bucket/key`.
    pub s3_path_style: bool,
    /// A digest of everything in these settings that an answer depends on, but for its
    /// format.
    fingerprint: String,
}

/// A variable whose value can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct SettingsError {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with its value, and what it accepts.
    pub reason: String,
}

impl Settings {
    /// Reads the process's environment, and the files of `ATTRIBUTE_SET` and
    /// `PROMPT_TEMPLATE` if set.
    pub fn from_env() -> Result<Settings, SettingsError> {
        Settings::read(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// Reads the variables that `lookup` finds.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let environment = Environment { lookup };
        let certainty = writing::certainty(&environment)?;
        let wording = writing::wording(&environment, certainty.low)?;
        let attribute_set = attribute_set::attribute_set(&environment)?;
        let settings = Settings {
            endpoint_name: endpoint_name(&environment)?,
            inference_component_name: inference_component_name(&environment)?,
            attribute_requests: attribute_requests(&environment)?,
            endpoint_concurrency: environment.number(&ENDPOINT_CONCURRENCY, 1..=256)?,
            endpoint_hedge_after: hedge_after(&environment)?,
            endpoint_max_payload_bytes: environment
                .number(&ENDPOINT_MAX_PAYLOAD_BYTES, 65_536..=67_108_864)?,
            bedrock_model_ids: bedrock::model_ids(&environment)?,
            bedrock_region: bedrock::region(&environment)?,
            bedrock_api: bedrock::api(&environment)?,
            guardrail: bedrock::guardrail(&environment)?,
            prices: bedrock::prices(&environment)?,
            max_tokens: environment.number(&MAX_TOKENS, 1..=64_000)?,
            listing_max_tokens: environment.number(&LISTING_MAX_TOKENS, 1..=64_000)?,
            temperature: bedrock::temperature(&environment)?,
            certainty,
            unfaithful: unfaithful(&environment)?,
            default_category: attribute_set::default_category(&environment, &attribute_set)?,
            default_format: default_format(&environment)?,
            fingerprint: fingerprint::of(&environment, &attribute_set, &wording.template),
            attribute_set,
            wording,
            output_bucket: output_bucket(&environment)?,
            incoming_prefix: environment.text(&INCOMING_PREFIX),
            output_prefix: environment.text(&OUTPUT_PREFIX),
            failure_prefix: environment.text(&FAILURE_PREFIX),
            claims_products: claim_products::claims_products(&environment)?,
            claim_prefix: environment.text(&CLAIM_PREFIX),
            idempotency_location: idempotency_location(&environment)?,
            product_concurrency: environment.number(&PRODUCT_CONCURRENCY, 1..=64)?,
            http_timeout_ms: environment.number(&HTTP_TIMEOUT_MS, 1_000..=900_000)?,
            response_mode: response_mode::response_mode(&environment)?,
            metrics_namespace: metrics_namespace(&environment)?,
            s3_path_style: ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
                .iter()
                .any(|name| environment.get(name).is_some()),
        };
        settings.check_prefixes()?;
        writing::check_room(&settings.wording, settings.max_tokens)?;
        Ok(settings)
    }

    /// By which settings what is written for a request is made: a digest of them, and of
    /// the format that the request asks for or has by default.
    pub fn mark(&self, format: Option<Format>) -> String {
        let format = format.unwrap_or(self.default_format);
        digest([self.fingerprint.as_bytes(), format.name().as_bytes()])
    }
}

impl Variable {
    fn wrong(&self, reason: String) -> SettingsError {
        SettingsError {
            variable: self.name,
            reason,
        }
    }
}

struct Environment<L> {
    lookup: L,
}

impl<L: Fn(&str) -> Option<String>> Environment<L> {
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    fn text(&self, variable: &Variable) -> String {
        self.get(variable.name)
            .unwrap_or_else(|| variable.default.to_owned())
    }

    fn optional(&self, variable: &Variable) -> Option<String> {
        Some(self.text(variable)).filter(|value| !value.is_empty())
    }

    fn number<T>(&self, variable: &Variable, range: RangeInclusive<T>) -> Result<T, SettingsError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let text = self.text(variable);
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                variable.wrong(format!(
                    "is {text:?}, must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }
}

fn endpoint_name<L>(environment: &Environment<L>) -> Result<String, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let name = environment.text(&ENDPOINT_NAME);
    if !is_sagemaker_name(&name) {
        return Err(ENDPOINT_NAME.wrong(format!(
            "is {name:?}, must be the name of an endpoint: at most 63 letters, digits and hyphens"
        )));
    }
    Ok(name)
}

fn inference_component_name<L>(
    environment: &Environment<L>,
) -> Result<Option<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.optional(&INFERENCE_COMPONENT_NAME) {
        Some(name) if !is_sagemaker_name(&name) => Err(INFERENCE_COMPONENT_NAME.wrong(format!(
            "is {name:?}, must be the name of an inference component: at most 63 letters, \
                 digits and hyphens"
        ))),
        name => Ok(name),
    }
}

/// SageMaker's rules for the names of endpoints and of inference components.
fn is_sagemaker_name(name: &str) -> bool {
    name.len() <= 63
        && !name.starts_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn hedge_after<L>(environment: &Environment<L>) -> Result<Option<Duration>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    if environment.text(&ENDPOINT_HEDGE_MS) == "0" {
        return Ok(None);
    }
    let patience = environment.number(&ENDPOINT_HEDGE_MS, 100..=60_000)?;
    Ok(Some(Duration::from_millis(patience)))
}

fn attribute_requests<L>(environment: &Environment<L>) -> Result<AttributeRequests, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.text(&ATTRIBUTE_REQUESTS).as_str() {
        "batched" => Ok(AttributeRequests::Batched),
        "per-question" => Ok(AttributeRequests::PerQuestion),
        other => Err(ATTRIBUTE_REQUESTS.wrong(format!(
            "is {other:?}, must be \"batched\" or \"per-question\""
        ))),
    }
}

fn unfaithful<L>(environment: &Environment<L>) -> Result<Unfaithful, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.text(&UNFAITHFUL_DESCRIPTIONS).as_str() {
        "return" => Ok(Unfaithful::Return),
        "hold" => Ok(Unfaithful::Hold),
        "drop" => Ok(Unfaithful::Drop),
        other => Err(UNFAITHFUL_DESCRIPTIONS.wrong(format!(
            "is {other:?}, must be \"return\", \"hold\" or \"drop\""
        ))),
    }
}

fn default_format<L>(environment: &Environment<L>) -> Result<Format, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&DEFAULT_FORMAT);
    text.parse::<Format>()
        .map_err(|error| DEFAULT_FORMAT.wrong(error.to_string()))
}

fn output_bucket<L>(environment: &Environment<L>) -> Result<Option<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.optional(&OUTPUT_BUCKET) {
        Some(name) if !is_bucket_name(&name) => Err(OUTPUT_BUCKET.wrong(format!(
            "is {name:?}, must be the name of a bucket: 3 to 63 of a to z, 0 to 9, '.' and '-', \
             and none that S3 keeps for other things"
        ))),
        name => Ok(name),
    }
}

/// CloudWatch's rules for names of namespaces:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html>.
fn metrics_namespace<L>(environment: &Environment<L>) -> Result<Option<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let name = environment.text(&METRICS_NAMESPACE);
    if name == "none" {
        return Ok(None);
    }
    if name.eq_ignore_ascii_case("none") {
        return Err(METRICS_NAMESPACE.wrong(format!(
            "is {name:?}: write \"none\" in small letters to have no metrics written"
        )));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#:".contains(c);
    let valid = name.len() <= 255
        && name.chars().all(is_allowed)
        && !name.starts_with(':')
        && !name.starts_with("AWS/");
    if !valid {
        return Err(METRICS_NAMESPACE.wrong(format!(
            "is {name:?}, must be a namespace of one's own, at most 255 letters, digits and \
             \".-_/#:\", or \"none\""
        )));
    }
    Ok(Some(name))
}

fn idempotency_location<L>(
    environment: &Environment<L>,
) -> Result<Option<ObjectAddress>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let Some(text) = environment.optional(&IDEMPOTENCY_LOCATION) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(location) => Ok(Some(location)),
        Err(_) => Err(IDEMPOTENCY_LOCATION.wrong(format!(
            "is {text:?}, must be a bucket and a prefix, as in \"s3://bucket/calls/\""
        ))),
    }
}

#[cfg(test)]
mod tests;

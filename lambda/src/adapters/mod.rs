//! The domain's traits on AWS.

pub mod bedrock;
mod buckets;
mod dependency;
mod http_client;
mod retry;
pub mod s3;
pub mod sagemaker;
mod trace_headers;

use std::sync::Arc;

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::RetryConfig;

use self::http_client::http_client;
use crate::domain::{Services, TextCheck};
use crate::logs;
use crate::settings::Settings;

/// The services of a process, on AWS or wherever the `AWS_ENDPOINT_URL_*`
/// variables point. Connects to nothing yet.
pub async fn connect(settings: &Settings) -> Services {
    let check = text_check(settings);
    check.prepare();
    services_with(settings, &sdk_config().load().await, check)
}

/// The services of a process that has found its credentials and region already.
pub fn services(settings: &Settings, config: &SdkConfig) -> Services {
    services_with(settings, config, text_check(settings))
}

fn text_check(settings: &Settings) -> Arc<TextCheck> {
    Arc::new(TextCheck::new(
        &settings.attribute_set,
        &settings.wording.style,
    ))
}

fn services_with(settings: &Settings, config: &SdkConfig, check: Arc<TextCheck>) -> Services {
    let config = without_limits(config);
    Services {
        attribute_set: settings.attribute_set.clone(),
        default_category: settings.default_category.clone(),
        default_format: settings.default_format,
        model: Arc::new(sagemaker::EndpointModel::new(
            sagemaker::SdkEndpoint::new(
                &config,
                &settings.endpoint_name,
                settings.inference_component_name.clone(),
            ),
            settings,
        )),
        describer: Arc::new(bedrock::BedrockDescriber::new(
            bedrock::SdkModels::new(&config, settings.bedrock_region.clone().map(Region::new))
                .with_guardrail(settings.guardrail.clone()),
            settings,
        )),
        certainty: settings.certainty,
        wording: settings.wording.clone(),
        check,
        unfaithful: settings.unfaithful,
        store: Arc::new(s3::S3Store::new(&config, settings.s3_path_style)),
    }
}

/// One HTTP client for the three services.
fn sdk_config() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client())
}

/// Retries and time limits are this crate's own, because they follow the invocation's
/// deadline: the SDK's are off, and so is its guard against slow bodies, which would cut
/// off a model that takes its time. (S3 turns the retries on again.)
fn without_limits(config: &SdkConfig) -> SdkConfig {
    config
        .to_builder()
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// An error and what caused it, outermost first: an SDK error alone says only
/// "dispatch failure".
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        // Some wrappers repeat what they wrap.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

/// What failed, and the id by which AWS finds the request in its own logs, where the answer has
/// one. It stands in front of what else was said, so that no shortening cuts it off.
fn with_request_id(what: &str, request_id: Option<&str>) -> String {
    match request_id {
        Some(id) => format!("{what} (request id {id})"),
        None => what.to_owned(),
    }
}

/// The words of a service's error, short enough for a message to a caller, and marked so that
/// they stay out of the log. A photo in them is taken out, where it is in base64, before they are
/// shortened, which would leave a piece of it that is too short to be known as one. One in
/// another form, such as a list of its bytes, stays as far as it is not cut off.
fn said(words: &str) -> String {
    let without = logs::without_any_base64(words.as_bytes());
    logs::said(&shortened(&String::from_utf8_lossy(&without)))
}

/// What a service said, short enough for a message to a caller.
fn shortened(text: &str) -> String {
    const LONGEST_CHARS: usize = 500;
    let text = text.trim();
    match text.char_indices().nth(LONGEST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;

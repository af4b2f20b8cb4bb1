//! By which settings an answer was made.

use attributes::AttributeSet;

use super::{
    ATTRIBUTE_SET, BEDROCK_REGION, CLAIM_PREFIX, CLAIM_PRODUCTS, DEFAULT_FORMAT,
    ENDPOINT_CONCURRENCY, ENDPOINT_HEDGE_MS, Environment, FAILURE_PREFIX, HTTP_TIMEOUT_MS,
    IDEMPOTENCY_LOCATION, INCOMING_PREFIX, METRICS_NAMESPACE, MODEL_PRICES, OUTPUT_BUCKET,
    OUTPUT_PREFIX, PRODUCT_CONCURRENCY, PROMPT_TEMPLATE, RESPONSE_MODE, VARIABLES, Variable,
};
use crate::domain::{PromptTemplate, digest};

/// What says when and where something is done, and changes no answer. Every other
/// variable counts, so that a new one counts until somebody decides otherwise.
///
/// `DEFAULT_FORMAT` counts by the format in which something is written
/// ([`Settings::mark`](super::Settings::mark)). `MODEL_PRICES` does not count: an answer
/// says what its text cost when it was written, and no later price is a reason to pay for
/// another text.
const WITHOUT_EFFECT: &[&Variable] = &[
    &BEDROCK_REGION,
    &CLAIM_PREFIX,
    &CLAIM_PRODUCTS,
    &DEFAULT_FORMAT,
    &ENDPOINT_CONCURRENCY,
    &ENDPOINT_HEDGE_MS,
    &FAILURE_PREFIX,
    &HTTP_TIMEOUT_MS,
    &IDEMPOTENCY_LOCATION,
    &INCOMING_PREFIX,
    &METRICS_NAMESPACE,
    &MODEL_PRICES,
    &OUTPUT_BUCKET,
    &OUTPUT_PREFIX,
    &PRODUCT_CONCURRENCY,
    &RESPONSE_MODE,
];

/// The digest of the settings that answers depend on, and of the function's version,
/// which has built-in texts. Files count by what is in them, not by their names.
pub(super) fn of<L>(
    environment: &Environment<L>,
    attribute_set: &AttributeSet,
    template: &PromptTemplate,
) -> String
where
    L: Fn(&str) -> Option<String>,
{
    let set = format!(
        "{:?}{:?}",
        attribute_set.attributes(),
        attribute_set.categories()
    );
    let files = [
        (&ATTRIBUTE_SET, set),
        (&PROMPT_TEMPLATE, format!("{template:?}")),
    ];
    let mut parts = vec![env!("CARGO_PKG_VERSION").to_owned()];
    for variable in VARIABLES {
        let is_without_effect = |other: &&Variable| other.name == variable.name;
        if WITHOUT_EFFECT.iter().any(is_without_effect) {
            continue;
        }
        let file = files.iter().find(|(of, _)| of.name == variable.name);
        let value = match file {
            Some((_, content)) => content.clone(),
            None => environment.text(variable),
        };
        parts.extend([variable.name.to_owned(), value]);
    }
    digest(parts.iter().map(String::as_bytes))
}

#[cfg(test)]
mod tests {
    use crate::domain::Format;
    use crate::settings::Settings;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let settings = Settings::read(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        });
        settings.unwrap()
    }

    fn fingerprint(pairs: &[(&str, &str)]) -> String {
        settings(pairs).fingerprint
    }

    #[test]
    fn what_changes_an_answer_changes_it() {
        let usual = fingerprint(&[]);
        assert_eq!(usual, fingerprint(&[("MAX_TOKENS", "400")]));
        for (name, value) in [
            ("ENDPOINT_NAME", "another"),
            ("INFERENCE_COMPONENT_NAME", "another"),
            ("BEDROCK_MODEL_IDS", "anthropic.claude-other-v1:0"),
            ("MAX_TOKENS", "401"),
            ("TEMPERATURE", "none"),
            ("DEFAULT_CATEGORY", "dress"),
            ("ATTRIBUTE_REQUESTS", "per-question"),
            ("BEDROCK_API", "converse"),
            ("LISTING_MAX_TOKENS", "1201"),
            ("CONFIDENCE_FLOOR", "0.1"),
            ("LOW_CONFIDENCE", "hedge"),
            ("BRAND_VOICE", "Plain"),
            ("AUDIENCE", "Parents"),
            ("DESCRIPTION_WORDS", "40-60"),
            ("DESCRIPTION_LANGUAGE", "de"),
            ("BANNED_WORDS", "cheap"),
            ("UNFAITHFUL_DESCRIPTIONS", "hold"),
        ] {
            assert_ne!(usual, fingerprint(&[(name, value)]), "{name}");
        }
    }

    #[test]
    fn what_changes_no_answer_does_not() {
        let usual = fingerprint(&[]);
        for (name, value) in [
            ("BEDROCK_REGION", "eu-central-1"),
            ("CLAIM_PREFIX", "in-work/"),
            ("CLAIM_PRODUCTS", "no"),
            ("ENDPOINT_CONCURRENCY", "9"),
            ("ENDPOINT_HEDGE_MS", "900"),
            ("FAILURE_PREFIX", "broken/"),
            ("HTTP_TIMEOUT_MS", "9000"),
            ("IDEMPOTENCY_LOCATION", "s3://results/calls/"),
            ("INCOMING_PREFIX", "photos/"),
            ("METRICS_NAMESPACE", "Shop"),
            ("MODEL_PRICES", "anthropic.claude-other-v1:0=1/2"),
            ("OUTPUT_BUCKET", "results"),
            ("OUTPUT_PREFIX", "texts/"),
            ("PRODUCT_CONCURRENCY", "5"),
            ("RESPONSE_MODE", "stream"),
        ] {
            assert_eq!(usual, fingerprint(&[(name, value)]), "{name}");
        }
    }

    #[test]
    fn a_guardrail_changes_it() {
        let guardrail = |version| [("GUARDRAIL_ID", "gr1"), ("GUARDRAIL_VERSION", version)];
        assert_ne!(fingerprint(&[]), fingerprint(&guardrail("1")));
        assert_ne!(fingerprint(&guardrail("2")), fingerprint(&guardrail("1")));
    }

    #[test]
    fn the_format_of_a_request_counts_and_the_default_where_it_has_none() {
        let usual = settings(&[]);
        let listings = settings(&[("DEFAULT_FORMAT", "listing")]);
        assert_ne!(usual.mark(None), listings.mark(None));
        for format in [Format::Description, Format::Listing] {
            assert_eq!(usual.mark(Some(format)), listings.mark(Some(format)));
        }
        assert_eq!(usual.mark(None), usual.mark(Some(Format::Description)));
        assert_ne!(usual.mark(None), usual.mark(Some(Format::Listing)));
    }

    /// The mark of settings of which one is a file with this text, somewhere.
    fn with_file(variable: &str, place: &str, text: &str) -> String {
        let name = format!("describe-product-{}-{variable}-{place}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        let fingerprint = fingerprint(&[(variable, path.to_str().unwrap())]);
        std::fs::remove_file(&path).unwrap();
        fingerprint
    }

    #[test]
    fn a_file_counts_by_what_is_in_it() {
        let usual = fingerprint(&[]);
        for (variable, text, from, to) in [
            (
                "ATTRIBUTE_SET",
                include_str!("../../../crates/attributes/src/default_set.toml"),
                "Colour",
                "Shade",
            ),
            (
                "PROMPT_TEMPLATE",
                include_str!("../../../prompts/description.txt"),
                "{{noun}}",
                "new {{noun}}",
            ),
        ] {
            assert_eq!(with_file(variable, "one", text), usual, "{variable}");
            let other = text.replace(from, to);
            assert_ne!(other, text, "{variable}");
            let of_other = with_file(variable, "two", &other);
            assert_ne!(of_other, usual, "{variable}");
            // The same file may lie elsewhere.
            assert_eq!(with_file(variable, "three", &other), of_other);
        }
    }
}

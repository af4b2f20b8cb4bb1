//! By which settings an answer was made.

use attributes::AttributeSet;

use super::{
    ATTRIBUTE_SET, BEDROCK_REGION, ENDPOINT_CONCURRENCY, ENDPOINT_HEDGE_MS, Environment,
    FAILURE_PREFIX, HTTP_TIMEOUT_MS, IDEMPOTENCY_LOCATION, INCOMING_PREFIX, OUTPUT_BUCKET,
    OUTPUT_PREFIX, PRODUCT_CONCURRENCY, VARIABLES, Variable,
};
use crate::domain::digest;

/// What says when and where something is done, and changes no answer. Every other
/// variable counts, so that a new one counts until somebody decides otherwise.
const WITHOUT_EFFECT: &[&Variable] = &[
    &BEDROCK_REGION,
    &ENDPOINT_CONCURRENCY,
    &ENDPOINT_HEDGE_MS,
    &FAILURE_PREFIX,
    &HTTP_TIMEOUT_MS,
    &IDEMPOTENCY_LOCATION,
    &INCOMING_PREFIX,
    &OUTPUT_BUCKET,
    &OUTPUT_PREFIX,
    &PRODUCT_CONCURRENCY,
];

/// The digest of the settings that answers depend on, and of the function's version,
/// which has built-in texts. Files count by what is in them, not by their names.
pub(super) fn of<L>(environment: &Environment<L>, attribute_set: &AttributeSet) -> String
where
    L: Fn(&str) -> Option<String>,
{
    let files = [(
        &ATTRIBUTE_SET,
        format!(
            "{:?}{:?}",
            attribute_set.attributes(),
            attribute_set.categories()
        ),
    )];
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
    use crate::settings::Settings;

    fn fingerprint(pairs: &[(&str, &str)]) -> String {
        let settings = Settings::read(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        });
        settings.unwrap().fingerprint
    }

    #[test]
    fn what_changes_an_answer_changes_it() {
        let usual = fingerprint(&[]);
        assert_eq!(usual, fingerprint(&[("MAX_TOKENS", "400")]));
        for (name, value) in [
            ("ENDPOINT_NAME", "another"),
            ("BEDROCK_MODEL_IDS", "anthropic.claude-other-v1:0"),
            ("MAX_TOKENS", "401"),
            ("TEMPERATURE", "none"),
            ("DEFAULT_CATEGORY", "dress"),
            ("ATTRIBUTE_REQUESTS", "per-question"),
        ] {
            assert_ne!(usual, fingerprint(&[(name, value)]), "{name}");
        }
    }

    #[test]
    fn what_changes_no_answer_does_not() {
        let usual = fingerprint(&[]);
        for (name, value) in [
            ("BEDROCK_REGION", "eu-central-1"),
            ("ENDPOINT_CONCURRENCY", "9"),
            ("ENDPOINT_HEDGE_MS", "900"),
            ("FAILURE_PREFIX", "broken/"),
            ("HTTP_TIMEOUT_MS", "9000"),
            ("IDEMPOTENCY_LOCATION", "s3://results/calls/"),
            ("INCOMING_PREFIX", "photos/"),
            ("OUTPUT_BUCKET", "results"),
            ("OUTPUT_PREFIX", "texts/"),
            ("PRODUCT_CONCURRENCY", "5"),
        ] {
            assert_eq!(usual, fingerprint(&[(name, value)]), "{name}");
        }
    }

    #[test]
    fn a_file_counts_by_what_is_in_it() {
        let path = std::env::temp_dir().join(format!(
            "describe-product-{}-fingerprint.toml",
            std::process::id()
        ));
        let text = include_str!("../../../crates/attributes/src/default_set.toml");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            fingerprint(&[("ATTRIBUTE_SET", path.to_str().unwrap())])
        };
        assert_eq!(of(text), fingerprint(&[]));
        assert_ne!(of(&text.replace("Colour", "Shade")), fingerprint(&[]));
        std::fs::remove_file(&path).unwrap();
    }
}

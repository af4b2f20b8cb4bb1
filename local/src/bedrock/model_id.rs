//! Model ids, inference profile ids and ARNs.

use super::error::BedrockError;

/// The longest id that InvokeModel takes.
const MAX_CHARACTERS: usize = 2048;

/// Checks an id that a caller gives. Bare ids and profile ids must be Anthropic's, whose
/// request form is the only one here; what stands behind an ARN is not known, so any of
/// Bedrock's is taken.
///
/// # Errors
///
/// A `ValidationException`, as for an id that no model has.
pub fn check(id: &str) -> Result<(), BedrockError> {
    let allowed =
        |character: char| character.is_ascii_alphanumeric() || "-:./_".contains(character);
    let well_formed = !id.is_empty() && id.len() <= MAX_CHARACTERS && id.chars().all(allowed);
    let is_arn = id.starts_with("arn:aws") && id.contains(":bedrock:");
    if well_formed && (is_arn || bare(id).is_some()) {
        return Ok(());
    }
    Err(BedrockError::invalid_identifier())
}

/// The model's name as it stands in Anthropic's answers: `claude-3-sonnet-20240229` of
/// `us.anthropic.claude-3-sonnet-20240229-v1:0`.
pub fn short_name(id: &str) -> &str {
    let name = bare(id).unwrap_or(id);
    match name.rsplit_once("-v") {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => name,
    }
}

/// What follows `anthropic.` in an id, its region prefix or its ARN.
fn bare(id: &str) -> Option<&str> {
    let last = id.rsplit('/').next().unwrap_or(id);
    let (region, name) = last.split_once("anthropic.")?;
    let prefix_is_region = region.is_empty() || region.ends_with('.');
    (prefix_is_region && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_profiles_and_arns_are_taken() {
        for id in [
            "anthropic.claude-3-sonnet-20240229-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
            "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/abc123",
        ] {
            assert!(check(id).is_ok(), "{id}");
        }
        for id in [
            "",
            "amazon.titan-text-lite-v1",
            "claude",
            "anthropic.",
            "anthropic.cl aude",
        ] {
            assert_eq!(check(id), Err(BedrockError::invalid_identifier()), "{id}");
        }
    }

    #[test]
    fn a_short_name_has_neither_vendor_nor_version() {
        assert_eq!(
            short_name("anthropic.claude-3-sonnet-20240229-v1:0"),
            "claude-3-sonnet-20240229"
        );
        assert_eq!(short_name("eu.anthropic.claude-x"), "claude-x");
        assert_eq!(
            short_name("arn:aws:bedrock:r:0:inference-profile/us.anthropic.claude-x-v1:0"),
            "claude-x"
        );
    }
}

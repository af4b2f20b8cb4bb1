//! The settings of the calls of Bedrock.

use super::{
    BEDROCK_API, BEDROCK_MODEL_IDS, BEDROCK_REGION, Environment, GUARDRAIL_ID, GUARDRAIL_VERSION,
    MODEL_PRICES, SettingsError, TEMPERATURE,
};
use crate::domain::{Price, Prices};

/// The longest id or ARN of a guardrail.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>
const LONGEST_GUARDRAIL_ID: usize = 2_048;
/// The longest id or ARN of a model, by the same source.
const LONGEST_MODEL_ID: usize = 2_048;
/// The most digits of a guardrail's version.
const LONGEST_GUARDRAIL_VERSION: usize = 8;

/// How models are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BedrockApi {
    /// `InvokeModel` with the form of Anthropic's messages.
    Invoke,
    /// `Converse`, which has one form for the models of all makers.
    Converse,
}

/// A guardrail of Bedrock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guardrail {
    /// Its id or ARN.
    pub id: String,
    /// Its version: a number, or `DRAFT`.
    pub version: String,
}

/// Reads how models are called.
pub(super) fn api<L>(environment: &Environment<L>) -> Result<BedrockApi, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.text(&BEDROCK_API).as_str() {
        "invoke" => Ok(BedrockApi::Invoke),
        "converse" => Ok(BedrockApi::Converse),
        other => {
            Err(BEDROCK_API.wrong(format!("is {other:?}, must be \"invoke\" or \"converse\"")))
        }
    }
}

/// Reads the guardrail, of which neither half is of use alone.
pub(super) fn guardrail<L>(environment: &Environment<L>) -> Result<Option<Guardrail>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let id = environment.optional(&GUARDRAIL_ID);
    let version = environment.optional(&GUARDRAIL_VERSION);
    let (id, version) = match (id, version) {
        (None, None) => return Ok(None),
        (Some(id), Some(version)) => (id, version),
        (Some(id), None) => {
            return Err(GUARDRAIL_VERSION.wrong(format!(
                "is not set, but GUARDRAIL_ID is {id:?}: set the guardrail's version, or DRAFT"
            )));
        }
        (None, Some(version)) => {
            return Err(GUARDRAIL_ID.wrong(format!(
                "is not set, but GUARDRAIL_VERSION is {version:?}: set the guardrail's id or ARN"
            )));
        }
    };
    let is_of_an_id = |c: char| c.is_ascii_alphanumeric() || ":/-".contains(c);
    if id.len() > LONGEST_GUARDRAIL_ID || !id.chars().all(is_of_an_id) {
        return Err(GUARDRAIL_ID.wrong(format!(
            "is {id:?}, must be the id of a guardrail or its ARN"
        )));
    }
    let is_number =
        version.len() <= LONGEST_GUARDRAIL_VERSION && version.bytes().all(|b| b.is_ascii_digit());
    if !is_number && version != "DRAFT" {
        return Err(GUARDRAIL_VERSION.wrong(format!("is {version:?}, must be a number or DRAFT")));
    }
    Ok(Some(Guardrail { id, version }))
}

/// Reads the prices of models, beside those that ship.
pub(super) fn prices<L>(environment: &Environment<L>) -> Result<Prices, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let mut prices = Prices::shipped()
        .map_err(|error| MODEL_PRICES.wrong(format!("the built-in ones: {error}")))?;
    let text = environment.text(&MODEL_PRICES);
    for entry in text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let (id, price) = price_of_a_model(entry).ok_or_else(|| {
            MODEL_PRICES.wrong(format!(
                "holds {entry:?}, must be ID=INPUT/OUTPUT in US dollars a million tokens, as in \
                 \"anthropic.claude-3-haiku-20240307-v1:0=0.25/1.25\""
            ))
        })?;
        prices.set(id, price);
    }
    Ok(prices)
}

fn price_of_a_model(entry: &str) -> Option<(&str, Price)> {
    let (id, prices) = entry.rsplit_once('=')?;
    let (input, output) = prices.split_once('/')?;
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let price = Price::per_million_tokens(number(input)?, number(output)?)?;
    let id = id.trim();
    (!id.is_empty()).then_some((id, price))
}

/// Reads the list of models.
pub(super) fn model_ids<L>(environment: &Environment<L>) -> Result<Vec<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&BEDROCK_MODEL_IDS);
    let mut ids: Vec<String> = Vec::new();
    for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        let is_of_an_id = |c: char| c.is_ascii_alphanumeric() || ".:/_-".contains(c);
        if id.len() > LONGEST_MODEL_ID || !id.chars().all(is_of_an_id) {
            return Err(BEDROCK_MODEL_IDS.wrong(format!(
                "holds {id:?}, a model id has letters, digits and \".:/_-\" alone, at most \
                 {LONGEST_MODEL_ID}: separate ids by commas"
            )));
        }
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    if ids.is_empty() {
        return Err(
            BEDROCK_MODEL_IDS.wrong(format!("is {text:?}, must name at least one model id"))
        );
    }
    Ok(ids)
}

/// Reads the region; nothing where it is the function's own.
pub(super) fn region<L>(environment: &Environment<L>) -> Result<Option<String>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    match environment.optional(&BEDROCK_REGION) {
        Some(name) if !is_region(&name) => Err(BEDROCK_REGION.wrong(format!(
            "is {name:?}, must be the code of a region, as in \"eu-central-1\""
        ))),
        name => Ok(name),
    }
}

/// Whether a name has the form of a region's: words in small letters and a number, with hyphens
/// between them. <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        [words @ .., number] => {
            let are_words = words
                .iter()
                .all(|word| consists_of(word, |byte| byte.is_ascii_lowercase()));
            words.len() >= 2 && are_words && consists_of(number, |byte| byte.is_ascii_digit())
        }
        [] => false,
    }
}

/// Whether a text has something, and nothing but bytes of a kind.
fn consists_of(text: &str, is_of_kind: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_of_kind)
}

/// Reads the temperature; nothing where none is to be sent.
pub(super) fn temperature<L>(environment: &Environment<L>) -> Result<Option<f64>, SettingsError>
where
    L: Fn(&str) -> Option<String>,
{
    let text = environment.text(&TEMPERATURE);
    if text == "none" {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(temperature) if (0.0..=1.0).contains(&temperature) => Ok(Some(temperature)),
        _ => Err(TEMPERATURE.wrong(format!("is {text:?}, must be from 0 to 1, or \"none\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn models_are_invoked_without_a_guardrail_unless_told_otherwise() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.bedrock_api, BedrockApi::Invoke);
        assert_eq!(settings.guardrail, None);
        let settings = read(&[
            ("BEDROCK_API", "converse"),
            ("GUARDRAIL_ID", "gr1abc"),
            ("GUARDRAIL_VERSION", "DRAFT"),
        ])
        .unwrap();
        assert_eq!(settings.bedrock_api, BedrockApi::Converse);
        let guardrail = settings.guardrail.unwrap();
        assert_eq!(
            (guardrail.id.as_str(), guardrail.version.as_str()),
            ("gr1abc", "DRAFT")
        );
    }

    #[test]
    fn regions_are_known_by_their_form() {
        for name in [
            "us-east-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "ap-southeast-7",
        ] {
            let settings = read(&[("BEDROCK_REGION", name)]).unwrap();
            assert_eq!(settings.bedrock_region.as_deref(), Some(name));
        }
    }

    #[test]
    fn half_a_guardrail_is_an_error_that_names_the_other_half() {
        for (set, value, missing) in [
            ("GUARDRAIL_ID", "gr1abc", "GUARDRAIL_VERSION"),
            ("GUARDRAIL_VERSION", "1", "GUARDRAIL_ID"),
        ] {
            let error = read(&[(set, value)]).unwrap_err();
            assert_eq!(error.variable, missing);
            assert!(error.reason.contains(value), "{error}");
        }
        for (id, version, wrong) in [
            ("gr 1", "1", "GUARDRAIL_ID"),
            ("gr1", "latest", "GUARDRAIL_VERSION"),
            ("gr1", "123456789", "GUARDRAIL_VERSION"),
        ] {
            let pairs = [("GUARDRAIL_ID", id), ("GUARDRAIL_VERSION", version)];
            assert_eq!(read(&pairs).unwrap_err().variable, wrong, "{id} {version}");
        }
    }

    #[test]
    fn prices_are_read_beside_those_that_ship() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        let text = format!("{arn}=1.5/7, global.anthropic.claude-sonnet-4-6 = 2/10,");
        let prices = read(&[("MODEL_PRICES", text.as_str())]).unwrap().prices;
        assert_eq!(prices.of(arn), Price::per_million_tokens(1.5, 7.0));
        assert_eq!(
            prices.of("global.anthropic.claude-sonnet-4-6"),
            Price::per_million_tokens(2.0, 10.0)
        );
        let shipped = Prices::shipped().unwrap();
        let first = "anthropic.claude-3-sonnet-20240229-v1:0";
        assert_eq!(prices.of(first), shipped.of(first));
        assert!(prices.of(first).is_some());
    }

    #[test]
    fn what_is_no_price_is_quoted() {
        for text in ["a.b", "a.b=3", "a.b=3/x", "=3/15", "a.b=-1/2", "a.b=1/inf"] {
            let error = read(&[("MODEL_PRICES", text)]).unwrap_err();
            assert_eq!(error.variable, "MODEL_PRICES");
            assert!(error.reason.contains(text), "{error}");
        }
    }
}

//! The prices, from dated files that a user can replace.

use std::path::Path;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use describe_product::domain::{Price, Prices, Usage};
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Outcome};
use crate::given_path;

/// `prices/aws.json`, built in.
const AWS: &str = include_str!("../../../prices/aws.json");
/// `prices/bedrock.json`, built in.
const BEDROCK: &str = include_str!("../../../prices/bedrock.json");

/// The prices of everything but Bedrock, in US dollars.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsPrices {
    /// The day of these prices.
    pub as_of: String,
    /// Where they are from.
    pub origin: String,
    /// The region that they are of.
    pub region: String,
    /// An hour of an instance, by its type, behind an endpoint or in Batch Transform.
    pub instance_usd_per_hour: IndexMap<String, f64>,
    /// Lambda's.
    pub lambda: LambdaPrices,
    /// S3's.
    pub s3: S3Prices,
    /// A million calls of an HTTP API.
    pub http_api_usd_per_million_requests: f64,
    /// What the bill leaves out, by what is paid for: `docs/deploy.md` works with them. A file of
    /// one's own need not have them.
    #[serde(default)]
    pub usd_beside_the_bill: IndexMap<String, f64>,
}

/// The prices of Lambda.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaPrices {
    /// A million invocations.
    pub usd_per_million_requests: f64,
    /// A second of a gibibyte, by the architecture.
    pub usd_per_gb_second: IndexMap<String, f64>,
}

/// The prices of S3's standard class.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Prices {
    /// A gibibyte kept for a month.
    pub usd_per_gb_month: f64,
    /// A thousand PUT, COPY, POST or LIST requests.
    pub usd_per_thousand_writes: f64,
    /// A thousand GET and all other requests.
    pub usd_per_thousand_reads: f64,
}

/// The prices of Bedrock's models.
#[derive(Clone, Debug)]
pub struct BedrockPrices {
    /// The day of these prices.
    pub as_of: String,
    /// Where they are from.
    pub origin: String,
    /// What batch inference costs of what the same tokens cost on demand.
    pub batch_share: f64,
    models: Prices,
}

/// What this reads of the file beside what the function reads.
#[derive(Deserialize)]
struct BedrockFile {
    as_of: String,
    origin: String,
    batch_share_of_on_demand: f64,
}

impl AwsPrices {
    /// Those of a file in the form of `prices/aws.json`, else of that one.
    ///
    /// # Errors
    /// When the file can't be read, lacks a price or has one that is none.
    pub fn read(file: Option<&Path>) -> Outcome<AwsPrices> {
        let (text, place) = text("--prices", file, AWS, "prices/aws.json")?;
        let prices: AwsPrices = parse(&text, &place)?;
        let single = [
            prices.lambda.usd_per_million_requests,
            prices.s3.usd_per_gb_month,
            prices.s3.usd_per_thousand_writes,
            prices.s3.usd_per_thousand_reads,
            prices.http_api_usd_per_million_requests,
        ];
        let all = single
            .iter()
            .chain(prices.instance_usd_per_hour.values())
            .chain(prices.lambda.usd_per_gb_second.values())
            .chain(prices.usd_beside_the_bill.values());
        check(all, &place)?;
        check_day(&prices.as_of, &place)?;
        Ok(prices)
    }

    /// The price of an hour of an instance.
    ///
    /// # Errors
    /// When the file has none for this type, with the types that it has.
    pub fn instance(&self, instance_type: &str) -> Outcome<f64> {
        of(&self.instance_usd_per_hour, instance_type).map_err(|known| {
            Failure::usage(format!(
                "there is no price of {instance_type}; there is one of {known}"
            ))
            .next("give it by --instance-price, or a file of prices by --prices")
        })
    }

    /// The price of a second of a gibibyte of Lambda.
    ///
    /// # Errors
    /// When the file has none for this architecture.
    pub fn gb_second(&self, architecture: &str) -> Outcome<f64> {
        of(&self.lambda.usd_per_gb_second, architecture).map_err(|known| {
            Failure::usage(format!(
                "there is no price of Lambda on {architecture}; there is one of {known}"
            ))
        })
    }
}

impl BedrockPrices {
    /// Those of a file in the form of `prices/bedrock.json`, else of that one.
    ///
    /// # Errors
    /// When the file can't be read, lacks something or has a price that is none.
    pub fn read(file: Option<&Path>) -> Outcome<BedrockPrices> {
        let (text, place) = text("--bedrock-prices", file, BEDROCK, "prices/bedrock.json")?;
        let file: BedrockFile = parse(&text, &place)?;
        check_day(&file.as_of, &place)?;
        let share = file.batch_share_of_on_demand;
        if !(0.0..=1.0).contains(&share) {
            return Err(Failure::usage(format!(
                "{place} has batch_share_of_on_demand {share}, which must be from 0 to 1"
            )));
        }
        let models = Prices::parse(&text).map_err(|error| wrong(&place, &error))?;
        Ok(BedrockPrices {
            as_of: file.as_of,
            origin: file.origin,
            batch_share: file.batch_share_of_on_demand,
            models,
        })
    }

    /// What one text costs on demand, in US dollars.
    ///
    /// # Errors
    /// When the file has no price of this model.
    pub fn text(&self, model: &str, input_tokens: u64, output_tokens: u64) -> Outcome<f64> {
        let price = self.models.of(model).ok_or_else(|| {
            Failure::usage(format!("there is no price of the model {model}"))
                .next("give it by --model-price INPUT/OUTPUT, or a file by --bedrock-prices")
        })?;
        Ok(usd(price, input_tokens, output_tokens))
    }
}

/// What so many tokens cost, in US dollars.
#[must_use]
pub fn usd(price: Price, input_tokens: u64, output_tokens: u64) -> f64 {
    let usage = Usage {
        input_tokens,
        output_tokens,
        cost: None,
    };
    usage
        .priced(Some(price))
        .cost
        .map_or(0.0, |cost| cost.usd())
}

/// The price of one entry, or the names of all.
fn of(prices: &IndexMap<String, f64>, name: &str) -> Result<f64, String> {
    prices.get(name).copied().ok_or_else(|| {
        let known: Vec<&str> = prices.keys().map(String::as_str).collect();
        known.join(", ")
    })
}

/// A file's text, or what is built in, and what to call it.
fn text(
    option: &str,
    file: Option<&Path>,
    built_in: &str,
    name: &str,
) -> Outcome<(String, String)> {
    let Some(path) = file else {
        return Ok((built_in.to_owned(), name.to_owned()));
    };
    let place = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((text, place)),
        Err(error) => Err(given_path::cannot_read(option, path, "file", &error)),
    }
}

fn parse<T: DeserializeOwned>(text: &str, place: &str) -> Outcome<T> {
    serde_json::from_str(text).map_err(|error| wrong(place, &error))
}

fn wrong(place: &str, error: &serde_json::Error) -> Failure {
    Failure::usage(format!("{place} is no file of prices: {error}"))
        .next("prices/aws.json and prices/bedrock.json show the form")
}

fn check<'a>(mut prices: impl Iterator<Item = &'a f64>, place: &str) -> Outcome {
    match prices.find(|price| !price.is_finite() || **price < 0.0) {
        Some(price) => Err(Failure::usage(format!(
            "{place} has {price}, which is no price"
        ))),
        None => Ok(()),
    }
}

/// Looks that prices say of what day they are.
fn check_day(as_of: &str, place: &str) -> Outcome {
    let midnight = format!("{as_of}T00:00:00Z");
    let is_day = as_of.len() == "2026-01-01".len()
        && DateTime::from_str(&midnight, Format::DateTime).is_ok();
    match is_day {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{place} has as_of {as_of:?}, which must be a day, as in \"2026-01-31\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;
    use crate::infra_defaults::InfraDefaults;

    #[test]
    fn the_built_in_prices_have_a_date_an_origin_and_what_the_stacks_use() {
        let aws = AwsPrices::read(None).unwrap();
        let bedrock = BedrockPrices::read(None).unwrap();
        for (as_of, origin) in [(&aws.as_of, &aws.origin), (&bedrock.as_of, &bedrock.origin)] {
            assert_eq!(as_of.len(), "2026-01-01".len());
            assert!(origin.contains("Check them"), "{origin}");
        }
        let stacks = InfraDefaults::built_in().unwrap();
        assert!(aws.instance(&stacks.endpoint.instance_type).unwrap() > 0.0);
        assert!(aws.gb_second(&stacks.function.architecture).unwrap() > 0.0);
    }

    #[test]
    fn what_has_no_price_is_said_with_what_has_one() {
        let failure = AwsPrices::read(None)
            .unwrap()
            .instance("ml.x9")
            .unwrap_err();
        assert!(failure.what.contains("ml.x9") && failure.what.contains("ml.g5.2xlarge"));
        let bedrock = BedrockPrices::read(None).unwrap();
        assert!(bedrock.text("nobody.model", 1, 1).is_err());
        let text = bedrock
            .text("global.anthropic.claude-sonnet-4-6", 400, 200)
            .unwrap();
        // 400 at 3 and 200 at 15 dollars a million.
        assert!((text - 0.0042).abs() < 1e-12, "{text}");
    }

    #[test]
    fn a_file_of_ones_own_takes_their_place_if_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.json");
        let with = |from: &str, to: &str| {
            std::fs::write(&path, AWS.replace(from, to)).unwrap();
            AwsPrices::read(Some(&path))
        };
        let dearer = with("\"ml.g5.2xlarge\": 1.515", "\"ml.g5.2xlarge\": 2").unwrap();
        assert!((dearer.instance("ml.g5.2xlarge").unwrap() - 2.0).abs() < 1e-12);
        for (from, to, part) in [
            ("\"region\"", "\"regoin\"", "regoin"),
            ("1.515", "-1", "-1"),
            ("\"2026-03-15\"", "\"lately\"", "\"lately\""),
            ("\"2026-03-15\"", "\"2026-02-30\"", "as_of"),
            ("{", "", "no file of prices"),
        ] {
            let failure = with(from, to).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.contains(part), "{failure}");
        }
        let none = AwsPrices::read(Some(&folder.path().join("none"))).unwrap_err();
        assert_eq!(none.exit, Exit::NotFound);
    }
    #[test]
    fn batch_inference_costs_a_share_of_what_is_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.json");
        let share = BedrockPrices::read(None).unwrap().batch_share;
        assert!((0.0..=1.0).contains(&share), "{share}");
        for (share, is_one) in [("0", true), ("1", true), ("1.01", false), ("-0.1", false)] {
            let mut file: serde_json::Value = serde_json::from_str(BEDROCK).unwrap();
            file["batch_share_of_on_demand"] = serde_json::from_str(share).unwrap();
            std::fs::write(&path, file.to_string()).unwrap();
            match BedrockPrices::read(Some(&path)) {
                Ok(_) => assert!(is_one, "{share}"),
                Err(failure) => {
                    assert!(!is_one, "{failure}");
                    assert!(
                        failure.what.contains("batch_share_of_on_demand"),
                        "{failure}"
                    );
                }
            }
        }
    }
}

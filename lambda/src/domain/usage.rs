//! What descriptions take: tokens, and their cost.

use std::collections::HashMap;
use std::ops::Add;

use serde::{Deserialize, Serialize, Serializer};

/// The prices that ship, with their date and origin.
const SHIPPED: &str = include_str!("../../../prices/bedrock.json");

/// The parts of a US dollar that costs are counted in, so that sums are exact.
const PARTS_OF_A_USD: f64 = 1e12;
/// The same for the price of a token, which is given for a million of them.
const PARTS_OF_A_USD_A_MILLION: f64 = 1e6;
/// The highest price of a million tokens in USD that is taken for one.
const HIGHEST_PRICE: f64 = 100_000.0;

/// Tokens, as the writer's model counts them, over all turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Read: system prompt and attributes.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
    /// What they cost; absent where the price of a model that wrote is not known.
    #[serde(rename = "cost_usd", skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Usage {
    /// The same tokens at a price.
    pub fn priced(self, price: Option<Price>) -> Usage {
        Usage {
            cost: price.map(|price| price.of(self)),
            ..self
        }
    }
}

impl Add for Usage {
    type Output = Usage;

    fn add(self, other: Usage) -> Usage {
        Usage {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost: self.cost.zip(other.cost).map(|(one, two)| Cost {
                parts: one.parts.saturating_add(two.parts),
            }),
        }
    }
}

/// An amount of US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    parts: u64,
}

impl Cost {
    /// The amount in US dollars.
    pub fn usd(self) -> f64 {
        self.parts as f64 / PARTS_OF_A_USD
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

/// What a model's tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// A token that is read.
    input_parts: u64,
    /// A token that is written.
    output_parts: u64,
}

impl Price {
    /// A price in US dollars a million tokens; nothing where a number can be none.
    pub fn per_million_tokens(input: f64, output: f64) -> Option<Price> {
        let parts = |usd: f64| {
            (0.0..=HIGHEST_PRICE)
                .contains(&usd)
                .then(|| (usd * PARTS_OF_A_USD_A_MILLION).round() as u64)
        };
        Some(Price {
            input_parts: parts(input)?,
            output_parts: parts(output)?,
        })
    }

    fn of(self, usage: Usage) -> Cost {
        let input = usage.input_tokens.saturating_mul(self.input_parts);
        let output = usage.output_tokens.saturating_mul(self.output_parts);
        Cost {
            parts: input.saturating_add(output),
        }
    }
}

/// The prices of models, by the id that they are asked by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices(HashMap<String, Price>);

/// The part of the file that is read.
#[derive(Deserialize)]
struct PriceFile {
    usd_per_million_tokens: HashMap<String, PerMillion>,
}

#[derive(Deserialize)]
struct PerMillion {
    input: f64,
    output: f64,
}

impl Prices {
    /// The prices of `prices/bedrock.json`, which is built in.
    pub fn shipped() -> Result<Prices, serde_json::Error> {
        Prices::parse(SHIPPED)
    }

    /// The prices of a text in the form of `prices/bedrock.json`; what can be none is left out.
    pub fn parse(text: &str) -> Result<Prices, serde_json::Error> {
        let file: PriceFile = serde_json::from_str(text)?;
        let prices = file.usd_per_million_tokens.into_iter();
        Ok(Prices(
            prices
                .filter_map(|(id, PerMillion { input, output })| {
                    Some((id, Price::per_million_tokens(input, output)?))
                })
                .collect(),
        ))
    }

    /// Sets a model's price.
    pub fn set(&mut self, model_id: &str, price: Price) {
        self.0.insert(model_id.to_owned(), price);
    }

    /// The price of the model with this very id: what stands behind a profile of one's own
    /// is not known.
    pub fn of(&self, model_id: &str) -> Option<Price> {
        self.0.get(model_id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
            cost: None,
        }
    }

    #[test]
    fn tokens_cost_their_price_to_the_last_digit() {
        let price = Price::per_million_tokens(3.0, 15.0);
        assert_eq!(
            json!(usage(180, 96).priced(price)),
            json!({"input_tokens": 180, "output_tokens": 96, "cost_usd": 0.00198})
        );
        let price = Price::per_million_tokens(0.25, 1.25);
        let twice = usage(1, 1).priced(price) + usage(2, 0).priced(price);
        assert_eq!(json!(twice)["cost_usd"], json!(0.000_002));
    }

    #[test]
    fn without_every_price_there_is_no_cost() {
        let known = usage(1, 1).priced(Price::per_million_tokens(3.0, 15.0));
        let unknown = usage(2, 2).priced(None);
        let both = known + unknown;
        assert_eq!((both.input_tokens, both.output_tokens), (3, 3));
        assert_eq!(json!(both).get("cost_usd"), None);
    }

    #[test]
    fn what_can_be_no_price_is_none() {
        for (input, output) in [
            (-1.0, 1.0),
            (1.0, f64::NAN),
            (f64::INFINITY, 1.0),
            (1.0, 1e9),
        ] {
            assert_eq!(Price::per_million_tokens(input, output), None);
        }
        assert!(Price::per_million_tokens(0.0, 0.0).is_some());
    }

    #[test]
    fn the_shipped_prices_have_a_date_and_an_origin() {
        let prices = Prices::shipped().unwrap();
        let file: serde_json::Value = serde_json::from_str(SHIPPED).unwrap();
        for member in ["as_of", "origin"] {
            assert!(file[member].is_string(), "{member}");
        }
        let listed = file["usd_per_million_tokens"].as_object().unwrap();
        assert_eq!(prices.0.len(), listed.len());
        assert_eq!(prices.of("anthropic.unknown"), None);
    }
}

//! How an answer is generated, in the words of `transformers`' `generate`.

use serde::Deserialize;

use crate::unique_json;

/// Generation parameters; names, meaning and defaults as in `transformers`,
/// but for `max_new_tokens`, whose default there depends on the model.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationParameters {
    /// At most this many tokens, `</s>` included.
    pub max_new_tokens: usize,
    /// No `</s>` before this many tokens.
    pub min_new_tokens: usize,
    /// Beams of the search; 1 is greedy or sampled.
    pub num_beams: usize,
    /// A finished beam's score is its log-probability over its length to
    /// this power.
    pub length_penalty: f64,
    /// When a beam search may end.
    pub early_stopping: EarlyStopping,
    /// Above 1, tokens that were generated before become less likely.
    pub repetition_penalty: f64,
    /// Whether tokens are drawn at random.
    pub do_sample: bool,
    /// Divides the logits before drawing.
    pub temperature: f64,
    /// Only the likeliest so many are drawn from; 0 is all.
    pub top_k: usize,
    /// Only the likeliest that together reach this probability are drawn from.
    pub top_p: f64,
    /// Makes drawing repeatable: a question's answer depends on this seed and
    /// not on what else is asked. Without one, every call draws anew.
    pub seed: Option<u64>,
}

impl Default for GenerationParameters {
    fn default() -> Self {
        Self {
            max_new_tokens: 20,
            min_new_tokens: 0,
            num_beams: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::False,
            repetition_penalty: 1.0,
            do_sample: false,
            temperature: 1.0,
            top_k: 50,
            top_p: 1.0,
            seed: None,
        }
    }
}

/// When a beam search may end before `max_new_tokens`; `true`, `false` and
/// `"never"` in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlyStopping {
    /// As soon as there are as many finished beams as beams.
    True,
    /// When no running beam beats the worst finished one at its present length.
    #[default]
    False,
    /// When none can beat it at any length.
    Never,
}

impl<'de> Deserialize<'de> for EarlyStopping {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Spelling {
            Flag(bool),
            Word(String),
        }
        match Spelling::deserialize(deserializer) {
            Ok(Spelling::Flag(true)) => Ok(Self::True),
            Ok(Spelling::Flag(false)) => Ok(Self::False),
            Ok(Spelling::Word(word)) if word == "never" => Ok(Self::Never),
            _ => Err(serde::de::Error::custom(
                "early_stopping is true, false or \"never\"",
            )),
        }
    }
}

/// A generation parameter outside the range in which it means something.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} is {value}, it must be {range}")]
pub struct ParameterError {
    /// Which parameter.
    pub name: &'static str,
    /// What it was.
    pub value: String,
    /// What it may be.
    pub range: &'static str,
}

impl GenerationParameters {
    /// Checks that every parameter means something. How much work a caller
    /// may ask for is for the caller's host to limit.
    ///
    /// # Errors
    /// The first parameter that is out of range.
    pub fn validate(&self) -> Result<(), ParameterError> {
        let check = |ok: bool, name, value: &dyn std::fmt::Display, range| {
            if ok {
                Ok(())
            } else {
                Err(ParameterError {
                    name,
                    value: value.to_string(),
                    range,
                })
            }
        };
        let positive = |value: f64| value.is_finite() && value > 0.0;
        check(
            self.max_new_tokens > 0,
            "max_new_tokens",
            &self.max_new_tokens,
            "at least 1",
        )?;
        check(
            self.min_new_tokens <= self.max_new_tokens,
            "min_new_tokens",
            &self.min_new_tokens,
            "at most max_new_tokens",
        )?;
        check(
            self.num_beams > 0,
            "num_beams",
            &self.num_beams,
            "at least 1",
        )?;
        check(
            self.length_penalty.is_finite() && self.length_penalty.abs() <= 100.0,
            "length_penalty",
            &self.length_penalty,
            "between -100 and 100",
        )?;
        check(
            positive(self.repetition_penalty),
            "repetition_penalty",
            &self.repetition_penalty,
            "above 0",
        )?;
        check(
            positive(self.temperature),
            "temperature",
            &self.temperature,
            "above 0 (leave do_sample out for the likeliest answer)",
        )?;
        check(
            self.top_p > 0.0 && self.top_p <= 1.0,
            "top_p",
            &self.top_p,
            "above 0 and at most 1",
        )
    }

    /// The defaults that a checkpoint's `generation_config.json` sets;
    /// what it leaves out, or sets to null, is [`Default`]'s.
    ///
    /// # Errors
    /// Malformed JSON, or a value of the wrong type or range, as text.
    pub fn from_generation_config(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct File {
            max_new_tokens: Option<usize>,
            max_length: Option<usize>,
            min_new_tokens: Option<usize>,
            num_beams: Option<usize>,
            length_penalty: Option<f64>,
            early_stopping: Option<EarlyStopping>,
            repetition_penalty: Option<f64>,
            do_sample: Option<bool>,
            temperature: Option<f64>,
            top_k: Option<usize>,
            top_p: Option<f64>,
        }
        let file: File = unique_json::read(text).map_err(|error| error.to_string())?;
        let default = Self::default();
        // `max_length` counts the decoder's start token as well.
        let from_length = file.max_length.map(|length| length.saturating_sub(1));
        let parameters = Self {
            max_new_tokens: file
                .max_new_tokens
                .or(from_length)
                .unwrap_or(default.max_new_tokens),
            min_new_tokens: file.min_new_tokens.unwrap_or(default.min_new_tokens),
            num_beams: file.num_beams.unwrap_or(default.num_beams),
            length_penalty: file.length_penalty.unwrap_or(default.length_penalty),
            early_stopping: file.early_stopping.unwrap_or(default.early_stopping),
            repetition_penalty: file
                .repetition_penalty
                .unwrap_or(default.repetition_penalty),
            do_sample: file.do_sample.unwrap_or(default.do_sample),
            temperature: file.temperature.unwrap_or(default.temperature),
            top_k: file.top_k.unwrap_or(default.top_k),
            top_p: file.top_p.unwrap_or(default.top_p),
            seed: None,
        };
        parameters.validate().map_err(|error| error.to_string())?;
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        let cases: [(&str, GenerationParameters); 6] = [
            (
                "max_new_tokens",
                GenerationParameters {
                    max_new_tokens: 0,
                    ..Default::default()
                },
            ),
            (
                "min_new_tokens",
                GenerationParameters {
                    min_new_tokens: 21,
                    ..Default::default()
                },
            ),
            (
                "num_beams",
                GenerationParameters {
                    num_beams: 0,
                    ..Default::default()
                },
            ),
            (
                "temperature",
                GenerationParameters {
                    temperature: 0.0,
                    ..Default::default()
                },
            ),
            (
                "top_p",
                GenerationParameters {
                    top_p: f64::NAN,
                    ..Default::default()
                },
            ),
            (
                "repetition_penalty",
                GenerationParameters {
                    repetition_penalty: -1.0,
                    ..Default::default()
                },
            ),
        ];
        for (name, parameters) in cases {
            assert_eq!(parameters.validate().unwrap_err().name, name);
        }
        GenerationParameters::default().validate().unwrap();
    }

    #[test]
    fn a_generation_config_sets_defaults() {
        let parse = GenerationParameters::from_generation_config;
        assert_eq!(
            parse(r#"{"pad_token_id": 0}"#).unwrap(),
            GenerationParameters::default()
        );
        let set = parse(r#"{"num_beams": 5, "max_length": 31, "top_k": null}"#).unwrap();
        assert_eq!((set.num_beams, set.max_new_tokens, set.top_k), (5, 30, 50));
        let never = parse(r#"{"early_stopping": "never"}"#).unwrap();
        assert_eq!(never.early_stopping, EarlyStopping::Never);
        assert!(
            parse(r#"{"early_stopping": 1}"#)
                .unwrap_err()
                .contains("early_stopping")
        );
        assert!(
            parse(r#"{"num_beams": 0}"#)
                .unwrap_err()
                .contains("num_beams")
        );
        let twice = parse(r#"{"pad_token_id": 0, "pad_token_id": 1}"#).unwrap_err();
        assert!(twice.contains("the key `pad_token_id` twice"), "{twice}");
    }
}

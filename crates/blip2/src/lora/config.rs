//! `adapter_config.json`, as peft writes and reads it.

use std::fmt::Display;

use serde::Deserialize;
use serde_json::Value;

use super::adapter::CONFIG;
use super::target_modules::TargetModules;
use crate::error::Error;
use crate::unique_json;

/// The settings of an adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    /// Rank of the two matrices.
    pub r: usize,
    /// `alpha / r` is what their product is multiplied by.
    pub alpha: f64,
    /// Probability with which an element of their input is dropped in training.
    pub dropout: f64,
    /// Which linear layers get them.
    pub target_modules: TargetModules,
    /// Whether the product is multiplied by `alpha / √r` instead.
    pub use_rslora: bool,
}

/// What peft says where a setting changes nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(entries) => entries.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::String(text) => text == "none",
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The settings that this crate goes by.
const KNOWN: [&str; 6] = [
    "lora_alpha",
    "lora_dropout",
    "peft_type",
    "r",
    "target_modules",
    "use_rslora",
];

/// Settings of peft 0.21 and before that may be anything: an adapter that has
/// learnt computes the same whatever they are. They say where it comes from, how
/// its matrices began, or are read only beside another setting, which is refused.
const WITHOUT_EFFECT: [&str; 12] = [
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "eva_config",
    "inference_mode",
    "loftq_config",
    "lora_ga_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "task_type",
];

/// How the matrices may have begun. Every other way of peft's changes the frozen
/// weights as well, and then an adapter belongs to those.
const BEGINNINGS: [&str; 3] = ["eva", "gaussian", "orthogonal"];

const BEGINNING: &str = "init_lora_weights";

/// Whether an adapter with this setting computes what this crate does. A setting
/// that is not known, of a later peft perhaps, does if it says nothing.
fn is_understood(name: &str, value: &Value) -> bool {
    match value {
        _ if KNOWN.contains(&name) || WITHOUT_EFFECT.contains(&name) => true,
        Value::Bool(_) if name == BEGINNING => true,
        Value::String(way) if name == BEGINNING => BEGINNINGS.contains(&way.as_str()),
        _ => is_nothing(value),
    }
}

fn malformed(error: impl Display) -> Error {
    Error::Adapter(format!("{CONFIG}: {error}"))
}

impl LoraConfig {
    /// The largest rank.
    pub const MAX_R: usize = 4096;

    /// Parses an `adapter_config.json`.
    ///
    /// # Errors
    /// [`Error::Adapter`] when it describes no LoRA adapter, one with settings that
    /// this crate does not know and that say something, or has a key twice.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct File {
            peft_type: String,
            r: usize,
            lora_alpha: f64,
            #[serde(default)]
            lora_dropout: f64,
            target_modules: TargetModules,
            #[serde(default)]
            use_rslora: bool,
        }
        let whole = unique_json::parse(text.as_bytes()).map_err(malformed)?;
        for (name, value) in whole.as_object().into_iter().flatten() {
            if !is_understood(name, value) {
                return Err(Error::Adapter(format!(
                    "{CONFIG}: {name} is {value}, which this program does not know"
                )));
            }
        }
        let file: File = serde_json::from_value(whole).map_err(malformed)?;
        if file.peft_type != "LORA" {
            return Err(Error::Adapter(format!(
                "peft_type is {}, it has to be LORA",
                file.peft_type
            )));
        }
        let config = Self {
            r: file.r,
            alpha: file.lora_alpha,
            dropout: file.lora_dropout,
            target_modules: file.target_modules,
            use_rslora: file.use_rslora,
        };
        config.validate()?;
        Ok(config)
    }

    /// Checks the ranges of the numbers.
    ///
    /// # Errors
    /// [`Error::Adapter`] with what is out of its range.
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::Adapter(message));
        if self.r == 0 || self.r > Self::MAX_R {
            return fail(format!(
                "r is {}, it must be from 1 to {}",
                self.r,
                Self::MAX_R
            ));
        }
        // It is computed with in f32.
        if !(self.alpha as f32).is_finite() {
            return fail(format!("lora_alpha is {}", self.alpha));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return fail(format!(
                "lora_dropout is {}, it must be at least 0 and below 1",
                self.dropout
            ));
        }
        self.target_modules.matcher().map(drop)
    }

    /// What the product of the two matrices is multiplied by.
    pub fn scale(&self) -> f64 {
        let rank = self.r as f64;
        self.alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }

    /// The file's text, complete enough for peft to load.
    pub fn to_json(&self) -> String {
        let file = serde_json::json!({
            "auto_mapping": {
                "base_model_class": "Blip2ForConditionalGeneration",
                "parent_library": "transformers.models.blip_2.modeling_blip_2",
            },
            "base_model_name_or_path": null,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": self.r,
            "target_modules": self.target_modules,
            "task_type": null,
            "use_rslora": self.use_rslora,
        });
        format!("{file:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_unknown_is_refused() {
        let config = LoraConfig {
            r: 4,
            alpha: 16.0,
            dropout: 0.1,
            target_modules: TargetModules::Names(vec!["q".into()]),
            use_rslora: true,
        };
        assert_eq!(LoraConfig::from_json(&config.to_json()).unwrap(), config);
        assert_eq!(config.scale(), 8.0);
        for (from, to, needle) in [
            ("\"bias\": \"none\"", "\"bias\": \"all\"", "bias"),
            (
                "\"modules_to_save\": null",
                "\"modules_to_save\": [\"x\"]",
                "modules_to_save",
            ),
            (
                "\"bias\": \"none\"",
                "\"use_dora\": true",
                "use_dora is true",
            ),
            (
                "\"bias\": \"none\"",
                "\"alora_invocation_tokens\": [1, 2]",
                "alora_invocation_tokens is [1,2]",
            ),
            (
                "\"bias\": \"none\"",
                "\"kasa_config\": {\"beta\": 0.1}",
                "kasa_config",
            ),
            (
                "\"bias\": \"none\"",
                "\"of_next_year\": 3",
                "of_next_year is 3, which this program does not know",
            ),
            (
                "\"init_lora_weights\": true",
                "\"init_lora_weights\": \"pissa_niter_4\"",
                "init_lora_weights is \"pissa_niter_4\"",
            ),
            ("\"LORA\"", "\"IA3\"", "IA3"),
            (
                "\"bias\": \"none\"",
                "\"r\": 8",
                "adapter_config.json: an object in it has the key `r` twice",
            ),
            (
                "\"q\"\n  ]",
                "7\n  ]",
                "target_modules has to be an array of names",
            ),
            ("\"r\": 4", "\"r\": 0", "r is 0"),
            (
                "\"lora_alpha\": 16.0",
                "\"lora_alpha\": 1e39",
                "lora_alpha is 1",
            ),
            (
                "\"lora_dropout\": 0.1",
                "\"lora_dropout\": 1.0",
                "lora_dropout",
            ),
        ] {
            let text = config.to_json().replace(from, to);
            assert_ne!(text, config.to_json());
            let error = LoraConfig::from_json(&text).unwrap_err().to_string();
            assert!(error.contains(needle), "{error}");
        }
        for (from, to) in [
            ("\"bias\": \"none\"", "\"of_next_year\": null"),
            ("\"bias\": \"none\"", "\"use_of_next_year\": false"),
            ("\"bias\": \"none\"", "\"peft_version\": \"0.21.2\""),
            ("\"bias\": \"none\"", "\"qalora_group_size\": 16"),
            (
                "\"init_lora_weights\": true",
                "\"init_lora_weights\": \"gaussian\"",
            ),
        ] {
            let text = config.to_json().replace(from, to);
            assert_ne!(text, config.to_json());
            assert_eq!(LoraConfig::from_json(&text).unwrap(), config, "{to}");
        }
    }
}

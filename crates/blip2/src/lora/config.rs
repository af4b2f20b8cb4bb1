//! `adapter_config.json`, as peft writes and reads it.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::adapter::CONFIG;
use crate::error::Error;

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

/// Linear layers by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetModules {
    /// A regular expression for the whole name, such as
    /// `.*\.SelfAttention\.(q|v)`.
    Pattern(String),
    /// Names, or what they end with after a dot.
    Names(Vec<String>),
}

impl TargetModules {
    /// Whether a layer is one of them.
    ///
    /// # Errors
    /// [`Error::Adapter`] when the pattern is no regular expression.
    pub fn matcher(&self) -> Result<impl Fn(&str) -> bool + use<>, Error> {
        let (names, pattern) = match self {
            Self::Names(names) => (names.clone(), None),
            Self::Pattern(pattern) => {
                let whole = Regex::new(&format!("^(?:{pattern})$"))
                    .map_err(|error| Error::Adapter(format!("target_modules: {error}")))?;
                (Vec::new(), Some(whole))
            }
        };
        Ok(move |module: &str| match &pattern {
            Some(pattern) => pattern.is_match(module),
            None => names.iter().any(|name| is_named(module, name)),
        })
    }

    /// What of it is none of these layers: names that none has, or the pattern.
    ///
    /// # Errors
    /// As [`Self::matcher`].
    pub(crate) fn unmatched(&self, layers: &[String]) -> Result<Vec<&str>, Error> {
        match self {
            Self::Names(names) => {
                let is_layer = |name: &str| layers.iter().any(|layer| is_named(layer, name));
                let names = names.iter().map(String::as_str);
                Ok(names.filter(|name| !is_layer(name)).collect())
            }
            Self::Pattern(pattern) => {
                let is_target = self.matcher()?;
                let is_matched = layers.iter().any(|layer| is_target(layer.as_str()));
                Ok(match is_matched {
                    true => Vec::new(),
                    false => vec![pattern.as_str()],
                })
            }
        }
    }
}

/// Whether this is the module's name, or what that ends with after a dot.
fn is_named(module: &str, name: &str) -> bool {
    module
        .strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
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

impl LoraConfig {
    /// The largest rank.
    pub const MAX_R: usize = 4096;

    /// Parses an `adapter_config.json`.
    ///
    /// # Errors
    /// [`Error::Adapter`] when it describes no LoRA adapter, or one with
    /// settings that this crate does not know and that say something.
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
        let malformed = |error| Error::Adapter(format!("{CONFIG}: {error}"));
        let whole: Value = serde_json::from_str(text).map_err(malformed)?;
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
    fn modules_are_chosen_as_peft_chooses_them() {
        let q = "language_model.encoder.block.0.layer.0.SelfAttention.q";
        let names = |names: &[&str]| {
            TargetModules::Names(names.iter().map(|name| (*name).to_owned()).collect())
        };
        for (targets, fits) in [
            (names(&["q", "v"]), true),
            (names(&["SelfAttention.q"]), true),
            (names(&[q]), true),
            (names(&["Attention.q", "o"]), false),
            (
                TargetModules::Pattern(r".*\.SelfAttention\.(q|v)".into()),
                true,
            ),
            (TargetModules::Pattern("SelfAttention.q".into()), false),
        ] {
            assert_eq!(targets.matcher().unwrap()(q), fits, "{targets:?}");
        }
        assert!(TargetModules::Pattern("(".into()).matcher().is_err());
    }

    #[test]
    fn what_is_no_layer_is_found_beside_what_is_one() {
        let layers = ["x.SelfAttention.q", "x.SelfAttention.v", "lm_head"].map(str::to_owned);
        let names =
            TargetModules::Names(["q", "lm_head", "c_attn", "n.q"].map(str::to_owned).into());
        assert_eq!(names.unmatched(&layers).unwrap(), ["c_attn", "n.q"]);
        for (pattern, unmatched) in [(r".*\.(q|v)", &[][..]), ("q", &["q"])] {
            let targets = TargetModules::Pattern(pattern.to_owned());
            assert_eq!(targets.unmatched(&layers).unwrap(), unmatched);
        }
    }

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

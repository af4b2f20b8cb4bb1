//! Hyperparameters' values as text, and what they are read as.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use anyhow::{anyhow, bail};
use serde_json::Value;

/// A value as text: SageMaker's Python SDK sends strings that are JSON once
/// more.
pub(super) fn plain(name: &str, value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::String(inner)) => inner,
            Ok(Value::Null) => String::new(),
            _ => text.trim().to_owned(),
        },
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => {
            bail!("hyperparameter `{name}` has to be a string")
        }
    })
}

/// The values of all names.
pub(super) struct Values(pub(super) BTreeMap<&'static str, String>);

impl Values {
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &str, kind: &str) -> anyhow::Result<T> {
        let text = self.text(name);
        text.parse()
            .map_err(|_| anyhow!("hyperparameter `{name}` is `{text}`, it has to be {kind}"))
    }

    pub(super) fn whole<T: FromStr>(&self, name: &str) -> anyhow::Result<T> {
        self.parsed(name, "a whole number")
    }

    /// A whole number that is not 0.
    pub(super) fn count<T: FromStr + PartialEq + Default>(&self, name: &str) -> anyhow::Result<T> {
        let count: T = self.whole(name)?;
        if count == T::default() {
            bail!("hyperparameter `{name}` is 0, it has to be at least 1");
        }
        Ok(count)
    }

    /// A number from `least` to `most`.
    pub(super) fn number(&self, name: &str, least: f64, most: f64) -> anyhow::Result<f64> {
        let number: f64 = self.parsed(name, "a number")?;
        if !(least..=most).contains(&number) {
            bail!("hyperparameter `{name}` is {number}, it has to be from {least} to {most}");
        }
        Ok(number)
    }

    pub(super) fn flag(&self, name: &str) -> anyhow::Result<bool> {
        match self.text(name).to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            other => bail!("hyperparameter `{name}` is `{other}`, it has to be true or false"),
        }
    }

    pub(super) fn one_of<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> anyhow::Result<T> {
        let text = self.text(name);
        let chosen = choices.iter().find(|(choice, _)| *choice == text);
        chosen.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            anyhow!(
                "hyperparameter `{name}` is `{text}`, it has to be one of {}",
                known.join(", ")
            )
        })
    }

    /// The name of a file in a channel, and nothing outside it.
    pub(super) fn file(&self, name: &str) -> anyhow::Result<String> {
        let text = self.text(name);
        let is_plain = Path::new(text)
            .file_name()
            .is_some_and(|plain| plain == text);
        if !is_plain {
            bail!("hyperparameter `{name}` is `{text}`, it has to be a file's name");
        }
        Ok(text.to_owned())
    }
}
